"""Fits what `confidence` means, and prints its reliability and the risk–coverage of refusing.

python -m tests.benchmarks.fit.confidence --cache .data/embeddings.sqlite3 [--write]

Small corpora are made of the SQuAD articles that have questions. Asked of each: its answerable
questions (positive); the same with the gold paragraph taken away, SQuAD 2.0's unanswerable ones,
and questions about other articles (negative). A logistic regression on `rag/decide.py`'s features
is fitted on one half of the articles and judged on the other; `--write` fits on all and writes
`rag/weights.json`. Needs ../shared; no seeds are used.
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
"""Confidence is a probability: what is answerable less than once in four times is refused."""


class GenerationWithoutChunks:
    """A generation in which some chunks are not found and their words not known."""

    def __init__(self, generation: Generation, rows: set[int]) -> None:
        self._generation, self._rows = generation, rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generation, name)

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        found = self._generation.find_lexical(terms, limit=limit)
        return [row for row in found if row not in self._rows]

    def find_dense(self, vector: Any, *, limit: int) -> list[int]:
        found = self._generation.find_dense(vector, limit=limit)
        return [row for row in found if row not in self._rows]

    def vocabulary(self, words: Sequence[str]) -> dict[str, tuple[int, int]]:
        known = self._generation.vocabulary(words)
        rows = np.array(sorted(self._rows), np.int64)
        numbers = np.array([number for number, _ in known.values()], np.int64)
        counts = self._generation.term_index.positions(rows, numbers).frequencies()
        held = np.add.reduceat(counts.segments, counts.offsets[:-1], axis=0) > 0
        left = {
            word: (number, documents - int(held[:, place].sum()))
            for place, (word, (number, documents)) in enumerate(known.items())
        }
        return {word: entry for word, entry in left.items() if entry[1] > 0}


@dataclass(frozen=True)
class Sample:
    """One question asked of one corpus: its features, and whether the corpus answers it."""

    kind: str
    features: dict[str, float]
    article: str
    dense: float


def article_of(case: Case, titles: dict[str, str]) -> str:
    """Returns the file that a case is about."""
    return case.evidence[0][0] if case.evidence else titles[case.id]


def samples(cache: Path) -> Iterator[Sample]:
    """Yields every question asked of every corpus."""
    folder = SHARED / "data" / "squad-articles"
    lines = (folder / "squad2.jsonl").read_text("utf-8").splitlines()
    titles = {entry["id"]: f"{entry['article']}.txt" for entry in map(json.loads, lines)}
    asked = [*load_cases(folder / "xquad.jsonl"), *load_cases(folder / "squad2.jsonl")]
    by_article: dict[str, list[Case]] = {}
    for case in asked:
        by_article.setdefault(article_of(case, titles), []).append(case)
    names = sorted(name for name in by_article if (ARTICLES / name).exists())
    chance = random.Random(0)
    chance.shuffle(names)
    with tempfile.TemporaryDirectory() as made:
        data = Path(made)
        shutil.copyfile(cache, data / "embeddings.sqlite3")
        for start in range(0, len(names), ARTICLES_PER_CORPUS):
            group = names[start : start + ARTICLES_PER_CORPUS]
            others = [c for name in names if name not in group for c in by_article[name]]
            own = [(name, case) for name in group for case in by_article[name]]
            off = [("", case) for case in chance.sample(others, OFF_TOPIC_QUESTIONS)]
            yield from _corpus_samples(data, group, [*own, *off])


def _corpus_samples(
    data: Path, group: list[str], asked: list[tuple[str, Case]]
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
        for article, case in asked:
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
    found = retrieve(generation, query, weights=fitted_weights(), top_k=5)
    if found.hits:
        picks = pick_sentences(case.question, found.hits)
        dense = max(hit.scores.dense for hit in found.hits)
        yield Sample(kind, features(case.question, found, picks), article, dense)


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
    """Returns the probabilities."""
    return 1 / (1 + np.exp(-(np.column_stack([np.ones(len(xs)), xs]) @ beta)))


def print_coverage(name: str, found: list[Sample], scores: np.ndarray) -> None:
    """Prints, for thresholds on a score, what is answered of each kind."""
    kinds = ("answerable", "unanswerable", "gold removed", "off topic")
    print(f"\n{name}: share answered at each threshold")
    print(f"{'threshold':>10}" + "".join(f"{kind:>14}" for kind in kinds))
    for threshold in np.arange(0.1, 1.0, 0.1):
        shares = [np.mean(scores[[s.kind == kind for s in found]] >= threshold) for kind in kinds]
        print(f"{threshold:10.1f}" + "".join(f"{share:14.3f}" for share in shares))
    shares = [np.mean(scores[[s.kind == kind for s in found]] >= THRESHOLD) for kind in kinds]
    print(f"{THRESHOLD:10.2f}" + "".join(f"{share:14.3f}" for share in shares))
    print(f"area under risk–coverage: {aurc(found, scores):.4f}")


def aurc(found: list[Sample], scores: np.ndarray) -> float:
    """Returns the mean share of unanswerable among the answered, over all coverages."""
    wrong = np.array([s.kind != "answerable" for s in found])[np.argsort(-scores)]
    return float(np.mean(np.cumsum(wrong) / np.arange(1, len(wrong) + 1)))


def print_reliability(ys: np.ndarray, scores: np.ndarray) -> None:
    """Prints how often a confidence is right."""
    print(f"\n{'confidence':>12}{'questions':>11}{'mean':>8}{'answerable':>12}")
    for low in np.arange(0, 1, 0.1):
        inside = (scores >= low) & (scores < low + 0.1 + 1e-9 * (low > 0.85))
        if inside.any():
            mean, share = scores[inside].mean(), ys[inside].mean()
            print(f"{low:6.1f}–{low + 0.1:.1f}{inside.sum():11}{mean:8.2f}{share:12.2f}")


def main() -> None:
    """Collects, fits on one half, judges on the other, and writes the fit on all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = list(samples(options.cache))
    names = list(found[0].features)
    xs = np.array([[s.features[name] for name in names] for s in found])
    ys = np.array([s.kind == "answerable" for s in found], float)
    articles = sorted({s.article for s in found})
    half = np.array([articles.index(s.article) % 2 == 0 for s in found])
    scores = np.empty(len(found))
    for side in (half, ~half):
        scores[side] = predict(xs[side], fit_logistic(xs[~side], ys[~side]))
    print(
        f"{len(found)} questions, {int(ys.sum())} answerable; each half judged by the other's fit"
    )
    print_coverage("fitted", found, scores)
    print_coverage("cosine of the best passage alone", found, np.array([s.dense for s in found]))
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
