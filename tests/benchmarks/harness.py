"""Indexes a folder of files, and ranks candidates by each retrieval signal alone.

Every hit carries the scores of all signals, so one retrieval of the whole pool is enough to rank it
by any of them (`rank_by`). The pool is the same for all: the candidates of BM25 and of the vectors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from api.bootstrap import open_components, sync_request
from api.service.collection import Components
from api.settings import Settings
from index.store.generation import Generation
from index.sync.process import run_sync
from rag.retrieval.fusion import RetrievalResult, retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from rag.types import Hit

POOL_SIZE = 200
"""The maximum number of candidates of BM25 and the vectors."""


RANKINGS: Mapping[str, Callable[[Hit], float]] = {
    "BM25 alone": lambda hit: hit.scores.lexical,
    "dense alone": lambda hit: hit.scores.dense,
    "BM25 + dense": lambda hit: hit.scores.lexical + hit.scores.dense,
    "best sentence alone": lambda hit: hit.scores.sentence,
    "fitted": lambda hit: hit.score,
}
"""The score of a hit in each ranking."""


def write_corpus(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files into the folder; unchanged files are not touched."""
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
    """Syncs the corpus and yields the components and the leased generation."""
    settings = Settings(corpus=corpus, data_dir=data_dir, collection=collection)
    with open_settings(settings) as opened:
        yield opened


@contextmanager
def open_settings(settings: Settings) -> Iterator[tuple[Components, Generation]]:
    """Syncs the settings' corpus and yields the components and the leased generation."""
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
    """Returns all candidates for the question, ranked by the fitted weights."""
    query = analyze_query(generation, components.embedder, question)
    return retrieve(generation, query, weights=fitted_weights(), top_k=POOL_SIZE)


def rank_by(hits: Sequence[Hit], score: Callable[[Hit], float]) -> list[Hit]:
    """Returns the hits sorted by this score, best first; their `rank` is unchanged."""
    return sorted(hits, key=lambda hit: -score(hit))


def print_table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]]) -> None:
    """Prints one line per row, with three decimals."""
    width = max(len(title), *(len(name) for name in rows))
    print(f"\n{title:{width}}" + "".join(f"{name:>{max(len(name), 6) + 2}}" for name in columns))
    for name, values in rows.items():
        cells = zip(columns, values, strict=True)
        print(f"{name:{width}}" + "".join(f"{v:{max(len(c), 6) + 2}.3f}" for c, v in cells))
