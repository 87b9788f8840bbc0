"""The index's errors.

IndexingError
├── CorpusMissing         the corpus folder is not there, or is no folder
├── CorpusUnreadable      the corpus folder is there, and cannot be listed
├── CorpusMismatch        the collection was built from another folder
├── SourceUnreadable      one file could not be read or understood; the others are unharmed
├── SettingInvalid        a setting that the index cannot work with
├── EmbedderUnavailable   the weights or the embeddings endpoint cannot be used
├── EmbedderMismatch      the generation was built with another embedding model
├── GenerationMissing     nothing has been published yet, or nothing to go back to
├── GenerationDamaged     a generation's files are not what its manifest says
├── SpaceLow              too little room on the disk to build a generation
├── DiskFull              the disk filled up while a generation was being built
├── SyncBusy              another process is writing to this collection
└── SyncFailed            the sync's child process ended without publishing
"""

from pathlib import Path


class IndexingError(Exception):
    """Whatever can go wrong between a file and a generation."""


class CorpusMissing(IndexingError):
    """The corpus folder is not there, or is no folder."""

    def __init__(self, path: Path) -> None:
        """Names the folder that was looked for."""
        super().__init__(f"no folder of articles at {path}: create it, or name another corpus")
        self.path = path


class CorpusUnreadable(IndexingError):
    """The corpus folder is there, and cannot be listed; what was indexed of it stays."""

    def __init__(self, path: Path, cause: str) -> None:
        """Names the folder and the system's reason."""
        super().__init__(f"the folder of articles at {path} cannot be listed: {cause}")
        self.path, self.cause = path, cause


class CorpusMismatch(IndexingError):
    """The collection was built from another folder."""

    def __init__(self, collection: str, known: str, given: str) -> None:
        """Names both folders and the two ways out."""
        super().__init__(
            f"collection {collection!r} was built from {known}, not from {given}: "
            f"use --collection NAME for a second corpus, or --replace to change this one's"
        )
        self.collection, self.known, self.given = collection, known, given


class SourceUnreadable(IndexingError):
    """One file could not be read or understood; the others are unharmed."""

    def __init__(self, path: str, cause: str, *, passing: bool = False) -> None:
        """Names the file, below its corpus, and the cause; `passing`: it is the disk's trouble."""
        super().__init__(f"{path}: {cause}")
        self.path, self.cause, self.passing = path, cause, passing


class SettingInvalid(IndexingError):
    """A setting that the index cannot work with."""


class EmbedderUnavailable(IndexingError):
    """The weights or the embeddings endpoint cannot be used."""


class EmbedderMismatch(IndexingError):
    """The generation was built with another embedding model."""

    def __init__(self, built: str, given: str) -> None:
        """Names both fingerprints."""
        super().__init__(
            f"the index was built with {built}, the service embeds with {given}: "
            "run `footnote sync`, or set embed as it was"
        )
        self.built, self.given = built, given


class GenerationMissing(IndexingError):
    """Nothing has been published yet, or nothing to go back to."""

    def __init__(self, collection: str, missing: str = "") -> None:
        """Names the collection, and what it lacks: an index, unless said otherwise."""
        command = "footnote sync"
        if collection != "default":
            command += f" FOLDER --collection {collection}"
        missing = missing or f"no index yet: run `{command}`"
        super().__init__(f"collection {collection!r} has {missing}")
        self.collection = collection


class GenerationDamaged(IndexingError):
    """A generation's files are not what its manifest says."""

    def __init__(self, path: Path, cause: str) -> None:
        """Names the generation's folder and the first thing found wrong."""
        super().__init__(f"generation {path.name} is damaged ({cause}): run `footnote sync`")
        self.path, self.cause = path, cause


class SpaceLow(IndexingError):
    """Too little room on the disk to build a generation; what serves is unharmed."""

    def __init__(self, path: Path, free: int, needed: int) -> None:
        """Names the folder and both figures, in bytes."""
        super().__init__(
            f"{free / 1e6:,.0f} MB are free at {path}, a sync needs {needed / 1e6:,.0f} MB: "
            f"make room, or set another data folder"
        )
        self.path, self.free, self.needed = path, free, needed


class DiskFull(IndexingError):
    """The disk filled up while a generation was being built; what serves is unharmed."""

    def __init__(self, path: Path) -> None:
        """Names the folder."""
        super().__init__(
            f"the disk of {path} filled up during the sync: make room, or set another data folder, "
            f"and sync again; what was indexed before is unharmed"
        )
        self.path = path


class SyncBusy(IndexingError):
    """Another process is writing to this collection."""

    def __init__(self, collection: str, pid: int | None) -> None:
        """Names the holder of the lock, where it said its pid."""
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"collection {collection!r} is being synced by {holder}: try again later")
        self.collection, self.pid = collection, pid


class SyncFailed(IndexingError):
    """The sync's child process ended without publishing."""
