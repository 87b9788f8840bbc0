"""What a question asks for, by its words."""

import pytest

from rag.language.question import Question


@pytest.mark.parametrize(
    "text",
    [
        "can I work from abroad",
        "So, is lunch paid?",
        "Darf ich kündigen?",
        "加班可以调休吗",
        "don't we",
    ],
)
def test_what_yes_or_no_would_answer(text: str) -> None:
    assert Question(text).is_yes_no


@pytest.mark.parametrize(
    "text", ["what is leave", "candidates abroad", "How many?", "Wer darf das?"]
)
def test_what_yes_or_no_would_not_answer(text: str) -> None:
    assert not Question(text).is_yes_no


def test_names_and_figures_are_what_the_answer_must_be_about() -> None:
    question = Question("Did Xiaomi's SU7 lose money in Q2 2025, Berlin?")
    assert question.names == ["xiaomi", "berlin"]
    assert question.figures == ["su7", "q2", "2025"]
    assert Question("Where do I park?").names == []
