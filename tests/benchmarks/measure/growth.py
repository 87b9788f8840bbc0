"""How the embedded index grows: one table with a column for each size of the corpus.

    python -m tests.benchmarks.measure.growth --data-dir DIR [--passages 20000 100000] [--limit N]
        [--engine lance]

Synthetic corpora with real vectors (`measure.large`), made from the collection `squad` in DIR and
kept as `growth-N` (`growth-lance-N`). Measured for each: the files; CPU seconds and peak memory of
a sync of one changed file but for scanning the folder and embedding (an article in the middle gets
another passage), and what of the new generation is no hard link; CPU milliseconds of a search; how
much of exact search's 100 nearest is found; private memory of a process that serves it. Each is
measured in a process of its own. Needs ../shared.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.embed.protocol import ChunkVectors, Vectors, WordVectors
from index.engine import open_generation, open_previous
from index.lance.opened import LanceGeneration
from index.store.bm25 import Ints
from index.store.generation import Generation
from index.store.manifest import read_current, remove_old_generations
from index.sync.build import GenerationBuilder
from index.sync.changes import CorpusDiff, ParsedSource, Unchanged
from index.sync.publish import folder_bytes
from index.types import Chunk
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.gold import ARTICLES, SHARED, load_cases
from tests.benchmarks.measure.large import SyntheticCorpus, build
from tests.benchmarks.measure.latency import CachedEmbedder

MEASURES = ("files", "change", "search", "serve")


class Fingerprint:
    """The fingerprint of a generation's vectors, in place of the embedding cache."""

    def __init__(self, generation: Generation | LanceGeneration) -> None:
        self.fingerprint = generation.manifest.embedder
        self.dimensions = generation.manifest.dimensions


def opened(settings: Settings) -> Generation | LanceGeneration:
    """Returns the newest generation, open."""
    folder = sync_request(settings).folder
    current = read_current(folder)
    assert current is not None
    generation = open_generation(folder, current)
    assert isinstance(generation, Generation | LanceGeneration)
    return generation


def all_vectors(generation: Generation | LanceGeneration) -> tuple[Ints, Vectors]:
    """Returns all rows and their vectors, of unit length."""
    rows = generation.all_rows()
    stored = generation.chunk_vectors(rows).astype(np.float32)
    return rows, stored / np.linalg.norm(stored, axis=1, keepdims=True)


def build_missing(settings: Settings, passages: int) -> None:
    """Builds the synthetic corpus as a sync does, if it is not there."""
    if (sync_request(settings).folder / "CURRENT").exists():
        return
    with closing(opened(settings.model_copy(update={"collection": "squad"}))) as generation:
        assert isinstance(generation, Generation)
        corpus = SyntheticCorpus(generation, passages=passages)
    before = time.process_time()
    build(settings, corpus)
    print(f"{passages:,}: {time.process_time() - before:.1f} CPU s", file=sys.stderr)


def files(settings: Settings) -> dict[str, float]:
    """The size on disk."""
    with closing(opened(settings)) as generation:
        size, chunks = folder_bytes(generation.folder), generation.info.chunks
    return {"passages": chunks, "KB a passage": size / chunks / 1000}


def change(settings: Settings) -> dict[str, float]:
    """Publishes a generation with one changed source."""
    request = sync_request(settings)
    started, wall = time.process_time(), time.perf_counter()
    current = read_current(request.folder)
    assert current is not None
    previous = open_previous(request.folder, current)
    assert isinstance(previous, Generation | LanceGeneration)
    entries: list[ParsedSource | Unchanged] = [
        Unchanged(source, stamp) for source, stamp in previous.all_sources().values()
    ]
    place = len(entries) // 2
    entries[place], vectors = _longer(previous, entries[place])
    diff = CorpusDiff(tuple(entries), (), {}, 0, 1, 0, len(entries) - 1)
    builder = GenerationBuilder(request, diff, diff.carry_sources(previous), lambda event: None)
    builder.publish_complete(Fingerprint(previous), vectors, previous)  # type: ignore[arg-type]
    previous.close()
    remove_old_generations(request.folder)
    cpu, wall = time.process_time() - started, time.perf_counter() - wall
    with closing(opened(settings)) as generation:
        new = sum(n.st_size for n in map(Path.stat, _files(generation.folder)) if n.st_nlink == 1)
    return {
        "a changed file, CPU s": cpu,
        "a changed file, wall s": wall,
        "a changed file, MB not shared": new / 1e6,
        "a changed file, peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _longer(
    generation: Generation | LanceGeneration, entry: ParsedSource | Unchanged
) -> tuple[ParsedSource, Iterator[tuple[ChunkVectors, ChunkVectors]]]:
    """Returns the source with one more passage, like its last one, and its vectors."""
    chunks, text = generation.source_chunks(entry.source.id), generation.text(entry.source.id)
    last, first_row = chunks[-1], chunks[0].row
    shift = len(text) + 1 - last.start
    units = tuple(replace(u, start=u.start + shift, end=u.end + shift) for u in last.units)
    name = f"{last.source_id}-{generation.info.generation}"
    added = Chunk(0, name, last.source_id, last.start + shift, last.end + shift, units)
    stored = generation.evidence(np.arange(first_row, first_row + len(chunks))).vectors
    words_of = stored.words
    assert words_of is not None
    sentences = np.cumsum([0, *(len(chunk.units) for chunk in chunks)])
    starts = np.cumsum([0, *words_of.counts.tolist()])

    def vectors() -> Iterator[tuple[ChunkVectors, ChunkVectors]]:
        for place in [*range(len(chunks)), len(chunks) - 1]:
            counts = words_of.counts[sentences[place] : sentences[place + 1]]
            rows = words_of.rows[starts[sentences[place]] : starts[sentences[place + 1]]]
            words = WordVectors(rows, counts)
            noise = np.random.default_rng(place).normal(size=generation.manifest.dimensions)
            vector = stored.chunks[place] + 0.01 * noise
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            yield ChunkVectors(vector, words), ChunkVectors(stored.headings[place], words)

    text = f"{text} {text[last.start : last.end]}"
    source = replace(entry.source, length=len(text), sha256=name)
    return ParsedSource(source, "", text, (*chunks, added)), vectors()


