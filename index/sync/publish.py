"""A built folder → the serving generation: hashed, made durable, verified, then renamed to.

Readers see the old generation or the new one, never a part: the folder gets its final name before
CURRENT does, and CURRENT carries the manifest's hash. One older generation is kept to go back to.
"""

import errno
import importlib.metadata
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
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
    read_published,
    sync_folder,
    sync_tree,
    write_manifest,
    write_published,
)
from .build import Store
from .changes import Parsed, Survey
from .lock import writer_lock

_LIBRARIES = ("chromadb", "tantivy", "llama-index-core", "onnxruntime", "numpy")
_BUILDING = "building-"
_FULL = (errno.ENOSPC, errno.EDQUOT)
FLOOR_BYTES = 200_000_000
"""Room that stays free on the disk of the data folder."""


def building_folder(collection_folder: Path) -> Path:
    """Returns a new, empty folder to build in, after clearing what dead builds left."""
    clear(collection_folder)
    folder = collection_folder / "generations" / f"{_BUILDING}{os.getpid()}"
    folder.mkdir(parents=True)
    return folder


def clear(collection_folder: Path) -> None:
    """Removes what builds that came to no end left; the writer lock is held, so they are dead."""
    for left in (collection_folder / "generations").glob(f"{_BUILDING}*"):
        shutil.rmtree(left)
    for left in collection_folder.glob(f".{CURRENT}.*"):
        left.unlink()


def check_space(folder: Path, *, grows: int) -> None:
    """Raises SpaceLow unless the disk has room for what is built, and the floor besides.

    A full disk makes Chroma's and SQLite's reads fail, too, so one does not go that far.
    """
    free, needed = shutil.disk_usage(folder).free, FLOOR_BYTES + grows
    if free < needed:
        raise SpaceLow(folder, free, needed)


def of_disk(error: Exception, folder: Path) -> IndexingError | None:
    """Returns the disk's trouble in words, None where the error is none of the disk's.

    Chroma, tantivy and SQLite say a full disk in errors and words of their own.
    """
    code = error.errno if isinstance(error, OSError) else None
    said = str(error).lower()
    if code in _FULL or "disk is full" in said or "no space left" in said:
        return DiskFull(folder)
    if isinstance(error, OSError):
        return SyncFailed(f"the disk failed during the sync ({error}): see to it, and sync again")
    return None


def size_of(generation_folder: Path) -> int:
    """Returns how many bytes a generation's files have."""
    return sum(path.stat().st_size for path in generation_folder.rglob("*") if path.is_file())


def publish(
    folder: Path,
    collection_folder: Path,
    *,
    collection: str,
    corpus: Path,
    survey: Survey,
    parsed: Sequence[Parsed],
    fingerprint: Mapping[str, str],
    embedder: tuple[str, int] | None,
    store: Store,
    on_verified: Callable[[int, int], None],
) -> str:
    """Publishes what was built in `folder` and returns the generation's name.

    `embedder` is its fingerprint and dimensions, None for a generation without vectors;
    `store` is what holds them, and `on_verified` hears how many chunks were looked for, of all.
    Raises GenerationDamaged where verification fails; then nothing is published.
    """
    name = f"{_newest(collection_folder) + 1:06}"
    manifest = Manifest(
        generation=name,
        collection=collection,
        corpus=str(corpus),
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        complete=embedder is not None,
        fingerprint=fingerprint,
        embedder=embedder[0] if embedder else "",
        dimensions=embedder[1] if embedder else 0,
        sources=len(parsed),
        chunks=sum(len(entry.chunks) for entry in parsed),
        skipped=survey.skipped,
        skipped_stamps=survey.skipped_stamps,
        versions={library: importlib.metadata.version(library) for library in _LIBRARIES},
        files=hash_files(folder),
        sha256={entry.source.path: entry.source.sha256 for entry in parsed},
        drift=store.drift,
        exact=store.exact,
    )
    current = Current(name, write_manifest(folder, manifest))
    sync_tree(folder)
    final = generation_folder(collection_folder, name)
    folder.rename(final)
    sync_folder(final.parent)
    new = [chunk.row for entry in parsed if entry.known is None for chunk in entry.chunks]
    try:
        check(collection_folder, current, new, on_verified)
    except IndexingError:
        shutil.rmtree(final)
        raise
    write_published(collection_folder, (current, *published(collection_folder)[:1]))
    return name


def check(
    collection_folder: Path,
    current: Current,
    new: Sequence[int] = (),
    on_verified: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Opens a generation and verifies it, all of its `new` rows; raises GenerationDamaged."""
    with closing(Generation(collection_folder, current)) as generation:
        verify(generation, new, on_verified)


def _newest(collection_folder: Path) -> int:
    """Returns the number of the newest generation on disk or published; 0 where there is none."""
    names = [path.name for path in (collection_folder / "generations").iterdir()]
    names += [entry.generation for entry in published(collection_folder)]
    return max((int(name) for name in names if name.isdigit()), default=0)


def published(collection_folder: Path) -> tuple[Current, ...]:
    """Returns what CURRENT names; nothing where it cannot be read."""
    try:
        return read_published(collection_folder)
    except IndexingError:
        return ()


def remove_old(collection_folder: Path) -> None:
    """Removes the generations that CURRENT does not name."""
    named = {entry.generation for entry in published(collection_folder)}
    for folder in (collection_folder / "generations").iterdir():
        if folder.name.isdigit() and folder.name not in named:
            shutil.rmtree(folder)


def roll_back(collection_folder: Path, collection: str) -> str:
    """Lets the older of the two published generations serve, and returns its name.

    The newer one becomes that to go back to. Raises GenerationMissing where there is no older
    one, GenerationDamaged where that is not whole, SyncBusy while a sync runs.
    """
    with writer_lock(collection_folder, collection):
        both = read_published(collection_folder)
        if len(both) < 2:
            raise GenerationMissing(collection, "no older generation to go back to")
        newer, older = both
        check(collection_folder, older)
        write_published(collection_folder, (older, newer))
    return older.generation
