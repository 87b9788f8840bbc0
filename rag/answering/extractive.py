"""The answer without a model: the fewest sentences that answer, quoted.

Every sentence of the best hits is scored by its passage, by its own nearness to the question, by
the words it covers and by whether it holds the kind of thing asked for. The best one answers; a
second or third joins only where it is nearly as good, or where another source has another figure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..language.answer_type import contains_answer_type, expected_answer_type, is_statement
from ..retrieval.diversify import WordSet, is_near_duplicate, word_set
from ..types import Hit
from .conflicts import in_conflict

MAX_SENTENCES = 3
MAX_CHARS = 560
"""Of quoted text, a conflicting sentence aside; with its markers an answer has under 600 then."""
HITS = 5

PASSAGE, SIMILARITY, COVER, PAIRS, KIND, FRAGMENT = 1.6, 0.65, 0.3, 0.12, 0.15, 0.25
STATEMENT_COVER = 2 * COVER
"""What is stated stands in its evidence word for word; what is asked for is not in the question."""
NEARLY, NEARLY_ELSEWHERE = 0.2, 0.12
"""How far a second sentence may lie under the best one: in its passage, and in another. On 592
SQuAD questions 1.6 sentences then hold the gold answer in .82, against .73 for one alone."""
MAX_AGREEING = 2
MAX_CONFLICTING = 2
_WORDS = re.compile(r"\w+")
_ENDS = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_HEADING = re.compile(r"^#{1,6} ")


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence chosen for the answer: its hit, its place in it, and its score.

    `holds`: does it hold the kind of thing that was asked for? `agreeing` are the places (hit,
    sentence) that say the same in nearly the same words; they are cited with it.
    """

    hit: int
    sentence: int
    score: float
    holds: bool
    agreeing: tuple[tuple[int, int], ...] = ()


def pick_sentences(question: str, hits: Sequence[Hit]) -> list[Pick]:
    """Returns one to three sentences that answer best; none without hits.

    The passage of the best sentence comes first; within a passage they keep their order.
    """
    ranked = _deduplicate(rank_sentences(question, hits), hits)
    chosen = list(ranked[:1])
    length = sum(len(_text(hits, pick)) + 1 for pick in chosen)
    for pick in ranked[1:]:
        size = len(_text(hits, pick))
        if len(chosen) == MAX_SENTENCES:
            break
        if length + size <= MAX_CHARS and _may_join(pick, ranked[0]):
            chosen.append(pick)
            length += size + 1
    return _in_reading_order(chosen)


def with_conflicts(question: str, picks: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns the picks with what other sources say otherwise, which comes before the rest.

    Of each such source that is its best sentence; there are still three sentences at most.
    """
    if not picks or expected_answer_type(question) not in ("number", "measure", "date"):
        return list(picks)
    ranked = _deduplicate(rank_sentences(question, hits), hits)
    conflicting = _conflicting(question, ranked, hits)
    others = [pick for pick in ranked[1:] if pick in picks and pick not in conflicting]
    return _in_reading_order([ranked[0], *conflicting, *others][:MAX_SENTENCES])


def _in_reading_order(picks: Sequence[Pick]) -> list[Pick]:
    passages = [pick.hit for pick in picks]
    return sorted(picks, key=lambda pick: (passages.index(pick.hit), pick.sentence))


def _conflicting(question: str, ranked: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    if not ranked[0].holds:
        return []
    best = hits[ranked[0].hit]
    best_sentence = best.units[ranked[0].sentence]
    sources, conflicting = {best.source.id}, list[Pick]()
    for pick in ranked[1:]:
        hit = hits[pick.hit]
        other = hit.units[pick.sentence]
        is_new = pick.holds and hit.source.id not in sources and len(other.text) <= MAX_CHARS
        if is_new and in_conflict(question, best_sentence, other, hit):
            sources.add(hit.source.id)
            conflicting.append(pick)
    return conflicting[:MAX_CONFLICTING]


def _may_join(pick: Pick, best: Pick) -> bool:
    """Is the sentence nearly as good as the best one, and of the kind asked for if that is?"""
    near = NEARLY if pick.hit == best.hit else NEARLY_ELSEWHERE
    return pick.score >= best.score - near and (pick.holds or not best.holds)


def _deduplicate(ranked: Sequence[Pick], hits: Sequence[Hit]) -> list[Pick]:
    """Returns the sentences without those that repeat a better one, which then cites them too."""
    kept: list[Pick] = []
    words: list[WordSet] = []
    for pick in ranked:
        own = word_set(_text(hits, pick))
        like = next((n for n, other in enumerate(words) if is_near_duplicate(own, other)), None)
        if like is None:
            kept.append(pick)
            words.append(own)
        elif len(kept[like].agreeing) < MAX_AGREEING:
            agreeing = (*kept[like].agreeing, (pick.hit, pick.sentence))
            kept[like] = replace(kept[like], agreeing=agreeing)
    return kept


def rank_sentences(question: str, hits: Sequence[Hit]) -> list[Pick]:
    """Returns every sentence of the first HITS hits, best first."""
    kind = expected_answer_type(question)
    cover = STATEMENT_COVER if is_statement(question) else COVER
    picks = []
    for number, hit in enumerate(hits[:HITS]):
        for place, sentence in enumerate(hit.units):
            score = PASSAGE * hit.score + SIMILARITY * sentence.similarity
            score += cover * sentence.cover + PAIRS * sentence.pairs
            fits = kind == "open" or contains_answer_type(kind, sentence.text, question)
            if kind != "open" and fits:
                score += KIND
            if is_fragment(sentence.text):
                score -= FRAGMENT
            picks.append(Pick(number, place, score, fits))
    return sorted(picks, key=lambda pick: -pick.score)


def is_fragment(text: str) -> bool:
    """Is this a heading, a question or a scrap rather than a statement?"""
    if _HEADING.match(text) or text.rstrip("\"'”’»)").endswith("?"):
        return True
    return not _ENDS.search(text) and len(_WORDS.findall(text)) < 9


def _text(hits: Sequence[Hit], pick: Pick) -> str:
    return hits[pick.hit].units[pick.sentence].text
