"""Unsafe characters are replaced one for one, or escaped for display."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embed.minilm import tokenizer
from index.text.sanitize import escape_unsafe, remove_ignorable, sanitize


@given(st.text())
def test_a_sanitized_text_keeps_its_length_and_can_be_encoded(text: str) -> None:
    sanitized = sanitize(text)
    assert len(sanitized) == len(text)
    assert sanitize(sanitized) == sanitized
    sanitized.encode()


def test_unsafe_characters_are_shown_as_escapes() -> None:
    assert escape_unsafe("a\u202eb\ud800") == "a\\u202eb\\ud800"


@pytest.mark.parametrize("character", "\xad\u200b\u200c\u200d\u2060\ufeff\u202e\ufe0f\U000e0041")
def test_a_word_with_characters_that_are_not_shown_is_embedded_as_without(character: str) -> None:
    word, parted = "Jahresgebühr", f"Jahres{character}gebühr"
    assert remove_ignorable(parted) == word
    encoded = tokenizer().encode(sanitize(parted), add_special_tokens=False)
    assert encoded.ids == tokenizer().encode(word, add_special_tokens=False).ids
    assert encoded.offsets[-1][1] == len(parted)


def test_all_that_unicode_calls_ignorable_is_removed() -> None:
    regex = pytest.importorskip("regex")
    ignorable = regex.findall(
        r"\p{Default_Ignorable_Code_Point}", "".join(map(chr, range(0x110000)))
    )
    assert len(ignorable) > 4000
    assert remove_ignorable("".join(ignorable)) == ""
    assert remove_ignorable("Grüße 😀 ༎") == "Grüße 😀 ༎"
