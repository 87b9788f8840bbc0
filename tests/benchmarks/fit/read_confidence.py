"""Fits `read_confidence`, the confidence of hits that the reader has read.

python -m tests.benchmarks.fit.read_confidence --cache FILE --asked FOLDER [--write]

The reader was trained on the fit part of tests/data/asked, where its readings say more than they
would elsewhere. So a ridge logistic regression on the confidence by features (`fit.confidence`) and
the readings is fitted on the validation part and the SQuAD articles, none of which it was trained
on. Each validation collection is evaluated by the fit on the other.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from index.store.generation import Generation
from rag.answering.confidence import confidence
from rag.answering.extractive import pick_sentences, rank_sentences
from rag.answering.features import features, reading_features
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.reader import READ, Reader
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.fit.confidence import (
    WEIGHTS,
    Found,
    arrays,
    asked_samples,
    coefficients,
    fit_logistic,
    predict,
    print_thresholds,
    squad_samples,
)

RIDGE = 2.0


class ReadQuote:
    """What would be quoted of hits that the reader has read, with the features of its readings."""

    def __init__(self, models_dir: Path) -> None:
        self._reader = Reader(models_dir)

    def __call__(self, generation: Generation, embedder: Any, question: str) -> Found | None:
        """Returns the features of the readings, and the units; None without a unit."""
        query = analyze_query(generation, embedder, question)
        result = retrieve(generation, query, weights=fitted_weights(), top_k=READ)
        result = replace(result, hits=self._reader(question, result.hits))
        ranked = rank_sentences(question, result.hits)
        picks = pick_sentences(ranked, result.hits)
        if not picks:
            return None
        values = features(question, result, picks, ranked)
        certainty = confidence(values, fitted_weights().confidence)
        places = [(result.hits[p.hit], result.hits[p.hit].units[p.sentence]) for p in picks]
        return reading_features(certainty, picks, result.hits), places


def main() -> None:
    """Fits, evaluates, and writes the coefficients with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    data = options.cache.parent
    quote = ReadQuote(data / "models")
    asked = list(asked_samples(options.asked, data, "validate", quote))
    squad = list(squad_samples(options.cache, quote))
    names = list(squad[0].features)
    for group in sorted({one.group for one in asked}):
        held = [one for one in asked if one.group == group]
        rest = [one for one in asked if one.group != group]
        beta = fit_logistic(*arrays([*squad, *rest], names), ridge=RIDGE)
        print_thresholds(group, held, predict(arrays(held, names)[0], beta))
    beta = fit_logistic(*arrays([*squad, *asked], names), ridge=RIDGE)
    print_thresholds("SQuAD", squad, predict(arrays(squad, names)[0], beta))
    written = coefficients(names, beta)
    print(written)
    if options.write:
        weights = json.loads(WEIGHTS.read_text("utf-8"))
        weights["read_confidence"] = written
        WEIGHTS.write_text(json.dumps(weights, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
