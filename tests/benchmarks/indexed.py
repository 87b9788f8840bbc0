"""A folder of files → its index, and the ranking that each signal alone would give.

Retrieval scores a passage by four signals; all of them stand on every hit, so one retrieval of the
whole pool is enough to rank it by any weights (`ranked`). The pool is the same for all: what BM25
and the vectors bring together.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from api.settings import Settings
from api.wiring import Parts, open_parts, sync_request
from index.generation import Generation
from index.worker import run_sync
from rag.retrieve import Retrieved, retrieve, understand
from rag.types import Hit
from rag.weights import Weights, fitted

POOL = 200
"""As many as BM25 and the vectors can bring."""


def weighted(lexical: float, dense: float, sentence: float, cover: float) -> Weights:
    """Returns the fitted weights with other shares of the four signals."""
    return replace(fitted(), lexical=lexical, dense=dense, sentence=sentence, cover=cover)


COMPARED: Mapping[str, Weights] = {
    "BM25 alone": weighted(1, 0, 0, 0),
    "dense alone": weighted(0, 1, 0, 0),
    "BM25 + dense": weighted(0.5, 0.5, 0, 0),
    "best sentence alone": weighted(0, 0, 1, 0),
    "fitted": fitted(),
}


def write_corpus(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files into the folder; those that are there as they should be stay untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        data = text.encode("utf-8")
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


@contextmanager
def indexed(corpus: Path, data_dir: Path, collection: str) -> Iterator[tuple[Parts, Generation]]:
    """Syncs the corpus and yields its parts with the generation, leased."""
    settings = Settings(corpus=corpus, data_dir=data_dir, collection=collection)
    report = run_sync(sync_request(settings), lambda event: None)
    print(f"sync {report.seconds:.1f} s")
    parts = open_parts(settings)
    parts.refresh()
    with parts.serving.lease() as generation:
        info = generation.info
        print(f"{info.sources} sources, {info.chunks} passages")
        yield parts, generation
    parts.serving.close()


def pool(parts: Parts, generation: Generation, question: str) -> Retrieved:
    """Returns every candidate of the question, ranked by the fitted weights."""
    query = understand(generation, parts.embedder, question)
    return retrieve(generation, query, weights=fitted(), top_k=POOL)


def ranked(hits: Sequence[Hit], weights: Weights) -> list[Hit]:
    """Returns the hits in the order that these weights would give; their ranks are as before."""

    def total(hit: Hit) -> float:
        return (
            weights.lexical * hit.scores.lexical
            + weights.dense * hit.scores.dense
            + weights.sentence * hit.scores.sentence
            + weights.cover * hit.cover
        )

    return sorted(hits, key=lambda hit: -total(hit))


def print_table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
    """Prints a line a row, three decimals a figure."""
    width = max(len(title), *(len(name) for name in rows))
    print(f"\n{title:{width}}" + "".join(f"{name:>{max(len(name), 6) + 2}}" for name in columns))
    for name, values in rows.items():
        cells = zip(columns, values, strict=True)
        print(f"{name:{width}}" + "".join(f"{v:{max(len(c), 6) + 2}.3f}" for c, v in cells))
