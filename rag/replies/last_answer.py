"""What is asked of the last answer without a model: the evidence of its question, seen again.

The question is searched for again, which finds the same; the conversation says what was quoted.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from index.store.opened import OpenGeneration
from index.text.analyzer import terms

from ..answering.confidence import UNCERTAIN, Evidence
from ..answering.extractive import Pick, is_fragment
from ..language.kind.last_answer import AnswerAct
from ..language.plain_text import plain_text
from ..language.refusals import is_refusal_text
from ..language.word_cover import cover
from ..retrieval.sections import Place, unscored
from ..types import Hit, ScoredUnit, Turn
from .summary import summarize_source

MIN_COVER = 0.5
"""Share of the last question's words that a sentence with a reason has."""
MORE = 3
"""Further sentences that are quoted."""
CHUNKS_AROUND = 16
"""Chunks before and after the quoted one in which they are looked for."""
MAX_SHOWN_CHARS = 20_000
"""Of the answers before, the newest, that are compared with what is quoted."""


def answer_again(
    about: AnswerAct,
    evidence: Evidence,
    generation: OpenGeneration,
    history: Sequence[Turn],
    *,
    certain: float,
    max_passages: int,
    is_whole: bool = False,
) -> Evidence:
    """Returns the evidence for what is asked of the last answer, from that of its question.

    No picks where there is nothing more. A reason is less than `certain`: nothing says that it is
    one for this. For a summary `is_whole` is as in `summarize`. Blocks.
    """
    if not evidence.picks:
        return evidence
    best = max(evidence.picks, key=lambda pick: pick.score)
    if about == "evidence":
        return replace(evidence, picks=tuple(_with_neighbours(best, evidence.hits)), conflict=())
    if about == "shorter":
        return replace(evidence, picks=evidence.picks[:1], conflict=())
    if about == "summary":
        source = evidence.hits[best.hit].source
        summary = summarize_source(source, generation, max_passages=max_passages, is_whole=is_whole)
        return Evidence(summary.hits, summary.picks, confidence=1.0) if summary else evidence
    if about == "why":
        return _with_reason(evidence, history, certain)
    if about == "more":
        places = _further(evidence.hits[best.hit], best, generation, Shown(history))
        return _quoting(places[:MORE], best, evidence, max_passages)
    return evidence


_REASON = re.compile(
    r"\b(?:because|since|due to|owing to|so that|therefore|reasons?|causes?d?|thanks to|that is why"
    r"|weil|wegen|deshalb|daher|damit|gründe?n?|aufgrund|parce qu|car\b|à cause|puisque|afin"
    r"|raisons?|grâce à|porque|debido|ya que|por eso|motivos?|razón|gracias a)"
    r"|因为|由于|因此|所以|为了|原因",
    re.IGNORECASE,
)
"""What a sentence has that gives a reason."""


class Shown:
    """What the answers of a conversation quote."""

    def __init__(self, history: Sequence[Turn]) -> None:
        said = " ".join(turn.content for turn in history if turn.role == "assistant")
        self._text = _words(said[-MAX_SHOWN_CHARS:])

    def has(self, unit: ScoredUnit) -> bool:
        """Whether the unit stands in one of the answers."""
        words = _words(plain_text(unit.text, unit.kind))
        return len(words) > 1 and words in self._text


def without_shown(hits: Sequence[Hit], history: Sequence[Turn]) -> tuple[Hit, ...]:
    """Returns the hits without what was quoted, those with nothing else left out."""
    shown = Shown(history)
    kept = (
        replace(hit, units=tuple(unit for unit in hit.units if not shown.has(unit))) for hit in hits
    )
    return tuple(
        replace(hit, rank=rank)
        for rank, hit in enumerate((hit for hit in kept if hit.units), start=1)
    )


def _with_reason(evidence: Evidence, history: Sequence[Turn], certain: float) -> Evidence:
    """Returns the evidence with those of its sentences that give a reason, in words that say so.

    They have half the words of the last question; none has where that was refused.
    """
    asked = next((turn.content for turn in reversed(history) if turn.role == "user"), "")
    texts = {pick: evidence.hits[pick.hit].units[pick.sentence].text for pick in evidence.picks}
    picks = tuple(pick for pick, text in texts.items() if _gives_reason(text, asked))
    if not picks or (history and is_refusal_text(history[-1].content)):
        return replace(evidence, picks=(), conflict=(), confidence=0.0)
    confidence = min(evidence.confidence, certain - UNCERTAIN)
    return replace(evidence, picks=picks, conflict=(), confidence=confidence)


def _gives_reason(text: str, asked: str) -> bool:
    return bool(_REASON.search(text)) and cover(asked, text) >= MIN_COVER


def _with_neighbours(best: Pick, hits: Sequence[Hit]) -> Iterator[Pick]:
    """Yields the pick with the sentences before and after it in its passage."""
    units = hits[best.hit].units
    if units[best.sentence].kind != "sentence":
        yield best
        return
    for place in range(max(best.sentence - 1, 0), min(best.sentence + 2, len(units))):
        if place == best.sentence:
            yield best
        elif units[place].kind == "sentence" and not is_fragment(units[place].text):
            yield replace(best, sentence=place, agreeing=())


def _further(hit: Hit, best: Pick, generation: OpenGeneration, shown: Shown) -> list[Place]:
    """Returns sentences that were not shown: after the quoted one, before it, then beyond both.

    The first two are of its section, the third of the rest of its article.
    """
    quoted = hit.units[best.sentence].start
    places = [place for place in _around(hit, generation) if not shown.has(place[1])]
    section = [place for place in places if place[0].chunk.heading == hit.chunk.heading]
    after = [place for place in section if place[1].start > quoted]
    before = [place for place in section if place[1].start < quoted]
    beyond = [place for place in places if place not in section and place[1].start > quoted]
    return [*after, *reversed(before)] or beyond


def _quoting(
    places: Sequence[Place], best: Pick, evidence: Evidence, max_passages: int
) -> Evidence:
    """Returns the evidence that these places are quoted, in their order; no picks of none."""
    hits, picks = list[Hit](), list[Pick]()
    for found, unit in sorted(places, key=lambda place: place[1].start):
        if not hits or hits[-1].chunk.row != found.chunk.row:
            if len(hits) == max_passages:
                break
            hits.append(replace(found, rank=len(hits) + 1))
        place = hits[-1].units.index(unit)
        picks.append(Pick(len(hits) - 1, place, best.score, True))
    if not picks:
        return replace(evidence, picks=(), conflict=(), confidence=0.0)
    return Evidence(tuple(hits), tuple(picks), confidence=evidence.confidence)


def _around(hit: Hit, generation: OpenGeneration) -> Iterator[Place]:
    """Yields the sentences of a hit's source near it, in their order."""
    text = generation.text(hit.source.id)
    for chunk in generation.neighbours(hit.chunk, CHUNKS_AROUND, CHUNKS_AROUND):
        units = tuple(unscored(unit, text) for unit in chunk.units)
        near = replace(hit, chunk=chunk, text=text[chunk.start : chunk.end], units=units)
        for unit in units:
            if unit.kind == "sentence" and not is_fragment(unit.text):
                yield near, unit


def _words(text: str) -> str:
    return f" {' '.join(terms(text))} "
