import pytest

from rag.followup import stand_alone
from rag.types import Turn


def asked(*questions: str) -> list[Turn]:
    turns = []
    for question in questions:
        turns += [Turn("user", question), Turn("assistant", "An answer.")]
    return turns


@pytest.mark.parametrize(
    "question",
    [
        "Who supplies them?",
        "And how many orders did it get?",
        "Why?",
        "What about Europe?",
    ],
)
def test_a_question_that_leans_gets_the_subject_of_the_last(question: str) -> None:
    alone = stand_alone(question, asked("Does Xiaomi make the batteries of the SU7 itself?"))
    assert alone.startswith(question)
    assert "batteries of the SU7" in alone


def test_a_question_that_stands_alone_is_left_as_it_is() -> None:
    question = "What is the capacity of BAIC Group?"
    assert stand_alone(question, asked("Who makes the SU7?")) == question


def test_without_history_nothing_is_added() -> None:
    assert stand_alone("Who supplies them?", []) == "Who supplies them?"


def test_a_subject_is_carried_over_a_question_that_leaned_itself() -> None:
    alone = stand_alone("And who sells it?", asked("What is the YU7?", "How fast is it?"))
    assert "YU7" in alone
