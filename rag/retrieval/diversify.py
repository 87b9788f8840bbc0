"""What of the hits the answer is made from: nothing twice, and each source its turn.

The ranking stays as it is; this decides only what goes into a prompt of limited size. A passage
that says the same as a better one is left out, and a further passage of a source that is already
there waits for those of other sources that are nearly as good (after Carbonell and Goldstein's
maximal marginal relevance, 1998, with the source in the place of the cosine).
"""

import re
from collections import Counter
from collections.abc import Sequence

from ..language.negation import NEGATORS
from ..types import Hit

NEAR_DUPLICATE_OVERLAP = 0.8
"""Share of all words of two texts that both have, from which they count as one."""
SAME_SOURCE_PENALTY = 0.04
"""What each passage already taken from a source costs its next one, in score."""

_WORDS = re.compile(r"\w+")

WordSet = frozenset[str]


def word_set(text: str) -> WordSet:
    """Returns the text's words, for `alike`."""
    return frozenset(_WORDS.findall(text.lower()))


def is_near_duplicate(one: WordSet, other: WordSet) -> bool:
    """Do two texts say the same? Most words shared, and every figure and negation."""
    shared, either = len(one & other), len(one | other)
    if not either or shared / either < NEAR_DUPLICATE_OVERLAP:
        return False
    return not any(_decides(word) for word in one ^ other)


def _decides(word: str) -> bool:
    return word in NEGATORS or word == "t" or any(character.isdigit() for character in word)


def diversify(hits: Sequence[Hit], *, chars: int) -> tuple[Hit, ...]:
    """Returns the hits that go into `chars` characters, in the order they were ranked in.

    The first is there in any case, none repeats a better one, and the rest are taken by score,
    less for each that its source already has.
    """
    left, taken = list(deduplicate(hits)), list[Hit]()
    turns: Counter[str] = Counter()
    while left:
        best = max(left, key=lambda hit: hit.score - SAME_SOURCE_PENALTY * turns[hit.source.id])
        left.remove(best)
        if not taken or len(best.text) <= chars:
            taken.append(best)
            chars -= len(best.text)
            turns[best.source.id] += 1
    return tuple(sorted(taken, key=lambda hit: hit.rank))


def deduplicate(hits: Sequence[Hit]) -> list[Hit]:
    """Returns the hits without near-duplicates of a better one."""
    kept: list[tuple[Hit, WordSet]] = []
    for hit in hits:
        own = word_set(hit.text)
        if not any(is_near_duplicate(own, other) for _, other in kept):
            kept.append((hit, own))
    return [hit for hit, _ in kept]