def search(settings: Settings, *, limit: int | None) -> dict[str, float]:
    """Asks the questions of `squad`."""
    cases = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[:limit]
    questions = [case.question for case in cases]
    components = open_components(settings)
    embedder = CachedEmbedder(components.embedder, questions)
    with closing(opened(settings)) as generation:
        queries = [analyze_query(generation, embedder, question) for question in questions]
        for query in queries[:20]:
            retrieve(generation, query, weights=fitted_weights(), top_k=10)
        before = time.process_time()
        for query in queries:
            retrieve(generation, query, weights=fitted_weights(), top_k=10)
        cpu = (time.process_time() - before) * 1000 / len(queries)
        vectors = np.stack([query.vector for query in queries])
        all_rows, stored = all_vectors(generation)
        recalls = []
        for vector in vectors:
            cosines = stored @ vector
            least = np.partition(cosines, -100)[-100] - 1e-5
            hits = generation.find_dense(vector, limit=100)
            hits_cosines = cosines[np.searchsorted(all_rows, hits)]
            recalls.append(float((hits_cosines >= least).mean()) * len(hits) / 100)
    asyncio.run(components.close())
    return {
        "search, CPU ms": cpu,
        "recall@100": float(np.mean(recalls)),
        "recall@100, share under .9": float(np.mean(np.array(recalls) < 0.9)),
    }


def serve(settings: Settings) -> dict[str, float]:
    """Opens the generation as a serving process does."""
    before = _private_mb()
    started, wall = time.process_time(), time.perf_counter()
    with closing(opened(settings)) as generation:
        generation.warm()
        cpu, wall = time.process_time() - started, time.perf_counter() - wall
        memory = _private_mb() - before
    return {"opening, CPU s": cpu, "opening, wall s": wall, "a second process, MB": memory}


def _private_mb() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1000


def main() -> None:
    """Builds what is missing and prints the table; with --measure, one measure as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--passages", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--engine", choices=("chroma", "lance"), default="chroma")
    parser.add_argument("--measure", choices=("build", *MEASURES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        (passages,) = options.passages
        engine = options.engine
        name = f"growth-{passages}" if engine == "chroma" else f"growth-{engine}-{passages}"
        settings = Settings(
            corpus=ARTICLES, data_dir=options.data_dir, collection=name, engine=engine
        )
        if options.measure == "build":
            build_missing(settings, passages)
        elif options.measure == "search":
            sys.stdout.write(json.dumps(search(settings, limit=options.limit)))
        else:
            measured = {"files": files, "change": change, "serve": serve}[options.measure](settings)
            sys.stdout.write(json.dumps(measured))
        return
    columns: list[dict[str, float]] = []
    for passages in options.passages:
        arguments = ["--data-dir", str(options.data_dir), "--passages", str(passages)]
        arguments += ["--engine", options.engine]
        arguments += ["--limit", str(options.limit)] if options.limit else []
        command = [sys.executable, "-m", "tests.benchmarks.measure.growth", *arguments, "--measure"]
        subprocess.run([*command, "build"], check=True, stdout=sys.stderr)
        column: dict[str, float] = {}
        for measure in MEASURES:
            done = subprocess.run([*command, measure], check=True, stdout=subprocess.PIPE)
            column |= json.loads(done.stdout.splitlines()[-1])
        columns.append(column)
    for name in columns[0]:
        print(f"{name:30}" + "".join(f"{column[name]:12,.3f}" for column in columns))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
