"""Fits `confidence`, and prints what is right, wrong and refused at each threshold.

python -m tests.benchmarks.fit.confidence --cache .data/embeddings.sqlite3 --asked FOLDER [--write]

The confidence is the probability that what is quoted answers the question. Most of the fit's weight
have the English questions of tests/data/asked (fit part; FOLDER is where tests/benchmarks/asked.py
wrote it), the rest those on small corpora of SQuAD articles: each is asked its answerable
questions, the same with the gold paragraph removed, the unanswerable ones of SQuAD 2.0, and
questions about other articles. A ridge logistic regression on the features of
`rag/answering/features.py` is fitted on these, and evaluated on the validation part, by which the
thresholds are set, and on each half of the SQuAD articles with the fit on the other. Needs
../shared; no seeds are used.
"""

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
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
from rag.answering.confidence import TRANSLATED, by_words, confidence
from rag.answering.extractive import pick_sentences, rank_sentences
from rag.answering.features import features
from rag.answering.quotes import Place
from rag.retrieval.condense_rules import condense_by_rules
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from rag.types import Turn
from tests.benchmarks.asked import collections, evidence_spans, rows
from tests.benchmarks.gold import (
    ARTICLES,
    SHARED,
    Case,
    contains_answer,
    gold_spans,
    load_cases,
    spans_overlap,
)
from tests.benchmarks.harness import open_index, open_settings

WEIGHTS = Path(__file__).parents[3] / "rag" / "weights.json"
ARTICLES_PER_CORPUS = 4
OFF_TOPIC_QUESTIONS = 30
RIDGE, MIN_DEVIATION = 30.0, 0.3
"""Of the penalty; a feature that is seldom other than 0 counts as if it deviated by so much, since
otherwise a rare one gets a weight that decides alone."""
OTHER_RIDGE = 2.0
"""Of the three features in other languages."""
SQUAD_SHARE, SQUAD_RIGHT = 0.3, 0.6
"""The weight of all SQuAD questions, and that of the right ones among them: most are made to be
unanswerable, which is not so where people ask."""
THRESHOLDS = np.arange(0.2, 0.71, 0.05)


Found = tuple[dict[str, float], list[Place]]
"""The features of what would be quoted, and its units."""
Quote = Callable[[Generation, Any, str], Found | None]
"""(generation, embedder, question) → what would be quoted."""


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
    """One question asked of one corpus: its features, and whether what is quoted answers it."""

    kind: str
    features: dict[str, float]
    group: str
    right: bool


def article_of(case: Case, titles: dict[str, str]) -> str:
    """Returns the file of a case's article."""
    return case.evidence[0][0] if case.evidence else titles[case.id]


def squad_samples(cache: Path, quote: Quote) -> Iterator[Sample]:
    """Yields a sample for every question over every small corpus of SQuAD articles."""
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
            yield from _corpus_samples(data, group, [*own, *off], quote)


