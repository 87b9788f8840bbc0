"""The index's errors.

IndexingError
├── corpus      CorpusMissing, CorpusUnreadable, CorpusMismatch, SourceUnreadable
├── settings    SettingInvalid, EmbedderUnavailable, EmbedderMismatch
├── generation  GenerationMissing, GenerationDamaged
├── pool        PoolUnavailable, WorkerFailed
├── shared      SharedUnavailable, SharedDamaged
└── sync        SpaceLow, DiskFull, SyncBusy, SyncFailed
"""

from pathlib import Path

from .redact import redact


class IndexingError(Exception):
    """Base of all errors between a file and a generation; the message is redacted."""

    def __str__(self) -> str:
        return redact(super().__str__())


class CorpusMissing(IndexingError):
    """The corpus folder does not exist, or is not a folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no folder of articles at {path}: create it, or name another corpus")
        self.path = path


class CorpusUnreadable(IndexingError):
    """The corpus folder exists, but cannot be listed; what was indexed from it is kept."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"the corpus folder {path} cannot be listed: {cause}")
        self.path, self.cause = path, cause


class CorpusMismatch(IndexingError):
    """The collection was built from another folder."""

    def __init__(self, collection: str, indexed: str, requested: str) -> None:
        super().__init__(
            f"collection {collection!r} was built from {indexed}, not from {requested}: "
            f"use --collection NAME for a second corpus, or --replace to index the new folder"
        )
        self.collection, self.indexed, self.requested = collection, indexed, requested


class SourceUnreadable(IndexingError):
    """One file (`path` is relative to the corpus) could not be read or parsed.

    `is_transient`: the disk failed, not the file; what was indexed of the file before is kept.
    """

    def __init__(self, path: str, cause: str, *, is_transient: bool = False) -> None:
        super().__init__(f"{path}: {cause}")
        self.path, self.cause, self.is_transient = path, cause, is_transient


class SettingInvalid(IndexingError):
    """A setting that the index cannot work with."""


class EmbedderUnavailable(IndexingError):
    """The weights or the embeddings endpoint cannot be used."""


class EmbedderMismatch(IndexingError):
    """The generation was built with another embedding model; both are fingerprints."""

    def __init__(self, indexed: str, configured: str) -> None:
        super().__init__(
            f"the index was built with {indexed}, but the service embeds with {configured}: "
            "run `footnote sync`, or restore the previous embed settings"
        )
        self.indexed, self.configured = indexed, configured


class GenerationMissing(IndexingError):
    """Nothing has been published yet; `missing` says what else is missing, if not the index."""

    def __init__(self, collection: str, missing: str = "") -> None:
        command = "footnote sync"
        if collection != "default":
            command += f" FOLDER --collection {collection}"
        missing = missing or f"no index yet: run `{command}`"
        super().__init__(f"collection {collection!r} has {missing}")
        self.collection = collection


class GenerationDamaged(IndexingError):
    """A generation's files differ from its manifest; `cause` is the first difference."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"generation {path.name} is damaged ({cause}): run `footnote sync`")
        self.path, self.cause = path, cause


class SharedUnavailable(IndexingError):
    """The store that machines share cannot be reached or used; what was published is kept."""

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(
            f"the shared store {url} does not work ({cause}): check its address and credentials, "
            "then try again; nothing published is lost"
        )
        self.url, self.cause = url, cause


class PoolUnavailable(IndexingError):
    """The Dask scheduler does not answer, or has no workers; what is embedded is kept."""

    def __init__(self, url: str, cause: str = "does not answer: start it") -> None:
        super().__init__(
            f"the Dask scheduler {url} {cause}, or unset FOOTNOTE_POOL; what is embedded is kept"
        )
        self.url, self.cause = url, cause


class WorkerFailed(IndexingError):
    """A worker refused a task, failed it too often, or returned what cannot be right."""

    def __init__(self, worker: str, cause: str) -> None:
        super().__init__(f"the worker {worker}: {cause}; what is embedded is kept")
        self.worker, self.cause = worker, cause


class SharedDamaged(IndexingError):
    """An object of the shared store is missing or altered, so its generation is not served."""

    def __init__(self, key: str, cause: str) -> None:
        super().__init__(
            f"the shared object {key} {cause}: delete it and run `footnote sync` on the machine "
            "that syncs, which writes it again; what was served before still is"
        )
        self.key, self.cause = key, cause


class SpaceLow(IndexingError):
    """Too little disk space to build a generation (sizes in bytes); the serving one is kept."""

    def __init__(self, path: Path, free: int, needed: int) -> None:
        super().__init__(
            f"{free / 1e6:,.0f} MB are free at {path}, but a sync needs {needed / 1e6:,.0f} MB: "
            f"free some disk space, or set another data folder"
        )
        self.path, self.free, self.needed = path, free, needed


class DiskFull(IndexingError):
    """The disk filled up while a generation was being built; the serving one is kept."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the disk of {path} filled up during the sync: free some space, or set another data "
            f"folder, and sync again; the existing index is unaffected"
        )
        self.path = path


class SyncBusy(IndexingError):
    """Another process is writing to this collection; `pid` is None where it is not known.

    `where` is where it runs, if that is not this machine.
    """

    def __init__(self, collection: str, pid: int | None, *, where: str = "") -> None:
        holder = f"process {pid}" if pid else where or "another process"
        super().__init__(f"collection {collection!r} is being synced by {holder}: try again later")
        self.collection, self.pid = collection, pid


class SyncFailed(IndexingError):
    """The sync's child process ended without publishing."""
