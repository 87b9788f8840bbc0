"""The mark of a quote finds exactly those words again, wherever they moved, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from api.wire.signed_links import find_quote, fingerprint_quote

TEXTS = st.text(st.sampled_from([*"abc \n", "é", "😀", "\u202e", "\ud800"]), max_size=60)


def nearest(text: str, quote: str, near: int) -> int | None:
    """The oracle: every place one by one."""
    starts = [at for at in range(len(text)) if text.startswith(quote, at)]
    return min(starts, key=lambda at: (abs(at - near), at), default=None)


@given(TEXTS, TEXTS, st.integers(0, 80))
def test_it_finds_the_nearest_place_where_the_words_stand(text: str, quote: str, near: int) -> None:
    expected = nearest(text, quote, near) if quote else None
    assert find_quote(fingerprint_quote(quote), text, length=len(quote), near=near) == expected


@given(TEXTS, st.data())
def test_a_cut_of_the_text_stands_at_its_place(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert bool(fingerprint_quote(text[start:end])) is (start < end)


def test_words_with_the_same_letters_are_not_the_same_words() -> None:
    assert find_quote(fingerprint_quote("not safe"), "safe not", length=8, near=0) is None


def test_a_mark_that_is_none_finds_nothing() -> None:
    for mark in ("", "zzzz0123456789abcdef", "é", "-1", "00"):
        assert find_quote(mark, "some text " * 9, length=9, near=0) is None


def test_a_text_that_is_all_candidates_is_given_up_on() -> None:
    text = "ba" * 1_000_000
    assert find_quote(fingerprint_quote("ab" * 50_000)[:4] + "0" * 16, text, length=100_000, near=0) is None
