"""Follow-up questions in the languages of the interface get what they leave out."""

from collections import Counter

import pytest

from rag.retrieval.condense_rules import condense_by_rules
from rag.types import Turn
from tests.support.follow_ups import FollowUpCase, read_follow_ups

CASES = [case for case in read_follow_ups() if case.act is None]
HELD_OUT = [case for case in CASES if case.part == "b"]


def ask(question: str, *before: str) -> str:
    turns = [Turn("user" if n % 2 == 0 else "assistant", text) for n, text in enumerate(before)]
    return condense_by_rules(question, turns)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.part == "a"], ids=lambda case: case.id
)
def test_a_follow_up_gets_what_it_leaves_out(case: FollowUpCase) -> None:
    standalone = condense_by_rules(case.question, case.history)
    assert case.is_met_by(standalone), standalone


def test_most_follow_ups_that_no_rule_was_written_for_get_what_they_leave_out() -> None:
    met = [case.is_met_by(condense_by_rules(case.question, case.history)) for case in HELD_OUT]
    assert sum(met) >= 23, Counter(zip((case.id for case in HELD_OUT), met, strict=True))
    assert len(met) == 25


RANGE = ("How much range does the SU7 have?", "700 km. [1]")
LEAVE = ("How many days of leave are there in France?", "25. [1]")


@pytest.mark.parametrize(
    ("before", "question", "standalone"),
    [
        (RANGE, "and the YU7?", "How much range does the YU7 have?"),
        (RANGE, "what about the Model 3?", "How much range does the Model 3 have?"),
        (RANGE, "und beim YU7?", "How much range does the YU7 have?"),
        (RANGE, "And in 2024?", "How much range does the SU7 have in 2024?"),
        (LEAVE, "In Spain?", "How many days of leave are there in Spain?"),
        (LEAVE, "and sick leave?", "How many days of sick leave are there in France?"),
        (
            (*LEAVE, "And in Spain?", "26. [1]"),
            "and for part-timers?",
            "How many days of leave are there in Spain for part-timers?",
        ),
        (
            ("How many cars were sold in Q2 2025?", "81,302."),
            "and in Q1?",
            "How many cars were sold in Q1 2025?",
        ),
        (
            ("What is the notice period during probation?", "Two weeks."),
            "and after probation?",
            "What is the notice period after probation?",
        ),
        (
            ("What is the YU7?", "An SUV.", "How fast is it?", "253 km/h."),
            "and the SU7?",
            "How fast is the SU7?",
        ),
        (
            ("What is a guest editor allowed to do?", "To edit."),
            "and the guest viewer?",
            "What is the guest viewer allowed to do?",
        ),
        (("Was kostet die Prüfung?", "20 €."), "und der Versand?", "Was kostet der Versand?"),
        (("谁生产SU7的电池？", "宁德时代。"), "那YU7的呢？", "谁生产YU7的电池？"),
    ],
)
def test_the_question_before_is_carried_over(
    before: tuple[str, ...], question: str, standalone: str
) -> None:
    assert ask(question, *before) == standalone


@pytest.mark.parametrize("question", ["and its price?", "what about Europe?", "And how many?"])
def test_what_has_no_place_in_the_question_before_gets_its_subject(question: str) -> None:
    standalone = ask(question, *RANGE)
    assert standalone.startswith(question)
    assert "SU7" in standalone


def test_a_short_label_gets_the_name_that_was_asked_about() -> None:
    assert ask("Top speed?", *RANGE) == "Top speed? (SU7)"


@pytest.mark.parametrize(
    "question",
    [
        "YU7?",
        "Who is Lei Jun?",
        "In what year was Xiaomi founded?",
        "In Spanien gilt was für Boote?",
    ],
)
def test_a_question_with_a_name_of_its_own_stands_alone(question: str) -> None:
    assert ask(question, *RANGE) == question


def test_in_a_follow_up_only_the_pronoun_is_replaced() -> None:
    standalone = ask("And in a pan?", "how long does rice boil?", "20 min.", "is it soft then?")
    assert "rice" in standalone
