"""The features of `confidence`: how the chosen unit fits, what it lacks, how it compares.

Each is of about 0 to 1. The chosen unit is the best of those that are quoted; "behind" is how much
another unit of the hits has more of a signal.
"""

import re
from collections.abc import Mapping, Sequence
from math import exp, log

import numpy as np

from index.text.analyzer import terms

from ..language.answer_type import contains_answer_type
from ..language.question import Question
from ..retrieval.fusion import RetrievalResult
from ..types import Hit, ScoredUnit
from .extractive import HITS, Pick, asked_figures, headings, is_fragment, missing_share

_MODAL = re.compile(
    r"\b(?:not|no|never|only|must|may|can|cannot|can['’]t|should|allowed|required|permitted"
    r"|optional|unless|however|nicht|kein\w*|nur|muss|müssen|darf|dürfen|kann|können|sofern)\b"
    r"|不|可以|必须|需要|只",
    re.IGNORECASE,
)
_COPULA = re.compile(
    r"\b(?:is|are|was|means|refers|stands for|ist|sind|bedeutet)\b|是|指", re.IGNORECASE
)
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
_COLON = (":", "：")


def features(
    question: str, result: RetrievalResult, picks: Sequence[Pick], ranked: Sequence[Pick]
) -> dict[str, float]:
    """Returns the features by name; `ranked` are all units, best first, `picks` the quoted ones."""
    asked, hits = Question(question), result.hits[:HITS]
    best = max(picks, key=lambda pick: pick.score)
    hit = hits[best.hit]
    unit = hit.units[best.sentence]
    units = [one for other in hits for one in other.units if one.kind != "heading"]
    return {
        **_ranking(hit, unit, units, hits),
        **_form(asked, unit),
        **_agreement(asked, hit, unit, hits),
        **_comparison(ranked, picks, hits),
        **_question(asked, result),
        "unmatched_most": max(hits[p.hit].units[p.sentence].unmatched for p in picks),
        "unmatched_least": min(hits[p.hit].units[p.sentence].unmatched for p in picks),
        "lead": result.lead,
    }


def _ranking(
    hit: Hit, unit: ScoredUnit, units: Sequence[ScoredUnit], hits: Sequence[Hit]
) -> Mapping[str, float]:
    scores = hit.scores
    most_similar = max(one.similarity for one in units)
    most_covering = max(one.cover for one in units)
    return {
        "behind": max(one.score for one in hits) - hit.score,
        "first": float(hit.rank == 1),
        "lexical": scores.lexical,
        "dense": scores.dense,
        "heading": scores.heading,
        "context": scores.context,
        "late": scores.late,
        "similarity": unit.similarity,
        "similarity_behind": most_similar - unit.similarity,
        "cover": unit.cover,
        "cover_behind": most_covering - unit.cover,
        "own_cover": unit.own_cover,
        "own_cover_behind": max(one.own_cover for one in units) - unit.own_cover,
        "pairs": unit.pairs,
        "unmatched": unit.unmatched,
        "unmatched_anywhere": min(one.unmatched for one in units),
        "cover_anywhere": most_covering,
        "similarity_anywhere": most_similar,
        "dense_anywhere": max(one.scores.dense for one in hits),
        "late_anywhere": max(one.scores.late for one in hits),
    }


def _form(asked: Question, unit: ScoredUnit) -> Mapping[str, float]:
    text, is_item = unit.text, unit.kind == "item"
    has_colon = text.rstrip(" *_").endswith(_COLON)
    has_modal = bool(_MODAL.search(text))
    return {
        "row": float(unit.kind == "row"),
        "item": float(is_item),
        "code": float(unit.kind == "code"),
        "item_of_list": float(is_item and asked.wants_list),
        "item_of_steps": float(is_item and asked.is_how_to),
        "fragment": float(unit.kind == "sentence" and is_fragment(text)),
        "colon": float(has_colon),
        "colon_before_list": float(has_colon and (asked.wants_list or asked.is_how_to)),
        "modal_for_yes_no": float(asked.is_yes_no and has_modal),
        "copula_for_definition": float(asked.is_definition and bool(_COPULA.search(text))),
        "modal_for_how_to": float(asked.is_how_to and has_modal),
    }


def _agreement(
    asked: Question, hit: Hit, unit: ScoredUnit, hits: Sequence[Hit]
) -> Mapping[str, float]:
    kind, text = asked.answer_type, unit.text
    fits = kind != "open" and contains_answer_type(kind, text, asked.text)
    has_number = bool(_NUMBER.search(text))
    is_counted = asked.counted and has_number and asked.counted.intersection(terms(text))
    figures = asked_figures(asked.text, hits)
    around = [*headings(hit), *unit.context, text]
    everywhere = [part for one in hits for part in (*headings(one), one.text)]
    return {
        "fits": float(fits),
        "misses": float(kind != "open" and not fits),
        **{f"{name}_fits": float(fits and kind == name) for name in ("date", "person", "place")},
        "counted": float(bool(is_counted)),
        "duration": float(asked.asks_duration and has_number and bool(_TIME_SPAN.search(text))),
        "names_missing": missing_share(asked.names, around),
        "figures_missing": missing_share(figures, around),
        "names_nowhere": missing_share(asked.names, everywhere),
        "figures_nowhere": missing_share(figures, everywhere),
    }


def _comparison(
    ranked: Sequence[Pick], picks: Sequence[Pick], hits: Sequence[Hit]
) -> Mapping[str, float]:
    by_text: dict[str, float] = {}  # what repeats a better unit does not compete with it
    for pick in ranked:
        by_text.setdefault(hits[pick.hit].units[pick.sentence].text, pick.score)
    scores = np.array(list(by_text.values())[:MAX_COMPARED])
    top = float(scores[0])
    shares = np.exp((scores - top) / _TEMPERATURE)
    shares /= shares.sum()
    return {
        "gap": top - float(scores[min(1, len(scores) - 1)]),
        "wide_gap": top - float(scores[min(3, len(scores) - 1)]),
        "share": float(shares[0]),
        "entropy": float(-(shares * np.log(shares + exp(-20))).sum()) / log(MAX_COMPARED),
        "quoted": len(picks) / 3,
    }


def _question(asked: Question, result: RetrievalResult) -> Mapping[str, float]:
    query, kind = result.query, asked.answer_type
    return {
        "terms": min(len(query.terms), MAX_TERMS) / MAX_TERMS,
        "is_yes_no": float(asked.is_yes_no),
        "is_how_to": float(asked.is_how_to),
        "is_definition": float(asked.is_definition),
        "is_number": float(kind in ("number", "measure")),
        "is_date": float(kind == "date"),
        "is_person": float(kind == "person"),
    }
