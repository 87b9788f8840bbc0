"""The buffer: sentences end where they do, however the text was cut, and text is not held long."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.markers import Marker, Piece, SentenceEnd, Text
from rag.answering.sentences import AnswerBuffer


def buffered(*deltas: str, whole_sentences: bool = False) -> list[Piece]:
    buffer = AnswerBuffer(whole_sentences=whole_sentences)
    pieces = [piece for delta in deltas for piece in buffer.feed(delta)]
    return joined([*pieces, *buffer.finish()])


def joined(pieces: list[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Text) and result and isinstance(last := result[-1], Text):
            result[-1] = Text(last.text + piece.text)
        else:
            result.append(piece)
    return result


def test_a_sentence_ends_before_the_next_begins() -> None:
    assert buffered("One. Two.") == [Text("One."), SentenceEnd(), Text(" Two."), SentenceEnd()]


def test_a_marker_after_the_full_stop_belongs_to_the_sentence() -> None:
    assert buffered("One. [1.2] Two.") == [
        *(Text("One."), Marker(((1, 2),)), SentenceEnd()),
        *(Text(" Two."), SentenceEnd()),
    ]


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    assert buffered("Dr. Smith left. He ran.") == [
        *(Text("Dr. Smith left."), SentenceEnd()),
        *(Text(" He ran."), SentenceEnd()),
    ]


@given(st.text(alphabet="ab .!?\n1AU-|[]", max_size=60), st.data())
def test_splitting_the_text_anywhere_gives_the_same_pieces(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    assert buffered(text[:cut], text[cut:]) == buffered(text)


@pytest.mark.parametrize("size", [1, 4, 99])
@pytest.mark.parametrize(
    "text",
    [
        "| what | when |\n|---|---|\n| lit | 1871 [1.1] |\n| shut | 1998 [1.1] |",
        "Two things:\n- [1.1] the lamp\n- [1.1] the lens\n1. [1.1] and\n2. [1.1] more",
    ],
)
def test_rows_and_items_with_markers_are_written_once(text: str, size: int) -> None:
    pieces = buffered(*[text[at : at + size] for at in range(0, len(text), size)])
    shown = "".join(
        piece.text if isinstance(piece, Text) else "[1.1]"
        for piece in pieces
        if not isinstance(piece, SentenceEnd)
    )
    assert re.sub(r"[ \t]", "", shown) == re.sub(r"[ \t]", "", text)


@given(st.text(alphabet=st.characters(blacklist_characters="[]【】!`\\~<("), max_size=200))
def test_no_word_is_lost(text: str) -> None:
    shown = "".join(piece.text for piece in buffered(f"Well: {text}") if isinstance(piece, Text))
    assert shown.split() == f"Well: {text}".split()


def test_text_without_an_end_is_still_cut() -> None:
    pieces = buffered(*["word " for _ in range(3000)])
    assert sum(isinstance(piece, SentenceEnd) for piece in pieces) >= 3


def test_whole_sentences_leave_with_their_end() -> None:
    buffer = AnswerBuffer(whole_sentences=True)
    assert buffer.feed("One [1.1]. Tw") == []
    assert buffer.feed("o is") == [Text("One."), Marker(((1, 1),)), SentenceEnd()]


@pytest.mark.parametrize(
    "answer",
    [
        "The ferry leaves pier 7 at nine [1.1]. It returns at noon [1.2].",
        "Based on the passages, the ferry leaves pier 7 at nine [1.1].",
        "No: the ferry leaves pier 7 at nine, as the notice says [1.1].",
        "[The notice](https://example.org/notice) says that the ferry leaves at nine.",
        "**Nine o'clock**, from pier 7 (see the notice) [1.1].",
    ],
)
def test_the_first_text_leaves_within_forty_characters(answer: str) -> None:
    buffer = AnswerBuffer(lambda _: True)
    first = next(size for size, char in enumerate(answer, 1) if buffer.feed(char))
    assert first <= 60 if answer.startswith("[") else first <= 40


@given(st.text(alphabet="abc ,.'", min_size=1, max_size=120))
def test_plain_words_are_held_for_one_word_at_most(tail: str) -> None:
    buffer = AnswerBuffer()
    text = "The lamp was lit in 1871 and burns" + tail
    shown = ""
    for end, char in enumerate(text, 1):
        shown += "".join(p.text for p in buffer.feed(char) if isinstance(p, Text))
        assert len(text[:end].strip()) - len(shown.strip()) <= 45
