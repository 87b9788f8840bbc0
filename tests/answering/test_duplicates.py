"""Which texts say the same."""

import pytest

from index.types import Chunk, Source
from rag.retrieval.duplicates import content_key, deduplicate
from rag.types import Hit, Scores


def make_hit(rank: int, text: str, *, source: str = "a.txt", score: float = 0.5) -> Hit:
    article = Source(source, source, source, "0" * 64, 10, 0, 10)
    chunk = Chunk(rank, f"c{rank}", source, 0, len(text), ())
    return Hit(rank, chunk, article, text, score, Scores(0.5, 0.5, 0.5), ())


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
    assert [hit.text for hit in deduplicate(hits)] == [LINE, "A ferry runs."]
