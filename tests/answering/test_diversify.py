"""The selection for a prompt: no duplicates, a mix of sources, in the order of the ranking."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import Chunk, Source
from rag.retrieval.diversify import content_key, diversify
from rag.types import Hit, Scores


def make_hit(rank: int, text: str, *, source: str = "a.txt", score: float = 0.5) -> Hit:
    article = Source(source, source, source, "0" * 64, 10, 0, 10)
    chunk = Chunk(rank, f"c{rank}", source, 0, len(text), ())
    return Hit(rank, chunk, article, text, score, Scores(0.5, 0.5, 0.5), ())


def texts(hits: Sequence[Hit]) -> list[str]:
    return [hit.text for hit in hits]


def are_duplicates(one: str, other: str) -> bool:
    return content_key(one) == content_key(other)


LINE = "The bridge over the Tarn was opened by the mayor in 1849 after nine years of work"


def test_texts_with_the_same_words_are_duplicates() -> None:
    assert are_duplicates(f"{LINE}.", f"- {LINE.replace('The bridge', 'A bridge')}")


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("1849", "1850"),
        ("was opened", "was not opened"),
        ("mayor", "bishop"),
        ("Tarn", "Lot"),
        ("nine", "ten"),
        ("years", "months"),
        ("after", "before"),
        ("opened", "closed"),
    ],
)
def test_any_other_word_makes_another_statement(word: str, other: str) -> None:
    assert not are_duplicates(LINE, LINE.replace(word, other))


def test_words_in_another_order_make_another_statement() -> None:
    assert not are_duplicates("Holm beat Wend.", "Wend beat Holm.")


def test_a_duplicate_of_a_better_hit_is_left_out() -> None:
    hits = [
        make_hit(1, LINE),
        make_hit(2, f"{LINE}.", source="copy.txt"),
        make_hit(3, "A ferry runs."),
    ]
    assert texts(diversify(hits, chars=10_000)) == [LINE, "A ferry runs."]


def test_a_nearly_as_good_hit_of_another_source_comes_first() -> None:
    hits = [
        make_hit(1, "one " * 10, score=0.9),
        make_hit(2, "two " * 10, score=0.8),
        make_hit(3, "three " * 7, source="b.txt", score=0.79),
    ]
    assert texts(diversify(hits, chars=85)) == ["one " * 10, "three " * 7]


def test_a_much_better_hit_comes_first_from_any_source() -> None:
    hits = [
        make_hit(1, "one " * 10, score=0.9),
        make_hit(2, "two " * 10, score=0.8),
        make_hit(3, "three " * 7, source="b.txt", score=0.4),
    ]
    assert texts(diversify(hits, chars=85)) == ["one " * 10, "two " * 10]


def test_the_first_hit_is_selected_at_any_length() -> None:
    assert texts(diversify([make_hit(1, "long " * 99), make_hit(2, "short")], chars=3)) == [
        "long " * 99
    ]
    assert diversify([], chars=100) == ()


@given(
    st.lists(
        st.tuples(
            st.text("abcd ", min_size=1, max_size=30), st.sampled_from("xyz"), st.floats(0, 1)
        ),
        max_size=12,
    ),
    st.integers(1, 80),
)
def test_the_selection_keeps_order_and_size(
    drawn: list[tuple[str, str, float]], chars: int
) -> None:
    scored = sorted(drawn, key=lambda one: -one[2])
    hits = [
        make_hit(n, text, source=s, score=score) for n, (text, s, score) in enumerate(scored, 1)
    ]
    chosen = diversify(hits, chars=chars)
    ranks = [hit.rank for hit in chosen]
    assert ranks == sorted(set(ranks))
    assert ranks[:1] == [1][: len(hits)]
    assert sum(len(hit.text) for hit in chosen[1:]) <= chars
