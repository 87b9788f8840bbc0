"""Answer or refuse: how sure retrieval is that the passages hold an answer.

`confidence` is a probability, from a logistic regression on labelled answerable and unanswerable
questions; its coefficients and the threshold are data (`weights.json`).
"""

import math
import re
from collections.abc import Mapping, Sequence

from ..language.answer_type import expected_kind, holds
from ..retrieval.fusion import Retrieved
from ..retrieval.weights import Weights
from ..types import Hit
from .extractive import Pick

_WORD = re.compile(r"\w[\w’'.,-]*\w|\w")
_POSSESSIVE = re.compile(r"['’]s?$")


def confidence(features: Mapping[str, float], weights: Weights) -> float:
    """Returns the probability that the passages hold an answer, 0 to 1."""
    terms = weights.confidence
    score = terms["intercept"] + sum(terms[name] * value for name, value in features.items())
    return 1 / (1 + math.exp(-max(min(score, 30.0), -30.0)))


def evidence(question: str, found: Retrieved, picks: Sequence[Pick]) -> dict[str, float]:
    """Returns what speaks for an answer being in the hits, 0 to 1 each, by feature name.

    `found` has hits, `picks` are the sentences chosen from them.
    """
    hits = found.hits
    kind = expected_kind(question)
    chosen = [hits[pick.hit].sentences[pick.sentence] for pick in picks]
    return {
        "similarity": max(sentence.similarity for sentence in chosen),
        "pairs": max(sentence.pairs for sentence in chosen),
        "late": max(hits[pick.hit].scores.late for pick in picks),
        "names": _missing_names(question, [hits[pick.hit] for pick in picks]),
        "kind": float(kind == "open" or any(holds(kind, s.text, question) for s in chosen)),
        "lead": found.lead,
    }


def _missing_names(question: str, hits: Sequence[Hit]) -> float:
    """Returns the share of the question's names and figures that the chosen passages lack."""
    asked = [word for word in _WORD.findall(question)[1:] if _is_name(word)]
    held = " ".join(f"{hit.source.title} {hit.chunk.heading} {hit.text}" for hit in hits).lower()
    missing = sum(_POSSESSIVE.sub("", word).lower() not in held for word in asked)
    return missing / len(asked) if asked else 0.0


def _is_name(word: str) -> bool:
    return word[0].isupper() or any(character.isdigit() for character in word)
