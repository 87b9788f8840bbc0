"""The languages that an index's passages are in, told from a sample of them."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from weakref import WeakKeyDictionary

from index.store.opened import OpenGeneration

from ..language.word_cover import Language, language_of

SAMPLE = 40
"""Passages, at equal distances, that are looked at: some milliseconds, once a generation."""
MIN_CHARS = 40
"""Of a passage that tells a language; others are headings, numbers, code."""
MIN_SHARE = 0.25
"""Of the passages that are in a language of the articles; code and names count as English."""

_shares: "WeakKeyDictionary[OpenGeneration, Mapping[Language, float]]" = WeakKeyDictionary()
_lock = Lock()


def other_language(generation: OpenGeneration, language: Language) -> Language | None:
    """Returns the language of most articles, if few are in the given one; else None. Blocks."""
    shares = _language_shares(generation)
    if not shares or shares.get(language, 0.0) >= MIN_SHARE:
        return None
    most = max(shares, key=lambda one: shares[one])
    return most if most != language else None


def _language_shares(generation: OpenGeneration) -> Mapping[Language, float]:
    """Returns the share of the sampled passages in each language; none without passages."""
    if not generation.info.chunks:
        return {}
    with _lock:
        if generation not in _shares:
            _shares[generation] = _sample(generation)
        return _shares[generation]


def _sample(generation: OpenGeneration) -> Mapping[Language, float]:
    texts = (text for _, text in generation.sample(SAMPLE))
    languages = Counter(language_of(text) for text in texts if len(text) >= MIN_CHARS)
    return {language: count / languages.total() for language, count in languages.items()}
