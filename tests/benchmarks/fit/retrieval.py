"""Fits the weights of the retrieval signals on public questions, with an ablation of each.

python -m tests.benchmarks.fit.retrieval --asked FOLDER [--data-dir DIR] [--write]

No kind of question dominates: the 722 on SQuAD articles and the 582 as colleagues ask
(tests/data/asked, its fit part; FOLDER is where tests/benchmarks/asked.py wrote it) have a weight
of 0.4 each, the 100 on documentation and the 472 of the chunking evaluation 0.1. Every candidate is
scored once; then seeded random hill climbing maximizes MRR@10. The result is the mean of all
weights within TOLERANCE of each search's best, so that no single peak decides. Each kind is also
evaluated with weights fitted on the others alone. Questions in other languages have weights of
their own, fitted on the German ones. No SciFact claim and no seed is used. Needs ../shared.
The weights that ship are the rounded mean of this fit and of one with a third of the weight for
SQuAD and for asked, a sixth for the others, which is better on the validation part than either.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rag.retrieval.condense_rules import condense_by_rules
from rag.types import Hit, Turn
from tests.benchmarks.asked import collections, evidence_spans, rows
from tests.benchmarks.gold import ARTICLES, SHARED, gold_spans, load_cases, spans_overlap
from tests.benchmarks.harness import candidate_pool, open_index, write_corpus
from tests.benchmarks.measure import anthropic_docs, chunking

WEIGHTS = Path(__file__).parents[3] / "rag" / "weights.json"
PASSAGE = ("lexical", "dense", "heading", "context", "late")
SENTENCE = ("similarity", "words", "pairs")
NAMES = (*PASSAGE, *SENTENCE)
START = np.full(len(NAMES), 1 / len(NAMES))
SEEDS, STEPS, STEP_STD, CANDIDATES = range(4), 1200, 0.06, 30
SET_WEIGHTS = {"squad": 0.4, "asked": 0.4, "docs": 0.1, "chunking": 0.1}
TOLERANCE = 0.002
TOP = 10


@dataclass(frozen=True)
class Question:
    """The candidates of a question: passage signals (n, 5), and for each its sentences' (s, 3)."""

    group: str
    passages: np.ndarray
    sentences: list[np.ndarray]
    gold: np.ndarray


@dataclass(frozen=True)
class QuestionSet:
    """The candidates of many questions, concatenated, with the starts of passages and questions."""

    passages: np.ndarray
    sentences: np.ndarray
    gold: np.ndarray
    passage_starts: np.ndarray
    question_starts: np.ndarray

    def ranks(self, weights: np.ndarray) -> np.ndarray:
        """Returns the rank of each question's best gold passage, from 1; 0 beyond TOP."""
        best = np.maximum.reduceat(self.sentences @ weights[len(PASSAGE) :], self.passage_starts)
        score = self.passages @ weights[: len(PASSAGE)] + best
        sizes = np.diff(np.append(self.question_starts, len(score)))
        gold = np.maximum.reduceat(np.where(self.gold, score, -1.0), self.question_starts)
        ranks = 1 + np.add.reduceat(score > np.repeat(gold, sizes), self.question_starts)
        return np.where((gold >= 0) & (ranks <= TOP), ranks, 0)


def to_question(group: str, hits: Sequence[Hit], is_gold: Callable[[Hit], bool]) -> Question:
    """Returns the signals and gold labels of a question's candidates."""
    hits = hits[:CANDIDATES]
    return Question(
        group=group,
        passages=np.array([[getattr(h.scores, name) for name in PASSAGE] for h in hits]),
        sentences=[np.array([(s.similarity, s.cover, s.pairs) for s in h.units]) for h in hits],
        gold=np.array([is_gold(hit) for hit in hits]),
    )


def concatenate(questions: Sequence[Question]) -> QuestionSet:
    """Returns the questions as one set."""
    sentences = [part for one in questions for part in one.sentences]
    return QuestionSet(
        passages=np.concatenate([one.passages for one in questions]),
        sentences=np.concatenate(sentences),
        gold=np.concatenate([one.gold for one in questions]),
        passage_starts=np.cumsum([0, *map(len, sentences)])[:-1],
        question_starts=np.cumsum([0, *(len(one.gold) for one in questions)])[:-1],
    )


def squad_questions(data_dir: Path) -> list[Question]:
    """Returns the answerable questions over the articles, by article."""
    folder = SHARED / "data" / "squad-articles"
    all_cases = [*load_cases(folder / "xquad.jsonl"), *load_cases(folder / "squad2.jsonl")]
    results = []
    with open_index(ARTICLES, data_dir, "squad") as (components, generation):
        for case in (case for case in all_cases if case.answerable):
            spans = gold_spans(case, ARTICLES)
            hits = candidate_pool(components, generation, case.question).hits
            results.append(
                to_question(spans[0][0], hits, lambda hit, spans=spans: is_gold_hit(hit, spans))
            )
    return results


def docs_questions(data_dir: Path) -> list[Question]:
    """Returns the questions on documentation; gold is each passage of a gold section."""
    corpus, results = data_dir / "corpora" / "anthropic-docs", []
    sections = anthropic_docs.read("anthropic_docs.json")
    write_corpus(
        corpus,
        {anthropic_docs.file_name(s["chunk_link"]): anthropic_docs.section(s) for s in sections},
    )
    with open_index(corpus, data_dir, "anthropic-docs") as (components, generation):
        for entry in anthropic_docs.read("docs_evaluation_dataset.json"):
            right = {anthropic_docs.file_name(link) for link in entry["correct_chunks"]}
            hits = candidate_pool(components, generation, entry["question"]).hits
            results.append(to_question("", hits, lambda hit, right=right: hit.source.path in right))
    return results


