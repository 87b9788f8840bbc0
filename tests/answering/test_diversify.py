"""What goes into a prompt: nothing twice, each source its turn, in the order of the ranking."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from index.types import Chunk, Source
from rag.retrieval.diversify import diversify, is_near_duplicate, word_set
from rag.types import Hit, Scores


def hit(rank: int, text: str, *, source: str = "a.txt", score: float = 0.5) -> Hit:
    article = Source(source, source, source, "0" * 64, 10, 0, 10)
    chunk = Chunk(rank, f"c{rank}", source, 0, len(text), ())
    return Hit(rank, chunk, article, text, score, Scores(0.5, 0.5, 0.5), ())


def texts(hits: Sequence[Hit]) -> list[str]:
    return [found.text for found in hits]


def same(one: str, other: str) -> bool:
    return is_near_duplicate(word_set(one), word_set(other))


LINE = "The bridge over the Tarn was opened by the mayor in 1849 after nine years of work"


def test_texts_with_the_same_words_are_alike() -> None:
    assert same(f"{LINE}.", f"{LINE}, they say.")


def test_another_figure_or_a_negation_is_another_statement() -> None:
    assert not same(LINE, LINE.replace("1849", "1850"))
    assert not same(LINE, LINE.replace("was opened", "was not opened"))
    assert not same(f"{LINE} and did hold", f"{LINE} and didn't hold")


def test_a_passage_that_repeats_a_better_one_is_left_out() -> None:
    hits = [hit(1, LINE), hit(2, f"{LINE}.", source="copy.txt"), hit(3, "A ferry runs.")]
    assert texts(diversify(hits, chars=10_000)) == [LINE, "A ferry runs."]


def test_what_is_nearly_as_good_from_another_source_comes_before_more_of_the_same() -> None:
    hits = [
        hit(1, "one " * 10, score=0.9),
        hit(2, "two " * 10, score=0.8),
        hit(3, "three " * 7, source="b.txt", score=0.79),
    ]
    assert texts(diversify(hits, chars=85)) == ["one " * 10, "three " * 7]


def test_what_is_much_better_comes_first_wherever_it_stands() -> None:
    hits = [
        hit(1, "one " * 10, score=0.9),
        hit(2, "two " * 10, score=0.8),
        hit(3, "three " * 7, source="b.txt", score=0.4),
    ]
    assert texts(diversify(hits, chars=85)) == ["one " * 10, "two " * 10]


def test_the_first_hit_is_there_however_long_it_is() -> None:
    assert texts(diversify([hit(1, "long " * 99), hit(2, "short")], chars=3)) == ["long " * 99]
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
    hits = [hit(n, text, source=s, score=score) for n, (text, s, score) in enumerate(scored, 1)]
    chosen = diversify(hits, chars=chars)
    ranks = [found.rank for found in chosen]
    assert ranks == sorted(set(ranks))
    assert ranks[:1] == [1][: len(hits)]
    assert sum(len(found.text) for found in chosen[1:]) <= chars
