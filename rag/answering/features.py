"""The features of `confidence`: how the chosen unit fits, what it lacks, how it compares.

Each is of about 0 to 1. The chosen unit is the best of those that are quoted. These are what was
left of 57 when the one that helped least was dropped again and again (DECISIONS.md).
"""

import re
from collections.abc import Sequence
from math import exp, log

import numpy as np

from ..language.answer_type import contains_answer_type
from ..language.question import Question
from ..retrieval.fusion import RetrievalResult
from ..types import Hit
from .extractive import HITS, Pick, asked_figures, headings, missing_share

_TIME_SPAN = re.compile(
    r"\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|quarters?|sekunden?|minuten?"
    r"|stunden?|tage[ns]?|tag|wochen?|monate?n?|jahre?n?)\b|[天周月年秒]|小时|分钟",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|once|twice|half"
    r"|zwei|drei|vier|fünf|sechs|acht|zehn|zwölf)\b|[一二三四五六七八九十两]",
    re.IGNORECASE,
)
_TEMPERATURE = 0.1
"""Of the softmax over the units' scores."""
MAX_COMPARED = 10
"""The best units of different texts whose scores are compared."""
MAX_TERMS = 12
LEAST = 1e-3
"""Probability."""


def features(
    question: str, result: RetrievalResult, picks: Sequence[Pick], ranked: Sequence[Pick]
) -> dict[str, float]:
    """Returns the features by name; `ranked` are all units, best first, `picks` the quoted ones."""
    asked, hits = Question(question), result.hits[:HITS]
    best = max(picks, key=lambda pick: pick.score)
    hit, kind = hits[best.hit], asked.answer_type
    unit = hit.units[best.sentence]
    figures, around = asked_figures(asked.text, hits), [*headings(hit), *unit.context, unit.text]
    everywhere = [part for one in hits for part in (*headings(one), one.text)]
    is_time_span = _NUMBER.search(unit.text) and _TIME_SPAN.search(unit.text)
    return {
        "first": float(hit.rank == 1),
        "lexical": hit.scores.lexical,
        "dense": hit.scores.dense,
        "late": hit.scores.late,
        "cover": unit.cover,
        "own_cover": unit.own_cover,
        "pairs": unit.pairs,
        "unmatched": unit.unmatched,
        "cover_anywhere": max(
            one.cover for other in hits for one in other.units if one.kind != "heading"
        ),
        "row": float(unit.kind == "row"),
        "misses": float(kind != "open" and not contains_answer_type(kind, unit.text, asked.text)),
        "duration": float(bool(asked.asks_duration and is_time_span)),
        "figures_missing": missing_share(figures, around),
        "names_missing": missing_share(asked.names, around),
        "names_nowhere": missing_share(asked.names, everywhere),
        "entropy": _entropy(ranked, hits),
        "quoted": len(picks) / 3,
        "terms": min(len(result.query.terms), MAX_TERMS) / MAX_TERMS,
        "is_number": float(kind in ("number", "measure")),
        "is_date": float(kind == "date"),
        "unmatched_least": min(hits[p.hit].units[p.sentence].unmatched for p in picks),
    }


def _entropy(ranked: Sequence[Pick], hits: Sequence[Hit]) -> float:
    """Returns that of the softmax over the best units' scores: 0 for one alone, 1 for all alike."""
    by_text: dict[str, float] = {}  # what repeats a better unit does not compete with it
    for pick in ranked:
        by_text.setdefault(hits[pick.hit].units[pick.sentence].text, pick.score)
    scores = np.array(list(by_text.values())[:MAX_COMPARED])
    shares = np.exp((scores - scores[0]) / _TEMPERATURE)
    shares /= shares.sum()
    return float(-(shares * np.log(shares + exp(-20))).sum()) / log(MAX_COMPARED)


def reading_features(
    certainty: float, picks: Sequence[Pick], hits: Sequence[Hit]
) -> dict[str, float]:
    """Returns the features of hits that were read: the certainty by `features`, and a reading.

    They are logits: of the certainty, and of whether the chosen unit's passage answers.
    """
    reading = hits[max(picks, key=lambda pick: pick.score).hit].reading
    odds = max(certainty, LEAST) / max(1 - certainty, LEAST)
    return {"certainty": log(odds), "answers": reading.answers if reading else 0.0}
