"""Answer or refuse: how sure retrieval is that the passages hold an answer.

`confidence` is a probability, from a logistic regression on labelled answerable and unanswerable
questions; its coefficients and the threshold are data (`weights.json`).
"""

import math
from dataclasses import dataclass

from .expect import expected_kind, holds
from .extract import Pick
from .retrieve import Retrieved
from .weights import Weights

NEAR = 3
"""Hits looked at."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer being in the hits, 0 to 1 each, by feature name."""

    features: dict[str, float]

    def confidence(self, weights: Weights) -> float:
        """Returns the probability that the passages hold an answer, 0 to 1."""
        terms = weights.confidence
        score = terms["intercept"] + sum(
            terms[name] * value for name, value in self.features.items()
        )
        return 1 / (1 + math.exp(-max(min(score, 30.0), -30.0)))


def weigh(question: str, found: Retrieved, picks: list[Pick]) -> Evidence:
    """Returns the evidence of a retrieval that has hits and of the sentences picked from them."""
    hits = found.hits
    kind = expected_kind(question)
    chosen = [hits[pick.hit].sentences[pick.sentence] for pick in picks]
    near = [sentence for hit in hits[:NEAR] for sentence in hit.sentences]
    return Evidence(
        {
            "lexical": found.lexical_share,
            "dense": max(hit.scores.dense for hit in hits),
            "similarity": max(sentence.similarity for sentence in near),
            "cover": max(sentence.cover for sentence in near),
            "chosen": max(s.similarity + s.cover for s in chosen) / 2,
            "unknown": found.query.unknown_share,
            "kind": float(any(holds(kind, s.text, question) for s in chosen)),
            "asks_kind": float(kind != "open"),
        }
    )
