"""A built folder → the serving generation: hashed, made durable, verified, then renamed to.

Readers see the old generation or the new one, never a part: the folder gets its final name before
CURRENT does, and CURRENT carries the manifest's hash. One older generation is kept to go back to.
"""

import importlib.metadata
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from .errors import IndexingError
from .generation import Generation
from .manifest import (
    Current,
    Manifest,
    generation_folder,
    hash_files,
    read_current,
    sync_folder,
    sync_tree,
    write_current,
    write_manifest,
)
from .parse import Survey
from .verify import verify

KEPT = 2
"""Generations on disk: the serving one and one to go back to."""
_LIBRARIES = ("chromadb", "tantivy", "llama-index-core", "onnxruntime", "numpy")
_BUILDING = "building-"


def building_folder(collection_folder: Path) -> Path:
    """Returns a new, empty folder to build in, after clearing what dead builds left."""
    parent = collection_folder / "generations"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{_BUILDING}*"):
        shutil.rmtree(left)  # the writer lock is held: its builder is dead
    folder = parent / f"{_BUILDING}{os.getpid()}"
    folder.mkdir()
    return folder


def publish(
    folder: Path,
    collection_folder: Path,
    *,
    collection: str,
    corpus: Path,
    survey: Survey,
    fingerprint: Mapping[str, str],
    embedder: tuple[str, int] | None,
) -> str:
    """Publishes what was built in `folder` and returns the generation's name.

    `embedder` is its fingerprint and dimensions, None for a generation without vectors. Raises
    GenerationDamaged where verification fails; then nothing is published.
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
        sources=len(survey.parsed),
        chunks=survey.chunks,
        skipped=survey.skipped,
        skipped_stamps=survey.skipped_stamps,
        versions={library: importlib.metadata.version(library) for library in _LIBRARIES},
        files=hash_files(folder),
        sha256={entry.source.path: entry.source.sha256 for entry in survey.parsed},
    )
    current = Current(name, write_manifest(folder, manifest))
    sync_tree(folder)
    final = generation_folder(collection_folder, name)
    folder.rename(final)
    sync_folder(final.parent)
    _verify(collection_folder, current)
    write_current(collection_folder, current)
    return name


def _verify(collection_folder: Path, current: Current) -> None:
    try:
        generation = Generation(collection_folder, current)
        try:
            verify(generation)
        finally:
            generation.close()
    except IndexingError:
        shutil.rmtree(generation_folder(collection_folder, current.generation))
        raise


def _newest(collection_folder: Path) -> int:
    """Returns the number of the newest generation on disk or published; 0 where there is none."""
    names = [path.name for path in (collection_folder / "generations").iterdir()]
    current = read_current_name(collection_folder)
    return max((int(name) for name in [*names, current] if name.isdigit()), default=0)


def read_current_name(collection_folder: Path) -> str:
    """Returns the serving generation's name; empty where none is named."""
    try:
        current = read_current(collection_folder)
    except IndexingError:
        return ""
    return current.generation if current else ""


def remove_old(collection_folder: Path) -> None:
    """Removes generations beyond the serving one and the newest before it."""
    serving = read_current_name(collection_folder)
    folders = [p for p in (collection_folder / "generations").iterdir() if p.name.isdigit()]
    older = sorted((p for p in folders if p.name < serving), key=lambda p: p.name)
    unpublished = [p for p in folders if p.name > serving]
    for folder in [*older[: max(len(older) - KEPT + 1, 0)], *unpublished]:
        shutil.rmtree(folder)
