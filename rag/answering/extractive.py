"""The answer without a model: the fewest units that answer, quoted.

Every unit of the best hits but headings is scored by its passage, by its own nearness to the
question, by the words it covers and by whether it holds the kind of thing asked for. The best one
answers; a second or third joins only where it is nearly as good, or where another source says
otherwise.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..language.answer_type import contains_answer_type, expected_answer_type, is_statement
from ..language.definition import asked_subject, defining
from ..language.periods import period_forms
from ..language.question import Question
from ..language.recency import LATEST, as_of, newest_first
from ..retrieval.duplicates import content_key
from ..types import Hit
from .conflicts import in_conflict

MAX_SENTENCES = 4
MAX_CHARS = 560
"""Of quoted text, a conflicting sentence aside; with its markers an answer has under 600 then."""
HITS = 5

PASSAGE, SIMILARITY, COVER, PAIRS, FRAGMENT = 1.6, 0.65, 0.3, 0.12, 0.25
KIND, NUMBER = 0.15, 0.3
"""Of a unit with the kind of thing that is asked for."""
DEFINES = 0.3
"""Of a sentence that says what somebody or something is, where that is asked."""
SPAN = 0.04
"""Of the reader's log-probability that the answer is in the unit."""
STATEMENT_COVER = 2 * COVER
"""What is stated stands in its evidence word for word; what is asked for is not in the question."""
NEARLY, NEARLY_ELSEWHERE = 0.4, 0.35
"""How far a further sentence may lie under the best one: in its passage, and in another. On 382
questions as colleagues ask, 2.5 units then hold the answer in .72, 1.9 (at .3 and .2) in .69."""
KEY_COVER = 0.05
"""How much less of the question than the best row a pick may cover."""
MAX_AGREEING = 2
MAX_CONFLICTING = 2
MAX_BROUGHT = 2
"""Sentences before a quoted one that are quoted with it, where it begins by pointing back."""
MIN_TELLING_WORDS = 5
"""A shorter sentence before it says nothing that it could point to."""
_POINTS_BACK = re.compile(
    r"\W*(?:th(?:is|at|ese|ose)|it|its|he|his|she|her|they|their|both|such"
    r"|er|dies(?:e[rsmn]?)?|dadurch|dabei|dafür|deshalb|beide"
    r"|ils?|elles?|cela|ceci|cet|cette|él|ella|ellos|ellas|est[eao]s?)\b(?! (?:page|article|guide"
    r"|document|section|handbook|policy|seite|dokument|artikel)\b)|[他她它这此]",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\w+")
_ENDS = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_HEADING = re.compile(r"^#{1,6} ")


@dataclass(frozen=True, slots=True)
class Pick:
    """A unit chosen for the answer: its hit, its place in it, and its score.

    `holds`: does it hold the kind of thing that was asked for? `missing` is the share of the
    question's figures (years, periods, products) that it, its title and its headings lack.
    `agreeing` are the places (hit, unit) that say the same in the same words; they are cited with
    it.
    """

    hit: int
    sentence: int
    score: float
    holds: bool
    missing: float = 0.0
    agreeing: tuple[tuple[int, int], ...] = ()


def pick_sentences(ranked: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns one to four of the ranked units, those that answer best; none of none.

    The passage of the best sentence comes first; within a passage they keep their order.
    """
    ranked = _deduplicate(ranked, hits)
    chosen = _with_antecedents(ranked, hits)
    length = sum(len(_text(hits, pick)) + 1 for pick in chosen)
    for pick in ranked[1:]:
        size = len(_text(hits, pick))
        if len(chosen) == MAX_SENTENCES:
            break
        if pick not in chosen and length + size <= MAX_CHARS and _may_join(pick, ranked[0]):
            chosen.append(pick)
            length += size + 1
    return _in_reading_order(_without_pointers(_without_other_rows(chosen, hits), hits))


def _with_antecedents(ranked: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns the best pick, and the sentences before it where it begins with "This …", "He …"."""
    by_place = {(pick.hit, pick.sentence): pick for pick in ranked}
    chosen = list(ranked[:1])
    length = sum(len(_text(hits, pick)) for pick in chosen)
    while 0 < len(chosen) <= MAX_BROUGHT and _points_back(hits, chosen[-1]):
        before = by_place.get((chosen[-1].hit, chosen[-1].sentence - 1))
        length += len(_text(hits, before)) + 1 if before else 0
        if before is None or length > MAX_CHARS:
            break
        chosen.append(before)
    return chosen


def _without_pointers(chosen: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns the picks without those, but the first, that need a sentence that is not quoted."""
    places = {(pick.hit, pick.sentence) for pick in chosen}
    return [
        pick
        for pick in chosen
        if pick is chosen[0]
        or not _points_back(hits, pick)
        or (pick.hit, pick.sentence - 1) in places
    ]


def _points_back(hits: Sequence[Hit], pick: Pick) -> bool:
    """Whether the sentence needs the one before it to be understood."""
    units, place = hits[pick.hit].units, pick.sentence
    if place == 0 or units[place].kind != "sentence":
        return False
    before = units[place - 1]
    tells = before.kind == "sentence" and len(_WORDS.findall(before.text)) >= MIN_TELLING_WORDS
    return tells and bool(_POINTS_BACK.match(units[place].text))


def _without_other_rows(chosen: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns the picks without those that cover less of the question than a row among them.

    A row's words are its key: adjacent rows, and the text above a table, are about something else.
    """
    covers = [hits[pick.hit].units[pick.sentence].cover for pick in chosen]
    kinds = [hits[pick.hit].units[pick.sentence].kind for pick in chosen]
    best = max((c for c, kind in zip(covers, kinds, strict=True) if kind == "row"), default=0.0)
    return [pick for pick, cover in zip(chosen, covers, strict=True) if cover >= best - KEY_COVER]


def with_conflicts(
    question: str, ranked: Sequence[Pick], picks: Sequence[Pick], hits: Sequence[Hit]
) -> tuple[list[Pick], list[Pick]]:
    """Returns the picks with what other sources say otherwise, and those that conflict.

    Of each such source that is its best sentence; there are still four at most. The
    conflicting ones come first, the newest source before the others. Where a year is asked for
    ("in 2023"), only what the newest source of that time says stays of them.
    """
    if not picks:
        return [], []
    ranked = _deduplicate(ranked, hits)
    conflicting = _conflicting(question, ranked, hits)
    if not conflicting:
        return list(picks), []
    time = as_of(question)
    versions = newest_first(
        [(hits[pick.hit].source.date, pick) for pick in (ranked[0], *conflicting)], time
    )
    others = [pick for pick in ranked[1:] if pick in picks and pick not in conflicting]
    if time not in (None, LATEST) and hits[versions[0].hit].source.date:
        return [versions[0]], []
    return [*versions, *_in_reading_order(others)][:MAX_SENTENCES], versions


def _in_reading_order(picks: Sequence[Pick]) -> list[Pick]:
    passages = [pick.hit for pick in picks]
    return sorted(picks, key=lambda pick: (passages.index(pick.hit), pick.sentence))


def _conflicting(question: str, ranked: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    best = hits[ranked[0].hit]
    best_sentence = best.units[ranked[0].sentence]
    asks_value = expected_answer_type(question) in ("number", "measure", "date")
    sources, conflicting = {best.source.id}, list[Pick]()
    for pick in ranked[1:]:
        hit = hits[pick.hit]
        other = hit.units[pick.sentence]
        if hit.source.id in sources or len(other.text) > MAX_CHARS:
            continue
        has_value = asks_value and pick.holds and ranked[0].holds
        if in_conflict(question, best_sentence, other, hit, has_value=has_value):
            sources.add(hit.source.id)
            conflicting.append(pick)
    return conflicting[:MAX_CONFLICTING]


def _may_join(pick: Pick, best: Pick) -> bool:
    """Is the sentence nearly as good as the best one, and about what that is about?"""
    near = NEARLY if pick.hit == best.hit else NEARLY_ELSEWHERE
    is_alike = (pick.holds or not best.holds) and pick.missing <= best.missing
    return pick.score >= best.score - near and is_alike


def _deduplicate(ranked: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns the units without those that repeat a better one, which then cites them too."""
    kept: dict[object, Pick] = {}
    for pick in ranked:
        unit = hits[pick.hit].units[pick.sentence]
        key: object = content_key(unit.text)
        if unit.kind == "row":  # the same cells say something else under other names
            key = (hits[pick.hit].source.id, unit.start)
        better = kept.get(key)
        if better is None:
            kept[key] = pick
        elif len(better.agreeing) < MAX_AGREEING:
            agreeing = (*better.agreeing, (pick.hit, pick.sentence))
            kept[key] = replace(better, agreeing=agreeing)
    return list(kept.values())


def rank_sentences(question: str, hits: Sequence[Hit]) -> list[Pick]:
    """Returns every unit of the first HITS hits but headings, best first."""
    kind = expected_answer_type(question)
    cover = STATEMENT_COVER if is_statement(question) else COVER
    figures = asked_figures(question, hits)
    subject = asked_subject(question)
    definition = defining(subject) if subject else None
    picks = []
    for number, hit in enumerate(hits[:HITS]):
        for place, sentence in enumerate(hit.units):
            if sentence.kind == "heading":
                continue
            score = PASSAGE * hit.score + SIMILARITY * sentence.similarity
            score += cover * sentence.cover + PAIRS * sentence.pairs
            if hit.reading:
                score += SPAN * hit.reading.units[place]
            fits = kind == "open" or contains_answer_type(kind, sentence.text, question)
            if kind != "open" and fits:
                score += NUMBER if kind in ("number", "measure") else KIND
            if definition and definition.search(sentence.text):
                score += DEFINES
            if sentence.kind == "sentence" and is_fragment(sentence.text):
                score -= FRAGMENT
            missing = missing_share(figures, [*headings(hit), *sentence.context, sentence.text])
            picks.append(Pick(number, place, score, fits, missing))
    return sorted(picks, key=lambda pick: -pick.score)


def asked_figures(question: str, hits: Sequence[Hit]) -> list[str]:
    """Returns the question's words with a digit, without its year where sources have dates."""
    time = as_of(question)
    is_dated = time is not None and any(hit.source.date for hit in hits)
    figures = Question(question).figures
    return [one for one in figures if not (is_dated and time and one == str(time.year))]


def headings(hit: Hit) -> list[str]:
    """Returns what stands over a hit: its title, headings and date."""
    return [hit.source.title, hit.chunk.heading or "", hit.source.date or ""]


def missing_share(words: Sequence[str], texts: Sequence[str]) -> float:
    """Returns the share of lower-case words that the texts lack."""
    if not words:
        return 0.0
    lower = "\n".join(texts).lower()
    lacks = [not any(form in lower for form in period_forms(word)) for word in words]
    return sum(lacks) / len(words)


def is_fragment(text: str) -> bool:
    """Is this a heading, a question or a scrap rather than a statement?"""
    if _HEADING.match(text) or text.rstrip("\"'”’»)").endswith("?"):
        return True
    return not _ENDS.search(text) and len(_WORDS.findall(text)) < 9


def _text(hits: Sequence[Hit], pick: Pick) -> str:
    return hits[pick.hit].units[pick.sentence].text
