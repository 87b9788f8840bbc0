"""Alignment features → a score, 0 to 1, higher the likelier the text supports the sentence.

Half of it is the share of the sentence's words that the text has, more so near each other and in
sequence (as ROUGE, Lin 2004, on the answer's side), half the probability by boosted trees, fitted
by `tests/benchmarks/fit/verify.py` (weights are data: `weights.json`). A first or second person
that the text lacks lowers it: what somebody thinks or knows is in no source.
"""

import json
from collections.abc import Mapping
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

SPEAKER_LOSS = 0.2
"""Of the score, for each word of a first or second person."""
_WEIGHTS = Path(__file__).with_name("weights.json")


def score(features: Mapping[str, float]) -> float:
    """Returns the mean of both halves, lowered for a speaker."""
    shared = 0.4 * features["cover"] + 0.4 * features["near"] + 0.2 * features["sequence"]
    lowered = 1 - SPEAKER_LOSS * min(features["speakers"], 3)
    return 0.5 * (shared + probability(features)) * lowered


def probability(features: Mapping[str, float]) -> float:
    """Returns the probability by the trees."""
    weights = _weights()
    values = [features[name] for name in weights["features"]]
    total: float = weights["base"]
    for tree in weights["trees"]:
        node = tree
        while isinstance(node, list):
            feature, threshold, low, high = node
            node = low if values[feature] <= threshold else high
        total += node
    return 1 / (1 + exp(-total))


@cache
def _weights() -> dict[str, Any]:  # parsed JSON
    weights: dict[str, Any] = json.loads(_WEIGHTS.read_text("utf-8"))
    return weights
