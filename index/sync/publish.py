"""A built folder → the serving generation: hashed, made durable, verified, published by rename.

Readers see the old generation or the new one, never a mix: the folder gets its final name before
CURRENT does, and CURRENT carries the manifest's hash. One older generation is kept for rollback.
"""

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..engine import mark_published, open_generation, verify
from ..errors import DiskFull, GenerationMissing, IndexingError, SpaceLow, SyncBusy, SyncFailed
from ..store.manifest import (
    CURRENT,
    GenerationRef,
    Manifest,
    generation_folder,
    read_manifest,
    read_published,
    sync_folder,
    sync_tree,
    write_manifest,
    write_published,
)
from ..types import GenerationInfo, Note, Skipped
from .process import writer_lock
from .sharing import roll_back_shared

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


def next_generation(collection_folder: Path) -> str:
    """Returns the name after that of the newest generation on disk or published."""
    names = [path.name for path in (collection_folder / "generations").iterdir()]
    names += [entry.generation for entry in _published(collection_folder)]
    return f"{max((int(name) for name in names if name.isdigit()), default=0) + 1:06}"


def publish(
    folder: Path,
    collection_folder: Path,
    manifest: Manifest,
    *,
    new_rows: Sequence[int],
    has_new_index: bool,
    on_verified: Callable[[int, int], None],
    share: Callable[[GenerationRef], None] = lambda ref: None,
) -> None:
    """Publishes what was built in `folder`, the chunks in `new_rows` all verified.

    Without `has_new_index` the vector index is that of the last generation: it was verified, and
    this process has checked the hashes of its files. `on_verified` receives (verified chunks,
    total); `share` publishes to other machines, before it is published here. Raises
    GenerationDamaged where verification fails, and what `share` raises; then nothing is published.
    """
    current = GenerationRef(manifest.generation, write_manifest(folder, manifest))
    sync_tree(folder)
    final = generation_folder(collection_folder, manifest.generation)
    folder.rename(final)
    sync_folder(final.parent)
    try:
        with closing(open_generation(collection_folder, current, is_hashed=True)) as generation:
            verify(generation, new_rows, on_verified, has_new_index=has_new_index)
    except IndexingError:
        shutil.rmtree(final)
        raise
    try:
        share(current)
    except SyncBusy:  # what another machine published has this number now
        shutil.rmtree(final)
        raise
    write_published(collection_folder, (current, *_published(collection_folder)[:1]))
    mark_published(collection_folder, current, manifest.engine)


def _published(collection_folder: Path) -> tuple[GenerationRef, ...]:
    """Returns the generations in CURRENT; none where it cannot be read."""
    try:
        return read_published(collection_folder)
    except IndexingError:
        return ()


def roll_back(collection_folder: Path, collection: str, *, shared: str | None = None) -> str:
    """Publishes the older of the two generations again and returns its name.

    The newer one becomes the one to roll back to. With `shared`, the URL of a store, for all
    machines. Raises GenerationMissing where there is no older one, GenerationDamaged where it is
    damaged, SyncBusy while a sync runs, SharedUnavailable.
    """
    with writer_lock(collection_folder, collection):
        if shared is not None:
            return roll_back_shared(shared, collection_folder, collection)
        published = read_published(collection_folder)
        if len(published) < 2:
            raise GenerationMissing(collection, "no older generation to go back to")
        newer, older = published
        with closing(open_generation(collection_folder, older)) as generation:
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
    notes: tuple[Note, ...] = ()


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
        notes=manifest.notes,
    )
