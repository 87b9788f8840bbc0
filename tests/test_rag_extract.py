import pytest

from rag.expect import Kind, expected_kind, holds
from rag.extract import is_fragment


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many cars were sold?", "number"),
        ("What is the yearly capacity of BAIC?", "number"),
        ("When was it founded?", "date"),
        ("In which year did Xiaomi first appear?", "date"),
        ("Who makes it?", "person"),
        ("Where is it sold?", "place"),
        ("Why does Xiaomi make chips?", "reason"),
        ("What is the Xring O1?", "open"),
    ],
)
def test_a_question_tells_what_kind_of_answer_it_wants(question: str, kind: Kind) -> None:
    assert expected_kind(question) == kind


def test_a_figure_of_the_question_is_no_answer() -> None:
    question = "How many orders came in 18 hours?"
    assert not holds("number", "Orders came in within 18 hours.", question)
    assert holds("number", "240,000 orders came in within 18 hours.", question)


def test_a_date_is_found_as_a_year_or_a_month() -> None:
    assert holds("date", "It began in 2010.", "When did it begin?")
    assert not holds("date", "It began long ago with 5 people.", "When did it begin?")


@pytest.mark.parametrize(
    "text", ["Also read", "## A heading", "What is the limit for Xiaomi?", "See these articles:"]
)
def test_headings_questions_and_scraps_are_fragments(text: str) -> None:
    assert is_fragment(text)


def test_a_long_line_without_a_full_stop_is_a_statement() -> None:
    assert not is_fragment("For this reason Lei Jun said that Xiaomi is looking at Europe")
