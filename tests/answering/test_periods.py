import pytest

from rag.language.periods import MAX_CHARS, period_forms, with_periods


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        (
            "How many cars were sold in Q2 2025?",
            "How many cars were sold in Q2 2025? (second quarter; April to June)",
        ),
        ("revenue 3Q", "revenue 3Q (Q3; third quarter; July to September)"),
        (
            "What was sold in the second half?",
            "What was sold in the second half? (H2; last six months; July to December)",
        ),
        (
            "Wie hoch war der Umsatz im Q1?",
            "Wie hoch war der Umsatz im Q1? (erste Quartal; Januar bis März)",
        ),
        ("第二季度的收入是多少？", "第二季度的收入是多少？ (Q2; 4月至6月)"),
        ("What is in the SQ2 or the Q2-5?", "What is in the SQ2 or the Q2-5?"),
        ("How many people are there?", "How many people are there?"),
    ],
)
def test_a_period_is_searched_for_by_all_its_names(question: str, searched: str) -> None:
    assert with_periods(question) == searched


def test_a_long_question_says_enough() -> None:
    question = "What was the revenue of Q2? " * MAX_CHARS
    assert with_periods(question) == question


def test_the_forms_of_a_word() -> None:
    assert {"q2", "second quarter", "avril à juin"} <= set(period_forms("Q2"))
    assert period_forms("2025") == ("2025",)
