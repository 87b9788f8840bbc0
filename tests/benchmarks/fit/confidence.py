"""Fits `confidence`, and prints its calibration and the risk–coverage of refusals.

python -m tests.benchmarks.fit.confidence --cache .data/embeddings.sqlite3 [--write]

Builds small corpora from the SQuAD articles that have questions. Each is questions its answerable
questions (positive); the same with the gold paragraph removed, the unanswerable ones of SQuAD 2.0,
and questions about other articles (negative). A logistic regression on the
features of `rag/answering/confidence.py` is fitted on one half of the articles and evaluated on the
other; `--write` fits on all and writes `rag/weights.json`. Needs ../shared; no seeds are used.
"""

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.store.generation import Generation
from index.sync.process import run_sync
from index.types import Filters
from rag.answering.confidence import features
from rag.answering.extractive import pick_sentences
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.gold import ARTICLES, SHARED, Case, gold_spans, load_cases, spans_overlap

WEIGHTS = Path(__file__).parents[3] / "rag" / "weights.json"
ARTICLES_PER_CORPUS = 4
OFF_TOPIC_QUESTIONS = 30
RIDGE = 1.0
THRESHOLD = 0.25
"""Confidence is a probability: a question is refused if it is answerable in under 1 of 4 cases."""


class GenerationWithoutChunks:
    """A generation without some of its chunks and their words."""

    def __init__(self, generation: Generation, rows: set[int]) -> None:
        self._generation, self._rows = generation, rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generation, name)

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        rows = self._generation.find_lexical(terms, limit=limit)
        return [row for row in rows if row not in self._rows]

    def find_dense(self, vector: Any, *, limit: int) -> list[int]:
        rows = self._generation.find_dense(vector, limit=limit)
        return [row for row in rows if row not in self._rows]

    def vocabulary(self, words: Sequence[str]) -> dict[str, tuple[int, int]]:
        vocabulary = self._generation.vocabulary(words)
        rows = np.array(sorted(self._rows), np.int64)
        numbers = np.array([number for number, _ in vocabulary.values()], np.int64)
        counts = self._generation.term_index.positions(rows, numbers).frequencies()
        contained = np.add.reduceat(counts.segments, counts.offsets[:-1], axis=0) > 0
        remaining = {
            word: (number, documents - int(contained[:, place].sum()))
            for place, (word, (number, documents)) in enumerate(vocabulary.items())
        }
        return {word: entry for word, entry in remaining.items() if entry[1] > 0}


@dataclass(frozen=True)
class Sample:
    """One question questions over one corpus: its features, and whether the corpus answers it."""

    kind: str
    features: dict[str, float]
    article: str
    dense: float


def article_of(case: Case, titles: dict[str, str]) -> str:
    """Returns the file of a case's article."""
    return case.evidence[0][0] if case.evidence else titles[case.id]


def samples(cache: Path) -> Iterator[Sample]:
    """Yields a sample for every question over every corpus."""
    folder = SHARED / "data" / "squad-articles"
    lines = (folder / "squad2.jsonl").read_text("utf-8").splitlines()
    titles = {entry["id"]: f"{entry['article']}.txt" for entry in map(json.loads, lines)}
    questions = [*load_cases(folder / "xquad.jsonl"), *load_cases(folder / "squad2.jsonl")]
    by_article: dict[str, list[Case]] = {}
    for case in questions:
        by_article.setdefault(article_of(case, titles), []).append(case)
    names = sorted(name for name in by_article if (ARTICLES / name).exists())
    rng = random.Random(0)
    rng.shuffle(names)
    with tempfile.TemporaryDirectory() as folder_name:
        data = Path(folder_name)
        shutil.copyfile(cache, data / "embeddings.sqlite3")
        for start in range(0, len(names), ARTICLES_PER_CORPUS):
            group = names[start : start + ARTICLES_PER_CORPUS]
            others = [c for name in names if name not in group for c in by_article[name]]
            own = [(name, case) for name in group for case in by_article[name]]
            off = [("", case) for case in rng.sample(others, OFF_TOPIC_QUESTIONS)]
            yield from _corpus_samples(data, group, [*own, *off])


def _corpus_samples(
    data: Path, group: list[str], questions: list[tuple[str, Case]]
) -> Iterator[Sample]:
    corpus = data / f"corpus-{group[0]}"
    corpus.mkdir()
    for name in group:
        shutil.copyfile(ARTICLES / name, corpus / name)
    settings = Settings(corpus=corpus, data_dir=data, collection=f"c{len(list(data.iterdir()))}")
    run_sync(sync_request(settings), lambda event: None)
    components = open_components(settings)
    components.serving.refresh()
    with components.serving.lease() as generation:
        for article, case in questions:
            kind = "off topic" if not article else "answerable"
            if article and not case.answerable:
                kind = "unanswerable"
            yield from _samples_of(generation, components.embedder, case, kind, article)
            if kind == "answerable":
                bare: Any = GenerationWithoutChunks(generation, gold_rows(generation, case))
                yield from _samples_of(bare, components.embedder, case, "gold removed", article)
    components.serving.close()


