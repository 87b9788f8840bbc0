"""Selects the hits for a prompt of limited size: no near-duplicates, and a mix of sources.

Maximal marginal relevance (Carbonell and Goldstein 1998), with the source in place of the cosine: a
hit that repeats a better one is dropped, and each hit of a source makes its next one wait behind
nearly as good hits of others. The ranking itself is not changed.
"""

import re
from collections import Counter
from collections.abc import Sequence

from ..language.negation import NEGATORS
from ..types import Hit

NEAR_DUPLICATE_OVERLAP = 0.8
"""Share of the words of two texts that both have (Jaccard) from which they are duplicates."""
SAME_SOURCE_PENALTY = 0.04
"""Deducted from a hit's score for each hit already selected from its source."""

_WORDS = re.compile(r"\w+")

WordSet = frozenset[str]


def word_set(text: str) -> WordSet:
    """Returns the text's words, for `is_near_duplicate`."""
    return frozenset(_WORDS.findall(text.lower()))


def is_near_duplicate(one: WordSet, other: WordSet) -> bool:
    """Whether two texts say the same: most words are shared, and all numbers and negators."""
    shared, union = len(one & other), len(one | other)
    if not union or shared / union < NEAR_DUPLICATE_OVERLAP:
        return False
    return not any(_changes_meaning(word) for word in one ^ other)


def _changes_meaning(word: str) -> bool:
    return word in NEGATORS or word == "t" or any(character.isdigit() for character in word)


def diversify(hits: Sequence[Hit], *, chars: int) -> tuple[Hit, ...]:
    """Returns the hits selected for `chars` characters, by rank; always with the first one."""
    candidates, selected = deduplicate(hits), list[Hit]()
    per_source: Counter[str] = Counter()
    while candidates:
        best = max(
            candidates, key=lambda hit: hit.score - SAME_SOURCE_PENALTY * per_source[hit.source.id]
        )
        candidates.remove(best)
        if not selected or len(best.text) <= chars:
            selected.append(best)
            chars -= len(best.text)
            per_source[best.source.id] += 1
    return tuple(sorted(selected, key=lambda hit: hit.rank))


def deduplicate(hits: Sequence[Hit]) -> list[Hit]:
    """Returns the hits without near-duplicates of a better one, best first."""
    unique: list[tuple[Hit, WordSet]] = []
    for hit in hits:
        words = word_set(hit.text)
        if not any(is_near_duplicate(words, other) for _, other in unique):
            unique.append((hit, words))
    return [hit for hit, _ in unique]
