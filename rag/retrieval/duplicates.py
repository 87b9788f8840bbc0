"""Which texts say the same, word for word: copies of a passage are shown once."""

import re
from collections.abc import Sequence

from ..types import Hit

_WORDS = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})


def content_key(text: str) -> tuple[str, ...]:
    """Returns the text's words in order, but for case and articles.

    Texts with the same key say the same. A single other word may change what is said: a weekday, a
    name, "sometimes" for "always"; so that versions of a rule are never taken for one.
    """
    return tuple(word for word in _WORDS.findall(text.lower()) if word not in _ARTICLES)


def deduplicate(hits: Sequence[Hit]) -> list[Hit]:
    """Returns the hits without duplicates of a better one, best first."""
    unique: dict[tuple[str, ...], Hit] = {}
    for hit in hits:
        unique.setdefault(content_key(hit.text), hit)
    return list(unique.values())
