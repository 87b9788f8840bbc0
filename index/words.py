"""Text → terms, and text made harmless: the one analysis that indexing and asking share.

Terms are lower-cased, accent-folded and stemmed (Snowball English, tantivy's own analyzer), so
that BM25, its rescoring and word cover all count the same words. Scripts written without spaces
become one term a character.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

ANALYZER = "footnote-1"
"""The analyzer's name in the lexical index and in the fingerprint; changes with its rules."""

MAX_WORD = 40
_UNSPACED = re.compile(r"([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])")
# Controls but tab and newlines; bidi marks, embeddings and isolates; the tag block; surrogates.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)

STOP_WORDS = frozenset(
    "a an the of to in on at by for from with as is are was were be been being am do does did "
    "done has have had having it its this that these those there here and or but if then than "
    "so such not no nor can could will would shall should may might must he she they them his "
    "her their our we you your i me my us who whom whose which what when where why how s t d ll "
    "re ve m into over under about after before between during through up down out off again "
    "also some any each other more most own same too very just many much".split()
)


def harmless(text: str) -> str:
    """The text, as long as before, with characters that deceive or break replaced one for one.

    Controls, bidi and zero-width marks become a space, tag characters and lone surrogates U+FFFD,
    so that offsets into the result are offsets into the text.
    """
    return _HARMFUL.sub(lambda match: " " if match.group() < "\ud800" else "\ufffd", text)


def visible(text: str) -> str:
    r"""The text for a screen: what `harmless` would replace is written as `\u202e` and the like."""
    return _HARMFUL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


@cache
def analyzer() -> Any:  # tantivy ships no type for it outside its stub
    """Returns tantivy's text analyzer; one for the process."""
    import tantivy

    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(filters.remove_long(MAX_WORD))
        .filter(filters.lowercase())
        .filter(filters.ascii_fold())
        .filter(filters.stemmer("English"))
        .build()
    )


def spaced(text: str) -> str:
    """The text as the analyzer wants it: harmless, and unspaced scripts one word a character."""
    return _UNSPACED.sub(r" \1 ", harmless(text))


def terms(text: str) -> list[str]:
    """Returns the text's terms in order, repeats included."""
    found: list[str] = analyzer().analyze(spaced(text))
    return found


@cache
def _stop_terms() -> frozenset[str]:
    return frozenset(term for word in STOP_WORDS for term in terms(word))


def content_terms(words: Sequence[str]) -> list[str]:
    """Returns the given terms without stop words, each once, in order."""
    stop = _stop_terms()
    return list(dict.fromkeys(word for word in words if word not in stop))
