"""The answer type of a question, and whether a sentence contains it."""

import pytest

from rag.language.answer_type import (
    AnswerType,
    contains_answer_type,
    expected_answer_type,
    is_statement,
)


@pytest.mark.parametrize(
    ("question", "answer_type"),
    [
        ("How many cars were sold?", "number"),
        ("What is the yearly capacity of BAIC?", "measure"),
        ("What share of the market does CATL hold?", "measure"),
        ("When was it founded?", "date"),
        ("In which year did Xiaomi first appear?", "date"),
        ("Who makes it?", "person"),
        ("Where is it sold?", "place"),
        ("Why does Xiaomi make chips?", "reason"),
        ("What is the Xring O1?", "open"),
    ],
)
def test_a_question_has_an_answer_type(question: str, answer_type: AnswerType) -> None:
    assert expected_answer_type(question) == answer_type


@pytest.mark.parametrize(
    "text",
    [
        "Statins increase blood cholesterol.",
        "Patients who sleep less when they travel are ill more often.",
        "The opening of the chain bridge",
        "Naming the plant took how long it took to build it.",
    ],
)
def test_a_claim_or_a_title_is_a_statement_of_open_type(text: str) -> None:
    assert is_statement(text)
    assert expected_answer_type(text) == "open"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        "lighthouse keeper 1849",
        "opening of the bridge",
        "who kept the lighthouse of the town",
        "And in which year was it lit",
        "The tower has how many steps",
        "It was lit in what year",
        "It was lit, but when was it put out?",
        "Please tell me about the keeper of the lighthouse.",
        "I want to know who kept the lighthouse.",
        "What’s the height of the tower.",
    ],
)
def test_a_question_a_request_or_keywords_are_no_statement(text: str) -> None:
    assert not is_statement(text)


def test_a_number_of_the_question_is_no_answer() -> None:
    question = "How many orders came in 18 hours?"
    assert not contains_answer_type("number", "Orders came in within 18 hours.", question)
    assert contains_answer_type("number", "240,000 orders came in within 18 hours.", question)


def test_a_measure_is_written_in_digits_or_round_words() -> None:
    question = "What is the horsepower of the car?"
    assert not contains_answer_type("measure", "It is one of the five fastest cars.", question)
    assert contains_answer_type("measure", "It has 673 horsepower.", question)
    assert contains_answer_type("measure", "It has half the power of a tram.", question)
    assert contains_answer_type("number", "It has five doors.", "How many doors does it have?")


def test_a_date_is_found_as_a_year_or_a_month() -> None:
    assert contains_answer_type("date", "It began in 2010.", "When did it begin?")
    assert not contains_answer_type(
        "date", "It began long ago with 5 people.", "When did it begin?"
    )


def test_a_person_is_a_name_that_the_question_does_not_have() -> None:
    question = "Who founded Xiaomi?"
    assert contains_answer_type("person", "Lei Jun founded Xiaomi.", question)
    assert not contains_answer_type("person", "Xiaomi was founded long ago.", question)


def test_a_place_is_not_the_first_name_of_a_sentence() -> None:
    assert contains_answer_type("place", "The plant is in Beijing.", "Where is it?")
    assert not contains_answer_type("place", "Plants are there.", "Where is it?")


def test_a_reason_has_a_word_for_one() -> None:
    assert contains_answer_type("reason", "It closed because of snow.", "Why did it close?")
    assert not contains_answer_type("reason", "It closed yesterday.", "Why did it close?")


def test_any_sentence_may_answer_an_open_question() -> None:
    assert contains_answer_type("open", "", "What is it?")
