"""A built folder → the serving generation: hashed, made durable, verified, published by rename.

Readers see the old generation or the new one, never a mix: the folder gets its final name before
CURRENT does, and CURRENT carries the manifest's hash. One older generation is kept for rollback.
"""

import errno
import importlib.metadata
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import DiskFull, GenerationMissing, IndexingError, SpaceLow, SyncFailed
from ..store.generation import Generation
from ..store.integrity import verify
from ..store.manifest import (
    CURRENT,
    Current,
    Manifest,
    generation_folder,
    hash_files,
    read_manifest,
    read_published,
    sync_folder,
    sync_tree,
    write_manifest,
    write_published,
)
from ..types import GenerationInfo, Skipped
from .build import VectorIndex
from .changes import CorpusDiff, ParsedSource
from .process import SyncRequest, writer_lock

_LIBRARIES = ("chromadb", "tantivy", "llama-index-core", "onnxruntime", "numpy")
_BUILDING = "building-"
_DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
FREE_BYTES = 200_000_000
"""Space that must stay free on the disk of the data folder."""


def building_folder(collection_folder: Path) -> Path:
    """Returns a new, empty folder to build in, after removing unfinished builds."""
    remove_unfinished_builds(collection_folder)
    folder = collection_folder / "generations" / f"{_BUILDING}{os.getpid()}"
    folder.mkdir(parents=True)
    return folder


def remove_unfinished_builds(collection_folder: Path) -> None:
    """Removes what interrupted builds left; under the writer lock none of them is running."""
    for folder in (collection_folder / "generations").glob(f"{_BUILDING}*"):
        shutil.rmtree(folder)
    for file in collection_folder.glob(f".{CURRENT}.*"):
        file.unlink()


def remove_old_generations(collection_folder: Path) -> None:
    """Removes the generations that CURRENT does not name."""
    names = {entry.generation for entry in _published(collection_folder)}
    for folder in (collection_folder / "generations").iterdir():
        if folder.name.isdigit() and folder.name not in names:
            shutil.rmtree(folder)


def check_space(folder: Path, *, build_bytes: int) -> None:
    """Raises SpaceLow unless the disk has room for the build and FREE_BYTES more.

    On a full disk Chroma's and SQLite's reads fail, too, so it must not get that far.
    """
    free, needed = shutil.disk_usage(folder).free, FREE_BYTES + build_bytes
    if free < needed:
        raise SpaceLow(folder, free, needed)


def disk_error(error: Exception, folder: Path) -> IndexingError | None:
    """Returns the error to report for a full or failing disk; None for any other cause.

    Chroma, tantivy and SQLite report a full disk with errors and messages of their own.
    """
    code = error.errno if isinstance(error, OSError) else None
    message = str(error).lower()
    if code in _DISK_FULL_ERRNOS or "disk is full" in message or "no space left" in message:
        return DiskFull(folder)
    if isinstance(error, OSError):
        return SyncFailed(f"disk error during the sync ({error}): check the disk and sync again")
    return None


def folder_bytes(folder: Path) -> int:
    """Returns the total size of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def publish(
    folder: Path,
    request: SyncRequest,
    diff: CorpusDiff,
    sources: Sequence[ParsedSource],
    *,
    fingerprint: Mapping[str, str],
    embedder: tuple[str, int] | None,
    vectors: VectorIndex,
    on_verified: Callable[[int, int], None],
) -> str:
    """Publishes what was built in `folder` and returns the generation's name.

    `embedder` is its fingerprint and dimensions, None for a generation without vectors;
    `on_verified` receives (verified chunks, total). Raises GenerationDamaged where verification
    fails; then nothing is published.
    """
    collection_folder = request.folder
    published = _published(collection_folder)
    names = [path.name for path in (collection_folder / "generations").iterdir()]
    names += [entry.generation for entry in published]
    name = f"{max((int(name) for name in names if name.isdigit()), default=0) + 1:06}"
    manifest = Manifest(
        generation=name,
        collection=request.collection,
        corpus=str(request.corpus),
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        complete=embedder is not None,
        fingerprint=fingerprint,
        embedder=embedder[0] if embedder else "",
        dimensions=embedder[1] if embedder else 0,
        sources=len(sources),
        chunks=sum(len(entry.chunks) for entry in sources),
        skipped=diff.skipped,
        skipped_stamps=diff.skipped_stamps,
        versions={library: importlib.metadata.version(library) for library in _LIBRARIES},
        files=hash_files(folder),
        sha256={entry.source.path: entry.source.sha256 for entry in sources},
        drift=vectors.drift,
        exact=vectors.exact,
    )
    current = Current(name, write_manifest(folder, manifest))
    sync_tree(folder)
    final = generation_folder(collection_folder, name)
    folder.rename(final)
    sync_folder(final.parent)
    new_rows = [c.row for entry in sources if entry.previous_row is None for c in entry.chunks]
    try:
        with closing(Generation(collection_folder, current)) as generation:
            verify(generation, new_rows, on_verified)
    except IndexingError:
        shutil.rmtree(final)
        raise
    write_published(collection_folder, (current, *published[:1]))
    return name


def _published(collection_folder: Path) -> tuple[Current, ...]:
    """Returns the generations in CURRENT; none where it cannot be read."""
    try:
        return read_published(collection_folder)
    except IndexingError:
        return ()


def roll_back(collection_folder: Path, collection: str) -> str:
    """Publishes the older of the two generations again and returns its name.

    The newer one becomes the one to roll back to. Raises GenerationMissing where there is no
    older one, GenerationDamaged where it is damaged, SyncBusy while a sync runs.
    """
    with writer_lock(collection_folder, collection):
        published = read_published(collection_folder)
        if len(published) < 2:
            raise GenerationMissing(collection, "no older generation to go back to")
        newer, older = published
        with closing(Generation(collection_folder, older)) as generation:
            verify(generation)
        write_published(collection_folder, (older, newer))
    return older.generation


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """The serving generation, its corpus, its `size` in bytes, and the generation `before` it."""

    info: GenerationInfo
    corpus: str
    embedder: str
    size: int
    before: str | None
    skipped: tuple[Skipped, ...]


def read_status(folder: Path, collection: str) -> CollectionStatus:
    """Returns the status from the manifest alone, without opening the generation.

    Raises GenerationMissing, or GenerationDamaged for a manifest that does not match CURRENT.
    """
    published = read_published(folder)
    if not published:
        raise GenerationMissing(collection)
    serving = generation_folder(folder, published[0].generation)
    manifest = read_manifest(serving, published[0].manifest_sha256)
    return CollectionStatus(
        info=manifest.info(),
        corpus=manifest.corpus,
        embedder=manifest.embedder,
        size=folder_bytes(serving),
        before=published[1].generation if len(published) > 1 else None,
        skipped=manifest.skipped,
    )
