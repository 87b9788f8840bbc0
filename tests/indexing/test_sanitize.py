"""Unsafe characters are replaced one for one, or escaped for display."""

from hypothesis import given
from hypothesis import strategies as st

from index.text.sanitize import escape_unsafe, sanitize


@given(st.text())
def test_a_sanitized_text_keeps_its_length_and_can_be_encoded(text: str) -> None:
    sanitized = sanitize(text)
    assert len(sanitized) == len(text)
    assert sanitize(sanitized) == sanitized
    sanitized.encode()


def test_unsafe_characters_are_shown_as_escapes() -> None:
    assert escape_unsafe("a\u202eb\ud800") == "a\\u202eb\\ud800"
