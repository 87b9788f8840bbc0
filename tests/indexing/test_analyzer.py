"""Terms of texts and questions."""

import unicodedata
from typing import Literal

import pytest

from index.text.analyzer import content_terms, terms

IGNORABLES = (
    "\xad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2063\u2066\ufe0f\ufeff"
)
IGNORABLES += "\U000e0041\U000e0101"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lighthouses WERE lit", ["lighthous", "were", "light"]),
        ("Café crème", ["cafe", "creme"]),
        ("東京タワー", list("東京タワー")),
        ("built in 1871", ["build", "in", "1871"]),
        ("a\u200bb\u202ec", ["abc"]),
        ("x" * 41, []),
    ],
)
def test_terms_are_folded_stemmed_and_lemmatized(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_content_terms_omit_stop_words_and_repeats() -> None:
    assert content_terms(terms("the lamp of the lamp")) == ["lamp"]


WORDS = [
    "Jahresgebühr",
    "Größe",
    "café",
    "könyvtár",
    "маяк",
    "ёлка",
    "зарядка",
    "ά",
    "می\u200cخواهم",
]


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("word", [*WORDS, "창고", "ガス", "न\u095bर", "Đặng", "İstanbul"])
def test_the_form_of_unicode_does_not_matter(word: str, form: Literal["NFC", "NFD"]) -> None:
    assert terms(unicodedata.normalize(form, word)) == terms(word) != []


@pytest.mark.parametrize("ignorable", IGNORABLES, ids=lambda c: f"{ord(c):x}")
def test_characters_that_are_not_shown_part_no_words(ignorable: str) -> None:
    for word in WORDS:
        parted = ignorable.join(word)
        assert terms(f"{ignorable}{parted} {word}") == terms(f"{word} {word}")


def test_a_stress_mark_that_no_letter_has_is_left_out() -> None:
    assert terms("за\u0301мок x\u030cy") == ["замок", "xy"]


def test_marks_in_a_row_take_no_square_of_their_number() -> None:
    assert terms("a" + "\u0301\u0323" * 200_000 + " b") == ["a", "b"]
