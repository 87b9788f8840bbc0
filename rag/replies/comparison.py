"""The evidence for a comparison: both sides are searched for and quoted."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from index.text.analyzer import content_terms, terms

from ..answering.confidence import UNCERTAIN, Evidence
from ..answering.extractive import Pick, is_fragment, rank_sentences
from ..retrieval.fusion import RetrievalResult
from ..types import Hit

Search = Callable[[str], RetrievalResult]


def with_sides(
    together: Evidence, sides: tuple[str, str], search: Search, *, certain: float, top_k: int
) -> Evidence:
    """Returns the evidence of asking for both sides together, with a unit of each.

    Where no quoted unit has all words of a side, the best one that has them joins; the answer is
    less than `certain` then.
    """
    evidence = together
    for side in sides:
        words = set(content_terms(terms(side)))
        if not words or not evidence.picks or _mentions(evidence, words):
            continue
        evidence = _with_side(evidence, side, words, search(side).hits, top_k=top_k)
    if evidence.picks != together.picks:  # nothing says that the sides are alike
        uncertain = min(evidence.confidence, certain - UNCERTAIN)
        evidence = replace(evidence, confidence=uncertain)
    return evidence


def _mentions(evidence: Evidence, words: set[str]) -> bool:
    units = (evidence.hits[pick.hit].units[pick.sentence] for pick in evidence.picks)
    return any(words.issubset(terms(unit.text)) for unit in units)


def _with_side(
    evidence: Evidence, side: str, words: set[str], found: Sequence[Hit], *, top_k: int
) -> Evidence:
    """Returns the evidence with the best unit that has the side's words, if one does."""
    for pick in rank_sentences(side, found):
        hit = found[pick.hit]
        unit = hit.units[pick.sentence]
        if not words.issubset(terms(unit.text)) or is_fragment(unit.text):
            continue
        rows = [one.chunk.row for one in evidence.hits]
        hits = list(evidence.hits)
        if hit.chunk.row in rows:
            place = rows.index(hit.chunk.row)
        elif len(hits) < top_k:
            place = len(hits)
            hits.append(replace(hit, rank=place + 1))
        else:
            unused = _last_unused(evidence)
            if unused is None:
                return evidence
            place = unused
            hits[place] = replace(hit, rank=hits[place].rank)
        picks = (*evidence.picks, Pick(place, pick.sentence, pick.score, pick.holds))
        return replace(evidence, hits=tuple(hits), picks=picks)
    return evidence


def _last_unused(evidence: Evidence) -> int | None:
    """Returns the last hit that nothing is quoted from, None if there is none."""
    used = {pick.hit for pick in evidence.picks}
    used |= {hit for pick in evidence.picks for hit, _ in pick.agreeing}
    return max((n for n in range(len(evidence.hits)) if n not in used), default=None)
