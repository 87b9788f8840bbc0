"""Selects the hits for a prompt of limited size: no duplicates, and a mix of sources.

Maximal marginal relevance (Carbonell and Goldstein 1998), with the source in place of the cosine: a
hit that repeats a better one is dropped, and each hit of a source makes its next one wait behind
nearly as good hits of others. The ranking itself is not changed.
"""

import re
from collections import Counter
from collections.abc import Sequence

from ..types import Hit

SAME_SOURCE_PENALTY = 0.04
"""Deducted from a hit's score for each hit already selected from its source."""

_WORDS = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})


def content_key(text: str) -> tuple[str, ...]:
    """Returns the text's words in order, but for case and articles.

    Texts with the same key say the same. A single other word may change what is said: a weekday, a
    name, "sometimes" for "always"; so that versions of a rule are never taken for one.
    """
    return tuple(word for word in _WORDS.findall(text.lower()) if word not in _ARTICLES)


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
    """Returns the hits without duplicates of a better one, best first."""
    unique: dict[tuple[str, ...], Hit] = {}
    for hit in hits:
        unique.setdefault(content_key(hit.text), hit)
    return list(unique.values())
