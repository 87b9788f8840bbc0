"""The fitted numbers of `rag/weights.json`: signal weights, confidence, refusal threshold.

They are data, with the date and the questions of the fit.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class SignalWeights:
    """Each signal's weight in a hit's score; they sum to 1.

    `lexical`, `context` and `late` are of the passage; `similarity`, `words` and `pairs` of its
    best sentence.
    """

    lexical: float
    context: float
    late: float
    similarity: float
    words: float
    pairs: float

    @property
    def sentence(self) -> float:
        """The weight of the best sentence."""
        return self.similarity + self.words + self.pairs


@dataclass(frozen=True, slots=True)
class Weights:
    """Signal weights for questions and for statements, and the calibration of confidence.

    Below the confidence `threshold` nothing is quoted; below `floor` no model is asked either.
    """

    fit_date: str
    question: SignalWeights
    statement: SignalWeights
    confidence: Mapping[str, float]
    threshold: float
    floor: float


@cache
def fitted_weights() -> Weights:
    """Returns the weights that ship with this version."""
    data = json.loads(files("rag").joinpath("weights.json").read_text("utf-8"))
    return Weights(
        fit_date=data["fitted"],
        question=_normalized(data["question"]),
        statement=_normalized(data["statement"]),
        confidence=data["confidence"],
        threshold=data["threshold"],
        floor=data["floor"],
    )


def _normalized(weights: Mapping[str, float]) -> SignalWeights:
    total = sum(weights.values())
    return SignalWeights(**{name: weight / total for name, weight in weights.items()})