def chunking_questions(data_dir: Path) -> list[Question]:
    """Returns the chunking evaluation's questions; gold overlaps a gold span by half of either."""
    corpus, results = data_dir / "corpora" / "chunking-eval", []
    files = (chunking.FOLDER / "corpora").glob("*.md")
    write_corpus(corpus, {file.name: file.read_bytes().decode() for file in files})
    with open_index(corpus, data_dir, "chunking-eval") as (components, generation):
        for one in chunking.questions(chunking.FOLDER / "questions_df.csv"):
            spans = [(one.source, start, end) for start, end in one.spans]
            hits = candidate_pool(components, generation, one.text).hits
            results.append(to_question("", hits, lambda hit, spans=spans: is_gold_hit(hit, spans)))
    return results


def asked_questions(folder: Path, data_dir: Path, language: str) -> list[Question]:
    """Returns the questions of the fit part in a language; gold overlaps the evidence."""
    results = []
    for name, collection in collections("fit").items():
        if collection["language"] != language:
            continue
        corpus = folder / name / "articles"
        with open_index(corpus, data_dir, f"asked-{name}") as (components, generation):
            for row in (row for row in rows("questions", name) if row["answerable"]):
                spans = evidence_spans(row, corpus)
                history = [Turn(turn["role"], turn["content"]) for turn in row["history"]]
                question = condense_by_rules(row["question"], history)
                hits = candidate_pool(components, generation, question).hits
                results.append(
                    to_question(name, hits, lambda hit, spans=spans: overlaps_any(hit, spans))
                )
    return results


def overlaps_any(hit: Hit, spans: Sequence[tuple[str, int, int]]) -> bool:
    """Returns whether the hit has a character of a span."""
    chunk = hit.chunk
    return any(
        hit.source.path == path and chunk.start < end and start < chunk.end
        for path, start, end in spans
    )


def is_gold_hit(hit: Hit, spans: Sequence[tuple[str, int, int]]) -> bool:
    """Returns whether the hit overlaps a gold span by half of either."""
    return any(
        hit.source.path == source and spans_overlap(hit.chunk.start, hit.chunk.end, start, end)
        for source, start, end in spans
    )


def mrr(ranks: np.ndarray) -> float:
    return float(np.divide(1, ranks, out=np.zeros(len(ranks)), where=ranks > 0).mean())


def fit_weights(sets: Sequence[tuple[float, QuestionSet]]) -> np.ndarray:
    """Returns the mean of the weights that the searches find."""
    return np.mean([hill_climb(sets, np.random.default_rng(seed)) for seed in SEEDS], axis=0)


def hill_climb(sets: Sequence[tuple[float, QuestionSet]], rng: np.random.Generator) -> np.ndarray:
    """Returns the mean of the near-optimal weights on a random climb."""

    def objective(weights: np.ndarray) -> float:
        return sum(share * mrr(questions.ranks(weights)) for share, questions in sets)

    visited = [(objective(START), START)]
    best = visited[0]
    for _ in range(STEPS):
        weights = best[1].copy()
        changed = rng.choice(len(NAMES), size=rng.integers(1, 4), replace=False)
        weights[changed] = np.maximum(0, weights[changed] + rng.normal(0, STEP_STD, len(changed)))
        weights /= weights.sum()
        visited.append((objective(weights), weights))
        best = max(best, visited[-1], key=lambda pair: pair[0])
    return np.mean([weights for value, weights in visited if value >= best[0] - TOLERANCE], axis=0)


def print_row(name: str, questions: QuestionSet, weights: np.ndarray) -> None:
    """Prints a row of the table."""
    shares = " ".join(f"{n} {w:.2f}" for n, w in zip(NAMES, weights, strict=True))
    ranks = questions.ranks(weights)
    first, five = (ranks == 1).mean(), ((ranks > 0) & (ranks <= 5)).mean()
    print(f"{name:28}MRR@10 {mrr(ranks):.3f}  hit@1 {first:.3f}  hit@5 {five:.3f}   {shares}")


def main() -> None:
    """Fits on each half and on all questions, and writes the weights with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    sets = {
        "squad": concatenate(squad_questions(options.data_dir)),
        "asked": concatenate(asked_questions(options.asked, options.data_dir, "en")),
        "docs": concatenate(docs_questions(options.data_dir)),
        "chunking": concatenate(chunking_questions(options.data_dir)),
    }
    for name in sets:
        others = [(SET_WEIGHTS[one], sets[one]) for one in sets if one != name]
        print_row(f"{name}, others' weights", sets[name], fit_weights(others))
    weights = fit_weights([(SET_WEIGHTS[name], questions) for name, questions in sets.items()])
    for name, questions in sets.items():
        print_row(name, questions, weights)
        for place, signal in enumerate(NAMES):
            print_row(f"  without {signal}", questions, np.where(np.arange(8) == place, 0, weights))
    german = concatenate(asked_questions(options.asked, options.data_dir, "de"))
    print_row("German, by these", german, weights)
    other_language = fit_weights([(1.0, german)])
    print_row("German, fitted", german, other_language)
    if options.write:
        data = json.loads(WEIGHTS.read_text("utf-8"))
        for key, fitted in (("question", weights), ("other_language", other_language)):
            shares = zip(NAMES, fitted.tolist(), strict=True)
            data[key] = {name: round(share, 2) for name, share in shares}
        data["fitted"] = datetime.now(UTC).date().isoformat()
        data["on"] = "asked, SQuAD articles, anthropic-docs, chunking-eval, SciFact abstracts"
        WEIGHTS.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
