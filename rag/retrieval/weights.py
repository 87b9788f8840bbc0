"""The few numbers that were fitted, kept as data beside their date and figures: `weights.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class SignalWeights:
    """Each signal's share in a hit's score; they sum to 1.

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
        """The best sentence's share."""
        return self.similarity + self.words + self.pairs


@dataclass(frozen=True, slots=True)
class Weights:
    """The signals' shares for a question and for a statement, and the calibration of confidence.

    Under `threshold` nothing is quoted; under `floor` not even a model is asked.
    """

    question: SignalWeights
    statement: SignalWeights
    confidence: Mapping[str, float]
    threshold: float
    floor: float


def fit_date() -> str:
    """Returns the date of the fit."""
    return str(json.loads(files("rag").joinpath("weights.json").read_text("utf-8"))["fitted"])


@cache
def fitted_weights() -> Weights:
    """Returns the weights that ship with this version."""
    data = json.loads(files("rag").joinpath("weights.json").read_text("utf-8"))
    return Weights(
        question=_shares(data["question"]),
        statement=_shares(data["statement"]),
        confidence=data["confidence"],
        threshold=data["threshold"],
        floor=data["floor"],
    )


def _shares(parts: Mapping[str, float]) -> SignalWeights:
    total = sum(parts.values())
    return SignalWeights(**{name: value / total for name, value in parts.items()})
