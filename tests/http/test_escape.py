"""What is shown holds nothing that moves, hides or reorders."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.escape import escape

TEXTS = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\u202eb", "a\\u202eb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("one\r\ntwo\rthree", "one\ntwo\\x0dthree"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
    ],
)
def test_invisible_characters_become_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(TEXTS)
def test_nothing_that_steers_is_left(text: str) -> None:
    kept = "\n\t\u200c\u200d\u00ad"
    left = [c for c in escape(text) if c not in kept]
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in left)


@given(TEXTS)
def test_screening_twice_changes_nothing_more(text: str) -> None:
    assert escape(escape(text)) == escape(text)


@given(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=60))
def test_letters_digits_and_signs_stay(text: str) -> None:
    assert escape(text) == text
