"""A folder of files → its index, and the ranking that each signal alone would give.

Retrieval scores a passage by several signals; all of them stand on every hit, so one retrieval of
the whole pool is enough to rank it by any of them (`ranked`). The pool is the same for all: what
BM25 and the vectors bring together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from api.bootstrap import open_components, sync_request
from api.service.service import Components
from api.settings import Settings
from index.store.generation import Generation
from index.sync.process import run_sync
from rag.retrieval.fusion import RetrievalResult, retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from rag.types import Hit

POOL_SIZE = 200
"""As many as BM25 and the vectors can bring."""


RANKINGS: Mapping[str, Callable[[Hit], float]] = {
    "BM25 alone": lambda hit: hit.scores.lexical,
    "dense alone": lambda hit: hit.scores.dense,
    "BM25 + dense": lambda hit: hit.scores.lexical + hit.scores.dense,
    "best sentence alone": lambda hit: hit.scores.sentence,
    "fitted": lambda hit: hit.score,
}
"""What a hit is worth to each way of ranking."""


def write_corpus(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files into the folder; those that are there as they should be stay untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        data = text.encode("utf-8")
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


@contextmanager
def open_index(
    corpus: Path, data_dir: Path, collection: str
) -> Iterator[tuple[Components, Generation]]:
    """Syncs the corpus and yields its components with the generation, leased."""
    settings = Settings(corpus=corpus, data_dir=data_dir, collection=collection)
    report = run_sync(sync_request(settings), lambda event: None)
    print(f"sync {report.seconds:.1f} s")
    components = open_components(settings)
    components.serving.refresh()
    with components.serving.lease() as generation:
        info = generation.info
        print(f"{info.sources} sources, {info.chunks} passages")
        yield components, generation
    components.serving.close()


def candidate_pool(
    components: Components, generation: Generation, question: str
) -> RetrievalResult:
    """Returns every candidate of the question, ranked by the fitted weights."""
    query = analyze_query(generation, components.embedder, question)
    return retrieve(generation, query, weights=fitted_weights(), top_k=POOL_SIZE)


def rank_by(hits: Sequence[Hit], worth: Callable[[Hit], float]) -> list[Hit]:
    """Returns the hits, best first by this worth; their ranks are as before."""
    return sorted(hits, key=lambda hit: -worth(hit))


def print_table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
    """Prints a line a row, three decimals a figure."""
    width = max(len(title), *(len(name) for name in rows))
    print(f"\n{title:{width}}" + "".join(f"{name:>{max(len(name), 6) + 2}}" for name in columns))
    for name, values in rows.items():
        cells = zip(columns, values, strict=True)
        print(f"{name:{width}}" + "".join(f"{v:{max(len(c), 6) + 2}.3f}" for c, v in cells))
