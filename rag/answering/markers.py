"""Citation markers as models write them: `[1.3]`, `[1]`, `【1.2】`, `(see passage 2)`.

A marker points at sentences of the prompt's passages. In round brackets only what names its
passages, or sentence numbers, is a marker.
"""

import re
from dataclasses import dataclass

Ref = tuple[int, int | None]
"""(passage, sentence), both from 1; sentence 0 is the passage's title line, None the passage."""

MAX_RANGE = 20
"""A longer range stands for its two ends."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text of the answer, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker: what it points at, each once, in order; it may point at nothing that exists."""

    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class SentenceEnd:
    """The sentence before this piece is complete."""


Piece = Text | Marker | SentenceEnd


_ITEM = re.compile(
    r"(?:(?:see|cf\.?|from) )?"
    r"(?:(?:passages?|sources?|documents?|docs?|sentences?|citations?|refs?)\.?:? ?|p(?=\d)|[#^])?"
    r"(?P<passage>[1-9]\d{0,2})"
    r"(?:(?:\.s?\.?|:|,? (?:sentences?|s)\.? ?)(?P<sentence>0(?!\d)|[1-9]\d{0,3}))?"
    r"(?: ?[-–—] ?(?:p(?=\d))?(?P<to>[1-9]\d{0,3})(?:\.s?(?P<to_sentence>[1-9]\d{0,3}))?)?",
    re.IGNORECASE,
)
_NAMED = r"(?:see )?(?:passages?|sources?|documents?|sentences?|citations?)"
_SENTENCE = r"\d{1,3}\.\d{1,4}"
_ROUND = re.compile(
    rf"\(({_NAMED} \d[^()\[\]\n]{{0,40}}|{_SENTENCE}(?:[,;] ?{_SENTENCE}){{0,9}})\)"
    r"(?=[\s.,;:!?|。！？]|\Z)",
    re.IGNORECASE,
)
_ROUND_OPEN = re.compile(
    rf"\((?:[a-z]{{0,10}}|see [a-z]{{0,10}}|{_NAMED} (?:\d[^()\[\]\n]{{0,40}})?"
    r"|\d[\d.,; ]{0,60})\)?\Z",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r" ?[,;，；、&] ?(?:and )?| and | ")


def parse_refs(content: str) -> tuple[Ref, ...]:
    """Returns what a bracket with this content points at, each once, in order; () if no marker."""
    text = " ".join(content.partition("†")[0].rstrip("\\").strip("\"'*_ ").split())
    refs: list[Ref] = []
    at = 0
    while item := _ITEM.match(text, at):
        refs += _expand(*(int(number) if number else None for number in item.groups()))
        if item.end() == len(text):
            return tuple(dict.fromkeys(refs))
        between = _BETWEEN.match(text, item.end())
        if between is None:
            break
        at = between.end()
    return ()


def parse_round(text: str, at: int) -> tuple[int, tuple[Ref, ...]]:
    """Returns where the round bracket at `at` ends, and what it points at; () if no marker."""
    closed = _ROUND.match(text, at)
    refs = parse_refs(closed.group(1)) if closed else ()
    if closed is None or any(sentence == 0 for _, sentence in refs):  # "(1.0)" is a number
        return (closed.end() if closed else at), ()
    return closed.end(), refs


def may_be_round(text: str, at: int) -> bool:
    """Whether the text at `at` may become such a marker with more text."""
    return bool(_ROUND_OPEN.match(text, at))


def _expand(
    passage: int | None, sentence: int | None, to: int | None, to_sentence: int | None
) -> list[Ref]:
    assert passage
    if to is None:
        return [(passage, sentence)]
    if sentence is None and to_sentence is None:
        return [(one, None) for one in _between(passage, to)]
    if sentence is not None and to_sentence is None:
        return [(passage, one) for one in _between(sentence, to)]
    if sentence is not None and to_sentence and to == passage:
        return [(passage, one) for one in _between(sentence, to_sentence)]
    return [(passage, sentence), (to, to_sentence)]


def _between(first: int, last: int) -> list[int]:
    if first <= last <= first + MAX_RANGE:
        return list(range(first, last + 1))
    return [first, last]
