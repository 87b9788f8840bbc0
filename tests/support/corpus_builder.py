"""Writes small corpora to disk and syncs them, for the tests of the index.

request = sync_request(write(tmp_path / "corpus", ARTICLES), tmp_path / "data", embed)
report, events = synced(request)
with opened(request) as generation: ...
"""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from index.embed.factory import EmbedSpec
from index.store.generation import Generation
from index.store.manifest import (
    GenerationRef,
    generation_folder,
    hash_files,
    read_current,
    read_manifest,
    write_manifest,
    write_published,
)
from index.sync.process import Event, SyncReport, SyncRequest
from index.sync.run import sync
from index.types import Engine

ARTICLES: Mapping[str, str] = {
    "lighthouse.txt": (
        "The lighthouse at Cape Orrin was lit on 3 May 1871 and stands 41.5 metres high.\n"
        "Its keeper, Dr. Hale, wrote a log of 212 storms in nineteen years, and he drew a map of "
        "every wreck that lay on the reef below the tower.\n"
        "In 1998 the lamp was replaced by an electric one. The old lens is kept in the museum of "
        "the harbour town, where visitors may turn it by hand on Sundays in summer.\n"
    ),
    "harbour/bridge.md": (
        "# The chain bridge\n\n"
        "The chain bridge crosses the river Tarn in one span of 214 metres, the longest of its "
        "kind when it was opened in 1849 by the mayor of the town.\n\n"
        "## Toll\n\n"
        "Walkers paid a penny until the toll was abolished in 1920, while carts paid sixpence and "
        "a drover two pence for every ten of his animals.\n\n"
        "| year | crossings |\n|------|-----------|\n| 1850 | 12,000 |\n| 1900 | 96,000 |\n"
    ),
    "museum.html": (
        "<!doctype html><title>The harbour museum</title><nav>Home Tickets</nav>"
        "<main><h1>The harbour museum</h1><p>The museum keeps four hundred model ships, the "
        "oldest of them carved from whalebone by prisoners of war around 1805.</p>"
        "<script>track()</script><p>It is closed on Mondays and during the whole of January, "
        "when the collection is cleaned by volunteers.</p></main><footer>Imprint</footer>"
    ),
}


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes files below a folder and returns it; newlines are written unchanged."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def sync_request(
    corpus: Path,
    data: Path,
    embed: EmbedSpec,
    *,
    formats: tuple[str, ...] = ("txt", "md", "html"),
    replace: bool = False,
    max_file_bytes: int = 1_000_000,
    pool: str | None = None,
    shared: str | None = None,
    engine: Engine = "chroma",
) -> SyncRequest:
    """Returns the request for a sync of a corpus into the collection `default`."""
    return SyncRequest(
        corpus=corpus,
        folder=data / "collections" / "default",
        collection="default",
        formats=formats,
        embed=embed,
        cache=data / "embeddings.sqlite3",
        replace=replace,
        max_file_bytes=max_file_bytes,
        pool=pool,
        shared=shared,
        engine=engine,
    )


def sync_in_process(request: SyncRequest) -> tuple[SyncReport, list[Event]]:
    """Runs the sync in this process; returns its report and every event."""
    events: list[Event] = []
    return sync(request, events.append), events


@contextmanager
def open_generation(request: SyncRequest) -> Iterator[Generation]:
    """Yields the serving generation, open."""
    current = read_current(request.folder)
    assert current is not None
    generation = Generation(request.folder, current)
    try:
        yield generation
    finally:
        generation.close()


def delete_vector_graph(request: SyncRequest) -> None:
    """Deletes the HNSW graph of the serving generation and updates the hashes in its manifest."""
    current = read_current(request.folder)
    assert current is not None
    folder = generation_folder(request.folder, current.generation)
    (graph,) = [path for path in (folder / "vectors").iterdir() if path.is_dir()]
    shutil.rmtree(graph)
    with closing(sqlite3.connect(folder / "vectors" / "chroma.sqlite3")) as database:
        database.execute("DELETE FROM embeddings_queue")
        database.commit()
    rewrite_manifest(request)


def rewrite_manifest(request: SyncRequest) -> None:
    """Publishes the serving generation's files as they are now."""
    current = read_current(request.folder)
    assert current is not None
    folder = generation_folder(request.folder, current.generation)
    manifest = read_manifest(folder, current.manifest_sha256)
    (folder / "manifest.json").unlink()
    manifest_sha256 = write_manifest(folder, replace(manifest, files=hash_files(folder)))
    write_published(request.folder, (GenerationRef(folder.name, manifest_sha256),))


def source_paths(request: SyncRequest) -> list[str]:
    """Returns the paths of the sources in the serving generation."""
    with open_generation(request) as generation:
        return [source.path for source in generation.sources(after=None, limit=-1)]


@dataclass(frozen=True)
class BuiltIndex:
    """A synced corpus: the request, the report and the events of its sync."""

    request: SyncRequest
    report: SyncReport
    events: list[Event]


def serving_folder(request: SyncRequest) -> Path:
    """Returns the folder of the serving generation."""
    current = read_current(request.folder)
    assert current is not None
    return generation_folder(request.folder, current.generation)


def flip_bit(path: Path) -> None:
    """Flips one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