def gold_rows(generation: Generation, case: Case) -> set[int]:
    """Returns the rows of the chunks that hold the gold paragraph."""
    spans = gold_spans(case, ARTICLES)
    rows = generation.rows_matching(Filters(tuple(source for source, _, _ in spans)))
    chunks = [chunk for chunk, _ in generation.chunks(sorted(rows))]
    return {
        chunk.row
        for chunk in chunks
        for _, start, end in spans
        if spans_overlap(chunk.start, chunk.end, start, end)
    }


def _samples_of(
    generation: Generation, embedder: Any, case: Case, kind: str, article: str
) -> Iterator[Sample]:
    query = analyze_query(generation, embedder, case.question)
    results = retrieve(generation, query, weights=fitted_weights(), top_k=5)
    if results.hits:
        picks = pick_sentences(case.question, results.hits)
        dense = max(hit.scores.dense for hit in results.hits)
        yield Sample(kind, features(case.question, results, picks), article, dense)


def fit_logistic(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Returns the coefficients of a ridge logistic regression, intercept first (Newton)."""
    design = np.column_stack([np.ones(len(xs)), xs])
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 0
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + penalty
        beta += np.linalg.solve(hessian, design.T @ (ys - p) - penalty @ beta)
    return beta


def predict(xs: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Returns the predicted probabilities."""
    return 1 / (1 + np.exp(-(np.column_stack([np.ones(len(xs)), xs]) @ beta)))


def print_coverage(name: str, results: list[Sample], scores: np.ndarray) -> None:
    """Prints the share of each kind of question that is answered at each threshold."""
    kinds = ("answerable", "unanswerable", "gold removed", "off topic")
    print(f"\n{name}: share answered at each threshold")
    print(f"{'threshold':>10}" + "".join(f"{kind:>14}" for kind in kinds))
    for threshold in np.arange(0.1, 1.0, 0.1):
        shares = [np.mean(scores[[s.kind == kind for s in results]] >= threshold) for kind in kinds]
        print(f"{threshold:10.1f}" + "".join(f"{share:14.3f}" for share in shares))
    shares = [np.mean(scores[[s.kind == kind for s in results]] >= THRESHOLD) for kind in kinds]
    print(f"{THRESHOLD:10.2f}" + "".join(f"{share:14.3f}" for share in shares))
    print(f"area under risk–coverage: {aurc(results, scores):.4f}")


def aurc(results: list[Sample], scores: np.ndarray) -> float:
    """Returns the mean share of unanswerable questions among the answered, over all coverages."""
    wrong = np.array([s.kind != "answerable" for s in results])[np.argsort(-scores)]
    return float(np.mean(np.cumsum(wrong) / np.arange(1, len(wrong) + 1)))


def print_reliability(ys: np.ndarray, scores: np.ndarray) -> None:
    """Prints the calibration: the share of answerable questions per confidence bin."""
    print(f"\n{'confidence':>12}{'questions':>11}{'mean':>8}{'answerable':>12}")
    for low in np.arange(0, 1, 0.1):
        inside = (scores >= low) & (scores < low + 0.1 + 1e-9 * (low > 0.85))
        if inside.any():
            mean, share = scores[inside].mean(), ys[inside].mean()
            print(f"{low:6.1f}–{low + 0.1:.1f}{inside.sum():11}{mean:8.2f}{share:12.2f}")


def main() -> None:
    """Fits on each half, evaluates on the other, and writes the fit on all with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    results = list(samples(options.cache))
    names = list(results[0].features)
    xs = np.array([[s.features[name] for name in names] for s in results])
    ys = np.array([s.kind == "answerable" for s in results], float)
    articles = sorted({s.article for s in results})
    half = np.array([articles.index(s.article) % 2 == 0 for s in results])
    scores = np.empty(len(results))
    for side in (half, ~half):
        scores[side] = predict(xs[side], fit_logistic(xs[~side], ys[~side]))
    print(
        f"{len(results)} questions, {int(ys.sum())} answerable; each half with the fit on the other"
    )
    print_coverage("fitted", results, scores)
    print_coverage(
        "cosine of the best passage alone", results, np.array([s.dense for s in results])
    )
    print_reliability(ys, scores)
    beta = fit_logistic(xs, ys)
    terms = {"intercept": beta[0], **dict(zip(names, beta[1:], strict=True))}
    print("\n" + json.dumps({name: round(float(value), 3) for name, value in terms.items()}))
    if options.write:
        data = json.loads(WEIGHTS.read_text("utf-8"))
        data["confidence"] = {name: round(float(value), 3) for name, value in terms.items()}
        data["threshold"] = THRESHOLD
        data["fitted"] = datetime.now(UTC).date().isoformat()
        WEIGHTS.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
