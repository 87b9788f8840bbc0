"""The few numbers that were fitted, kept as data beside their date and figures: `weights.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Weights:
    """Each signal's share in a hit's score (they sum to 1), and the calibration of confidence.

    `lexical`, `context` and `late` are of the passage; `similarity`, `words` and `pairs` of its
    best sentence. Under `threshold` nothing is quoted; under `floor` not even a model is
    asked.
    """

    lexical: float
    context: float
    late: float
    similarity: float
    words: float
    pairs: float
    confidence: Mapping[str, float]
    threshold: float
    floor: float

    @property
    def sentence(self) -> float:
        """The best sentence's share."""
        return self.similarity + self.words + self.pairs


def fitted_on() -> str:
    """Returns the date of the fit."""
    return str(json.loads(files("rag").joinpath("weights.json").read_text("utf-8"))["fitted"])


@cache
def fitted() -> Weights:
    """Returns the weights that ship with this version."""
    data = json.loads(files("rag").joinpath("weights.json").read_text("utf-8"))
    retrieval = data["retrieval"]
    total = sum(retrieval.values())
    return Weights(
        **{name: value / total for name, value in retrieval.items()},
        confidence=data["confidence"],
        threshold=data["threshold"],
        floor=data["floor"],
    )
