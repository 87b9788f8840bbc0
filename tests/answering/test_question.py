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


@pytest.mark.parametrize(
    "text", ["how do i reset it", "how to apply", "wie kann ich das", "如何申请"]
)
def test_how_something_is_done(text: str) -> None:
    assert Question(text).is_how_to


@pytest.mark.parametrize("text", ["how many days", "how long is it", "what to do", "who does it"])
def test_how_much_is_not_how_it_is_done(text: str) -> None:
    assert not Question(text).is_how_to


def test_what_is_counted_are_the_words_after_how_many() -> None:
    assert Question("how many vacation days do I get").counted == {"vacat", "day"}
    assert Question("how often").counted == frozenset()
    assert Question("wie viele Tage").counted


def test_names_and_figures_are_what_the_answer_must_be_about() -> None:
    question = Question("Did Xiaomi's SU7 lose money in Q2 2025, Berlin?")
    assert question.names == ["xiaomi", "berlin"]
    assert question.figures == ["su7", "q2", "2025"]
    assert Question("Where do I park?").names == []
