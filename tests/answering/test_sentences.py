import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.cite import End, Piece
from rag.answering.pieces import Mark, Text
from rag.answering.sentences import Sentencer


def fed(*pieces: Piece) -> list[Piece]:
    sentencer = Sentencer()
    out = [found for piece in pieces for found in sentencer.feed(piece)]
    return joined([*out, *sentencer.finish()])


def joined(pieces: list[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Text) and result and isinstance(result[-1], Text):
            result[-1] = Text(result[-1].text + piece.text)
        else:
            result.append(piece)
    return result


def test_a_sentence_ends_before_the_next_begins() -> None:
    assert fed(Text("One. Two.")) == [Text("One."), End(), Text(" Two."), End()]


def test_a_mark_after_the_full_stop_belongs_to_the_sentence() -> None:
    mark = Mark(((1, 2),))
    assert fed(Text("One."), mark, Text(" Two.")) == [
        *(Text("One."), mark, End()),
        *(Text(" Two."), End()),
    ]


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    assert fed(Text("Dr. Smith left. He ran.")) == [
        *(Text("Dr. Smith left."), End()),
        *(Text(" He ran."), End()),
    ]


@given(st.text(alphabet="ab .!?\n1AU-|", max_size=60), st.data())
def test_splitting_the_text_anywhere_gives_the_same_pieces(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    assert fed(Text(text[:cut]), Text(text[cut:])) == fed(Text(text))


@pytest.mark.parametrize("piece", [1, 4, 99])
@pytest.mark.parametrize(
    "text",
    [
        "| what | when |\n|---|---|\n| lit | 1871 # |\n| shut | 1998 # |",
        "Two things:\n- # the lamp\n- # the lens\n1. # and\n2. # more",
    ],
)
def test_rows_and_items_with_marks_are_written_once(text: str, piece: int) -> None:
    mark = Mark(((1, 1),))
    parts = [
        mark if at % 2 else Text(words[start : start + piece])
        for at, words in enumerate(re.split("(#)", text))
        for start in range(0, len(words), piece)
    ]
    out = ["#" if piece == mark else piece.text for piece in fed(*parts) if piece != End()]
    assert re.sub(r"[ \t]", "", "".join(out)) == re.sub(r"[ \t]", "", text)


@given(st.text(max_size=200))
def test_no_word_is_lost(text: str) -> None:
    out = "".join(piece.text for piece in fed(Text(text)) if isinstance(piece, Text))
    assert out.split() == text.split()


def test_text_without_an_end_is_still_cut() -> None:
    pieces = fed(*[Text("word ") for _ in range(3000)])
    assert sum(isinstance(piece, End) for piece in pieces) >= 3
