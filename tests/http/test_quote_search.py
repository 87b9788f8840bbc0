"""The fingerprint of a quote finds exactly that text again, wherever it moved, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from api.wire.signed_links import find_quote, fingerprint_quote

TEXTS = st.text(st.sampled_from([*"abc \n", "é", "😀", "\u202e", "\ud800"]), max_size=60)


def nearest(text: str, quote: str, near: int) -> int | None:
    """The oracle: every place one by one."""
    starts = [at for at in range(len(text)) if text.startswith(quote, at)]
    return min(starts, key=lambda at: (abs(at - near), at), default=None)


@given(TEXTS, TEXTS, st.integers(0, 80))
def test_the_nearest_occurrence_of_a_quote_is_found(text: str, quote: str, near: int) -> None:
    expected = nearest(text, quote, near) if quote else None
    assert find_quote(fingerprint_quote(quote), text, length=len(quote), near=near) == expected


@given(TEXTS, st.data())
def test_an_unmoved_quote_is_found_at_its_place(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    fingerprint = fingerprint_quote(text[start:end])
    expected = start if start < end else None
    assert find_quote(fingerprint, text, length=end - start, near=start) == expected


def test_a_quote_with_the_same_letters_is_another_quote() -> None:
    assert find_quote(fingerprint_quote("not safe"), "safe not", length=8, near=0) is None


def test_an_invalid_fingerprint_finds_nothing() -> None:
    for fingerprint in ("", "zzzz0123456789abcdef", "é", "-1", "00"):
        assert find_quote(fingerprint, "some text " * 9, length=9, near=0) is None


def test_a_text_of_only_candidates_is_not_searched_to_the_end() -> None:
    text = "ba" * 1_000_000
    assert (
        find_quote(fingerprint_quote("ab" * 50_000)[:4] + "0" * 16, text, length=100_000, near=0)
        is None
    )
