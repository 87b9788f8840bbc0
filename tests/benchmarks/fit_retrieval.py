"""Fits the shares of the retrieval signals on xquad.jsonl and prints how much they matter.

python tests/benchmarks/fit_retrieval.py [--data-dir DIR] [--write]

Every candidate of the 592 questions is scored once; a grid of weights is ranked by MRR@10. What is
written is the mean of all combinations within NEAR of the best, so that no peak of the grid
decides; each half of the articles is also judged by the other half's weights. Needs ../shared.
"""

import argparse
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from gold import ARTICLES, SHARED, Case, cases, gold_spans, overlaps
from indexed import indexed, pool

from rag.types import Hit

WEIGHTS = Path(__file__).parents[2] / "rag" / "weights.json"
NAMES = ("lexical", "context", "sentence", "cover")
STEPS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28)
"""Shares tried of all signals but the sentence, which has the rest of 1."""
NEAR = 0.002
TOP = 10


@dataclass(frozen=True)
class Question:
    """One question's candidates: signals (n, 4) in the order of NAMES, and which are gold."""

    article: str
    signals: np.ndarray
    gold: np.ndarray


def question(case: Case, hits: Sequence[Hit]) -> Question:
    """Returns what the weights are fitted on."""
    spans = gold_spans(case, ARTICLES)
    rows = [
        (hit.scores.lexical, hit.scores.context, hit.scores.sentence, hit.cover) for hit in hits
    ]
    gold = [
        any(
            hit.source.path == source and overlaps(hit.chunk.start, hit.chunk.end, start, end)
            for source, start, end in spans
        )
        for hit in hits
    ]
    return Question(spans[0][0], np.array(rows), np.array(gold))


def grid() -> list[np.ndarray]:
    """Returns every combination of shares, each adding up to 1."""
    combinations = itertools.product(STEPS, STEPS, STEPS)
    return [np.array([a, b, 1 - a - b - c, c]) for a, b, c in combinations]


def figures(questions: Sequence[Question], weights: np.ndarray) -> tuple[float, float, float]:
    """Returns MRR@10, hit@1 and hit@5."""
    ranks = []
    for asked in questions:
        order = np.argsort(-(asked.signals @ weights), kind="stable")[:TOP]
        found = np.flatnonzero(asked.gold[order])
        ranks.append(int(found[0]) + 1 if len(found) else 0)
    placed = np.array(ranks, float)
    reciprocal = np.divide(1, placed, out=np.zeros(len(placed)), where=placed > 0)
    return (
        float(reciprocal.mean()),
        float((placed == 1).mean()),
        float(((placed > 0) & (placed <= 5)).mean()),
    )


def fitted(questions: Sequence[Question]) -> tuple[np.ndarray, int]:
    """Returns the mean of the nearly best weights, and how many they are."""
    found = [(figures(questions, weights)[0], weights) for weights in grid()]
    best = max(mrr for mrr, _ in found)
    near = [weights for mrr, weights in found if mrr >= best - NEAR]
    return np.mean(near, axis=0), len(near)


def show(name: str, questions: Sequence[Question], weights: np.ndarray) -> None:
    """Prints a line of the table."""
    shares = " ".join(f"{n} {w:.2f}" for n, w in zip(NAMES, weights, strict=True))
    mrr, first, five = figures(questions, weights)
    print(f"{name:28}MRR@10 {mrr:.3f}  hit@1 {first:.3f}  hit@5 {five:.3f}   {shares}")


def main() -> None:
    """Collects, fits on each half and on all, prints, and writes where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    asked = cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")
    with indexed(ARTICLES, options.data_dir, "squad") as (parts, generation):
        questions = [question(case, pool(parts, generation, case.question).hits) for case in asked]
    articles = sorted({q.article for q in questions})
    halves = [[q for q in questions if articles.index(q.article) % 2 == side] for side in (0, 1)]
    for side in (0, 1):
        weights, _ = fitted(halves[1 - side])
        show(f"half {side + 1} by the other's", halves[side], weights)
    weights, near = fitted(questions)
    show(f"all, mean of {near}", questions, weights)
    for place, name in enumerate(NAMES):
        without = weights.copy()
        without[place] = 0
        show(f"without {name}", questions, without)
    if options.write:
        data = json.loads(WEIGHTS.read_text("utf-8"))
        shares = zip(NAMES, weights.tolist(), strict=True)
        data["retrieval"] = {name: round(share, 2) for name, share in shares}
        data["fitted"] = datetime.now(UTC).date().isoformat()
        WEIGHTS.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
