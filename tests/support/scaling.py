"""Adversarial texts of any length, and a check that work on them grows no faster than linearly.

Processor time counts, the best of several runs, so that a busy machine fails no test.
"""

import gc
import random
import time
from collections.abc import Callable

MakeText = Callable[[int], str]
Work = Callable[[str], object]

FREE_S = 0.01
"""What takes no longer is free, however it grows; half the length counts as at least this."""
MAX_RATIO = 3.0
"""Of twice the length; linear is 2, quadratic 4."""
ROUNDS = 5


def _repeated(unit: str) -> MakeText:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _numbered(unit: Callable[[int, str], str]) -> MakeText:
    def make(size: int) -> str:
        parts: list[str] = []
        length, number = 0, 0
        while length < size:
            letters = "".join(chr(97 + number // 26**place % 26) for place in range(3))
            parts.append(unit(number, letters))
            length += len(parts[-1])
            number += 1
        return "".join(parts)[:size]

    return make


def _shuffled(units: list[str]) -> MakeText:
    def make(size: int) -> str:
        chosen = random.Random(7).choices(units, k=size)  # so that half of it is its beginning
        return "".join(chosen)[:size]

    return make


_UNITS = (
    *(".", ". ", "! ", "?", "…", "a. ", "A. ", "e.g. ", "Dr. ", "no. ", "1. ", "。", "a.", "漢。"),
    *("\n", " \n", "\r\n", "\r", "\t", " ", "\x0b", "\u2028", "- a\n", "1. a\n", "a\n\n", "# a\n"),
    *("[", "]", "[1", "[1]", "[1.2] ", "[1,", "(see passage ", "(", "(1.2", "`", "`a", "~~~\n"),
    *(
        "```\n",
        "\\",
        "\\[",
        "![a](",
        "[a](",
        "[a]: ",
        "[^a]: ",
        "://",
        "www.",
        "|a",
        "a|b\n",
        "a,b\n",
    ),
    *("<", "<a", "<think>", "</think>", "<think></think>", "<|a", "<|im_end|>", "&amp;", '"a",'),
    *("A ", "A-", "Zappa Frank ", "Of the Frank ", "A of ", "A the ", "NO_ANSWER", "A1", "F-16 "),
    *("1", "1,", "1.000", "1 000 ", "one hundred ", "twenty-", "1999-", "1 Jan ", "$1 ", "½"),
    *(
        "not ",
        "no ",
        "n't ",
        "never until ",
        "not a b c ",
        "because ",
        "who is it ",
        "that ",
        "and ",
    ),
    *("'", '"', "’", "«", "é", "e\u0301", "\u200b", "ก", "漢", "a", "a ", "a_", "*", "_", "> a\n"),
)

TEXTS: dict[str, MakeText] = {
    **{repr(unit): _repeated(unit) for unit in _UNITS},
    "names": _numbered(lambda _, letters: f"{letters.capitalize()} "),
    "words": _numbered(lambda _, letters: f"{letters} "),
    "sentences": _numbered(lambda _, letters: f"{letters.capitalize()} went. "),
    "numbers": _numbered(lambda number, _: f"{number * 37 + 1000} x, "),
    "negations": _numbered(lambda _, letters: f"{letters} not {letters[::-1]} "),
    "dates": _numbered(lambda number, _: f"{number % 28 + 1} March {1000 + number % 1000}, "),
    "items": _numbered(lambda number, letters: f"{number}. {letters}\n"),
    "words, then stops": lambda size: "a " * (size // 4) + "." * (size - size // 4 * 2),
    "lines, then blank lines": lambda size: "a\n" * (size // 4) + "\n" * (size - size // 4 * 2),
    "a fence of blank lines": lambda size: ("```\n" + "\n" * size)[:size],
    "an open target": lambda size: ('[a](b "' + "a" * size)[:size],
    "brackets that nest": lambda size: ("[" * (size // 2) + "](" * size)[:size],
    "signs": _shuffled(list(".!?[]()`<>\n 1aA,|-*'")),
    "all kinds": _shuffled(["not ", "1 ", "Frank ", "the ", ". ", "[1.2]", " (", "1999", "and\n"]),
}
"""Name → text of a length in characters."""


def superlinear(work: Work, make: MakeText, limit: int, *, free_s: float = FREE_S) -> str | None:
    """Returns how the work's processor time grows up to `limit` characters; None if no faster."""
    half, whole = make(limit // 2), make(limit)
    half_s = whole_s = float("inf")
    for _ in range(ROUNDS):
        whole_s = min(whole_s, _cpu_s(work, whole))
        if whole_s <= free_s:
            return None
        half_s = min(half_s, _cpu_s(work, half))
        if whole_s <= MAX_RATIO * max(half_s, free_s):
            return None
    return f"{half_s * 1000:.1f} ms for {len(half):,}, {whole_s * 1000:.1f} for {len(whole):,}"


def _cpu_s(work: Work, text: str) -> float:
    gc.disable()  # its time depends on what else is alive
    try:
        began = time.process_time()
        work(text)
        return time.process_time() - began
    finally:
        gc.enable()
