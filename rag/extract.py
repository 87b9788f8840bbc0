"""The answer without a model: the fewest sentences that answer, quoted.

Every sentence of the best hits is scored by its passage, by its own nearness to the question, by
the words it covers and by whether it holds the kind of thing asked for. The best one answers; a
second or third joins only where it is nearly as good.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .expect import expected_kind, holds
from .types import Hit

MAX_SENTENCES = 3
MAX_CHARS = 560
"""Of quoted text; with the markers an answer stays under 600 characters."""
HITS = 5

PASSAGE, SIMILARITY, COVER, KIND, FRAGMENT = 0.6, 0.5, 0.5, 0.12, 0.25
NEARLY = 0.2
_WORDS = re.compile(r"\w+")
_ENDS = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_HEADING = re.compile(r"^#{1,6} ")


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence chosen for the answer: its hit, its place in it, and its score.

    `holds`: does it hold the kind of thing that was asked for?
    """

    hit: int
    sentence: int
    score: float
    holds: bool


def pick_sentences(question: str, hits: Sequence[Hit]) -> list[Pick]:
    """Returns one to three sentences that answer best, in reading order; none without hits.

    Reading order is that of the hits' sources by their best hit, and of the text within one.
    """
    ranked = rank_sentences(question, hits)
    if not ranked:
        return []
    chosen: list[Pick] = []
    length = 0
    for pick in ranked:
        size = len(_text(hits, pick))
        near = not chosen or pick.score >= ranked[0].score - NEARLY
        if not near or len(chosen) == MAX_SENTENCES:
            break
        if chosen and (length + size > MAX_CHARS or (ranked[0].holds and not pick.holds)):
            continue
        chosen.append(pick)
        length += size + 1
    first_seen = {hit.source.id: hit.rank for hit in reversed(hits)}
    return sorted(
        chosen,
        key=lambda pick: (
            first_seen[hits[pick.hit].source.id],
            hits[pick.hit].sentences[pick.sentence].start,
        ),
    )


def rank_sentences(question: str, hits: Sequence[Hit]) -> list[Pick]:
    """Returns every sentence of the first HITS hits, best first."""
    kind = expected_kind(question)
    picks = []
    for number, hit in enumerate(hits[:HITS]):
        for place, sentence in enumerate(hit.sentences):
            score = PASSAGE * hit.score + SIMILARITY * sentence.similarity + COVER * sentence.cover
            fits = kind == "open" or holds(kind, sentence.text, question)
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
    return hits[pick.hit].sentences[pick.sentence].text