def _corpus_samples(
    data: Path, group: list[str], questions: list[tuple[str, Case]], quote: Quote
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
            found = quote(generation, components.embedder, case.question)
            yield from _samples_of(found, case, kind, article)
            if kind == "answerable":
                bare: Any = GenerationWithoutChunks(generation, gold_rows(generation, case))
                found = quote(bare, components.embedder, case.question)
                yield from _samples_of(found, case, "gold removed", article)
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


def _samples_of(found: Found | None, case: Case, kind: str, article: str) -> Iterator[Sample]:
    if found:
        values, units = found
        is_right = any(contains_answer(unit.text, case.answers) for _, unit in units)
        yield Sample(kind, values, article, kind == "answerable" and is_right)


def quoted(generation: Generation, embedder: Any, question: str) -> Found | None:
    """Returns the features, and the units that would be quoted."""
    query = analyze_query(generation, embedder, question)
    result = retrieve(generation, query, weights=fitted_weights(), top_k=5)
    ranked = rank_sentences(question, result.hits)
    picks = pick_sentences(ranked, result.hits)
    if not picks:
        return None
    units = [(result.hits[pick.hit], result.hits[pick.hit].units[pick.sentence]) for pick in picks]
    return features(question, result, picks, ranked), units


def asked_samples(folder: Path, data: Path, part: str, quote: Quote) -> Iterator[Sample]:
    """Yields a sample for every English question of a part of tests/data/asked."""
    for name, collection in collections(part).items():
        if collection["language"] != "en":
            continue
        corpus = folder / name / "articles"
        with open_index(corpus, data, f"asked-{name}") as (components, generation):
            for row in rows("questions", name):
                history = [Turn(turn["role"], turn["content"]) for turn in row["history"]]
                question = condense_by_rules(row["question"], history)
                found = quote(generation, components.embedder, question)
                if found is None:
                    continue
                kind = "answerable" if row["answerable"] else "unanswerable"
                right = any(is_answer(row, place, corpus) for place in found[1])
                yield Sample(kind, found[0], name, right)


def german_samples(folder: Path, data: Path, built_in: str = "minilm") -> Iterator[Sample]:
    """Yields a sample for every German question of the fit part, by its words.

    With another embedder than MiniLM also by what tells of translated questions.
    """
    corpus, terms = folder / "gesetze" / "articles", fitted_weights().confidence
    is_minilm = built_in == "minilm"
    settings = Settings(
        corpus=corpus,
        data_dir=data,
        collection="asked-gesetze" if is_minilm else f"gesetze-{built_in}",
        embed={"built_in": built_in},
    )
    with open_settings(settings) as (components, generation):
        for row in rows("questions", "gesetze"):
            history = [Turn(turn["role"], turn["content"]) for turn in row["history"]]
            question = condense_by_rules(row["question"], history)
            query = analyze_query(generation, components.embedder, question)
            result = retrieve(generation, query, weights=fitted_weights(), top_k=5)
            ranked = rank_sentences(question, result.hits)
            picks = pick_sentences(ranked, result.hits)
            if query.is_english or not picks:
                continue
            found = features(question, result, picks, ranked)
            certainty = confidence(found, terms)
            kept, values = by_words(question, result.hits, picks, ranked)
            if not is_minilm:
                values = {name: found[name] for name in TRANSLATED}
            places = [(result.hits[p.hit], result.hits[p.hit].units[p.sentence]) for p in kept]
            right = any(is_answer(row, place, corpus) for place in places)
            kind = "answerable" if row["answerable"] else "unanswerable"
            yield Sample(kind, {**values, "certainty": certainty}, "gesetze", right)


def is_answer(row: dict[str, Any], place: Place, corpus: Path) -> bool:
    """Returns whether a unit overlaps the evidence by half of either, or holds a gold answer.

    A gold answer counts in the evidence's file, and yes or no nowhere.
    """
    hit, unit = place
    spans = [span for span in evidence_spans(row, corpus) if span[0] == hit.source.path]
    if any(spans_overlap(unit.start, unit.end, start, end) for _, start, end in spans):
        return True
    golds = [gold for gold in row["answers"] if gold.lower() not in ("yes", "no")]
    return bool(spans) and contains_answer(unit.text, tuple(golds))


def fit_logistic(
    xs: np.ndarray, ys: np.ndarray, weights: np.ndarray, *, ridge: float = RIDGE
) -> np.ndarray:
    """Returns the coefficients of a ridge logistic regression, intercept first (Newton).

    The penalty is on the coefficients of standardized features.
    """
    mean, deviation = xs.mean(axis=0), np.maximum(xs.std(axis=0), MIN_DEVIATION)
    design = np.column_stack([np.ones(len(xs)), (xs - mean) / deviation])
    penalty = ridge * np.eye(design.shape[1])
    penalty[0, 0] = 0
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        hessian = design.T @ (design * (weights * p * (1 - p))[:, None]) + penalty
        gradient = design.T @ (weights * (ys - p)) - penalty @ beta
        beta += np.linalg.solve(hessian, gradient)
    slopes = beta[1:] / deviation
    return np.concatenate([[beta[0] - slopes @ mean], slopes])


def predict(xs: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Returns the predicted probabilities."""
    return 1 / (1 + np.exp(-(np.column_stack([np.ones(len(xs)), xs]) @ beta)))


def area_under_roc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Returns how often a positive sample has a higher score than a negative one."""
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.0
    count = positive.sum()
    return float(
        (order[positive].sum() - count * (count + 1) / 2) / max(count * (len(scores) - count), 1)
    )


def print_thresholds(name: str, samples: Sequence[Sample], scores: np.ndarray) -> None:
    """Prints what of the answerable is right or wrong, and of the others refused, by threshold."""
    right = np.array([one.right for one in samples])
    answerable = np.array([one.kind == "answerable" for one in samples])
    print(f"\n{name}: {answerable.sum()} answerable, {(~answerable).sum()} not")
    print(f"area under ROC: right or not {area_under_roc(right, scores):.3f}", end=", ")
    print(f"answerable or not {area_under_roc(answerable, scores):.3f}")
    for threshold in THRESHOLDS:
        said = scores >= threshold
        is_right = (said & right)[answerable].mean()
        is_wrong = (said & ~right)[answerable].mean()
        refused = 1 - said[~answerable].mean()
        print(f"  {threshold:.2f}  right {is_right:.3f}  wrong {is_wrong:.3f}", end="  ")
        print(f"refused of the unanswerable {refused:.3f}")


def arrays(
    samples: Sequence[Sample], names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns features (n, f), labels (n,) and weights (n,) of a mean of 1."""
    xs = np.array([[one.features[name] for name in names] for one in samples])
    right = np.array([one.right for one in samples])
    is_asked = np.array([one.group in collections() for one in samples])
    weights = np.zeros(len(samples))
    for group, share in (
        (is_asked, 1 - SQUAD_SHARE),
        (~is_asked & right, SQUAD_SHARE * SQUAD_RIGHT),
        (~is_asked & ~right, SQUAD_SHARE * (1 - SQUAD_RIGHT)),
    ):
        weights[group] = share / max(group.sum(), 1)
    return xs, right.astype(float), weights / weights.mean()


def coefficients(names: Sequence[str], beta: np.ndarray) -> dict[str, float]:
    """Returns the coefficients by name, rounded."""
    return {"intercept": round(float(beta[0]), 3)} | {
        name: round(float(value), 3) for name, value in zip(names, beta[1:], strict=True)
    }


def main() -> None:
    """Fits, evaluates, and writes the coefficients with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    data = options.cache.parent
    squad = list(squad_samples(options.cache, quoted))
    asked = list(asked_samples(options.asked, data, "fit", quoted))
    validation = list(asked_samples(options.asked, data, "validate", quoted))
    names = list(squad[0].features)
    xs, ys, weights = arrays([*squad, *asked], names)
    beta = fit_logistic(xs, ys, weights)
    print_thresholds("asked, fit", asked, predict(arrays(asked, names)[0], beta))
    for group in sorted({one.group for one in validation}):
        some = [one for one in validation if one.group == group]
        print_thresholds(f"{group}, validation", some, predict(arrays(some, names)[0], beta))
    articles = sorted({one.group for one in squad})
    for side in (0, 1):
        held = [one for one in squad if articles.index(one.group) % 2 == side]
        rest = [one for one in squad if articles.index(one.group) % 2 != side]
        half = fit_logistic(*arrays([*rest, *asked], names))
        print_thresholds(f"SQuAD half {side + 1}", held, predict(arrays(held, names)[0], half))
    german = list(german_samples(options.asked, data))
    other_names = list(german[0].features)
    other = fit_logistic(*arrays(german, other_names), ridge=OTHER_RIDGE)
    print_thresholds("German, fit", german, predict(arrays(german, other_names)[0], other))
    if options.write:
        written = json.loads(WEIGHTS.read_text("utf-8"))
        written["confidence"] = coefficients(names, beta)
        written["other_confidence"] = coefficients(other_names, other)
        written["fitted"] = datetime.now(UTC).date().isoformat()
        WEIGHTS.write_text(json.dumps(written, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
