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

    `lexical` to `late` are of the passage; `similarity`, `words` and `pairs` of its best sentence.
    """

    lexical: float
    dense: float
    heading: float
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
    """Signal weights by the kind of query, and the calibration of confidence.

    `other_language` is for questions in another language than English.

    Below the confidence `threshold` nothing is quoted; a model is asked whatever it is. An answer
    below `certain` is tentative, a model's below `threshold`. Questions in other languages than
    English have a confidence and a threshold of their own, as have hits that were read, and a
    confidence those in another language than the articles, and those in theirs, if the embedder
    finds across languages.
    """

    fit_date: str
    question: SignalWeights
    other_language: SignalWeights
    statement: SignalWeights
    confidence: Mapping[str, float]
    threshold: float
    certain: float
    read_confidence: Mapping[str, float]
    other_confidence: Mapping[str, float]
    other_threshold: float
    translated_confidence: Mapping[str, float]
    multilingual_confidence: Mapping[str, float]

    def threshold_for(self, *, is_english: bool) -> float:
        """Returns the confidence below which nothing is quoted."""
        return self.threshold if is_english else self.other_threshold


@cache
def fitted_weights() -> Weights:
    """Returns the weights that ship with this version."""
    data = json.loads(files("rag").joinpath("weights.json").read_text("utf-8"))
    return Weights(
        fit_date=data["fitted"],
        question=_normalized(data["question"]),
        other_language=_normalized(data["other_language"]),
        statement=_normalized(data["statement"]),
        confidence=data["confidence"],
        threshold=data["threshold"],
        certain=data["certain"],
        read_confidence=data["read_confidence"],
        other_confidence=data["other_confidence"],
        other_threshold=data["other_threshold"],
        translated_confidence=data["translated_confidence"],
        multilingual_confidence=data["multilingual_confidence"],
    )


def _normalized(weights: Mapping[str, float]) -> SignalWeights:
    total = sum(weights.values())
    return SignalWeights(**{name: weight / total for name, weight in weights.items()})
