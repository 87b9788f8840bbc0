"""Questions about a time, and sources by their dates."""

from datetime import date

import pytest

from rag.language.recency import LATEST, as_of, newest_first


@pytest.mark.parametrize(
    "question",
    [
        "What is the current allowance?",
        "What is the latest version?",
        "How much is it now?",
        "Was gilt derzeit?",
        "Quel est le tarif actuel ?",
        "¿Cuál es la tarifa vigente?",
        "目前的价格是多少？",
    ],
)
def test_the_latest_state_is_asked_for(question: str) -> None:
    assert as_of(question) == LATEST


def test_a_year_is_the_state_at_its_end() -> None:
    assert as_of("What was the allowance in 2023?") == date(2023, 12, 31)
    assert as_of("2023年的价格是多少？") == date(2023, 12, 31)


@pytest.mark.parametrize(
    "question", ["What is the allowance?", "Compare 2022 and 2023.", "Room 2023-4?", "The XR-2023"]
)
def test_no_time_is_asked_for(question: str) -> None:
    assert as_of(question) is None


def test_the_newest_comes_first_and_what_has_no_date_last() -> None:
    dated = [("2023-01-05", "a"), (None, "b"), ("2025-07-01", "c"), ("2024", "d")]
    assert newest_first(dated) == ["c", "d", "a", "b"]


def test_what_is_dated_after_the_time_asked_for_comes_behind() -> None:
    dated = [("2025-07-01", "new"), ("2023-01-05", "old"), ("2022-05", "older")]
    assert newest_first(dated, date(2023, 12, 31)) == ["old", "older", "new"]
