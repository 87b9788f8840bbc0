"""Numbers and dates: how they are read, and which one a cited text lacks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language.numbers import find_numbers, is_consistent, missing_number


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1.2 million", {1.2e6}),
        ("1 200 000", {1.2e6}),
        ("1.200", {1.2, 1200.0}),
        ("twenty-five thousand", {25_000.0}),
        ("2½", {2.5}),
        ("half", {0.5, 50.0}),
        ("19th century", {1800.0}),
        ("1.2.3", set()),
    ],
)
def test_a_number_has_every_value_that_it_may_be_read_as(text: str, values: set[float]) -> None:
    (number,) = find_numbers(text)
    assert number.values == values


def test_a_number_knows_its_unit_and_what_it_counts() -> None:
    distance, people, price, plane = find_numbers("5 km for 12 visitors at $3 by F-16")
    assert distance.unit == ("m", 1000.0)
    assert (people.unit, people.counted) == (None, "visitor")
    assert price.unit == ("$", 1.0)
    assert (distance.is_in_name, plane.is_in_name) == (False, True)


@pytest.mark.parametrize(
    ("rounded", "exact"), [("about 1.2 million", "1,234,567"), ("the 1990s", "1995")]
)
def test_a_rounded_number_may_be_a_more_exact_one_but_not_the_reverse(
    rounded: str, exact: str
) -> None:
    (less,), (more,) = find_numbers(rounded), find_numbers(exact)
    assert is_consistent(less, more)
    assert not is_consistent(more, less)


@pytest.mark.parametrize(
    ("sentence", "cited"),
    [
        ("1.2 million people", "1,200,000 people"),
        ("1 200 000 people", "1.2 million people"),
        ("about 1.2 million", "1,234,567"),
        ("over 30 countries", "32 countries"),
        ("40%", "40 percent"),
        ("40 per cent", "forty percent"),
        ("50%", "half of them"),
        ("$5m", "$5 million"),
        ("3.5 billion dollars", "$3.5bn"),
        ("5M users", "5 million users"),
        ("5 km", "5,000 m"),
        ("24 hours", "1 day"),
        ("two hundred and fifty", "250"),
        ("twenty-five years", "25 years"),
        ("twelve", "a dozen"),
        ("2 children", "both children"),
        ("three bridges", "a bridge, a ferry and a dam"),
        ("1.200", "1,200"),
        ("3,5", "3.5"),
        ("2½ cups", "2.5 cups"),
        ("in the 1990s", "in 1995"),
        ("mid-1990s", "1994"),
        ("the 19th century", "in 1850"),
        ("in 1918", "1914–18"),
        ("4 July 1776", "July 4, 1776"),
        ("4 July 1776", "1776-07-04"),
        ("nineteenth", "19th"),
        ("May I ask", "certainly"),
        ("version 1.2.3", "version 1.2.3 is out"),
        ("no figures", ""),
    ],
)
def test_a_number_is_found_however_it_is_written(sentence: str, cited: str) -> None:
    assert missing_number(sentence, cited) is None


@pytest.mark.parametrize(
    ("sentence", "cited", "missing"),
    [
        ("42 people", "43 people", "42"),
        ("40%", "50%", "40"),
        ("5 km", "5 miles", "5"),
        ("5 years", "5 months", "5"),
        ("$5", "€5", "5"),
        ("1,234", "1,243", "1,234"),
        ("1.3 million", "1,234,567", "1.3 million"),
        ("about 5", "7", "5"),
        ("thirty", "40", "thirty"),
        ("three bridges", "four bridges", "three"),
        ("7th", "8th", "7th"),
        ("in the 1990s", "in 1985", "1990s"),
        ("Windows 1", "a new Windows 8", "1"),
        ("on 3 May", "on 3 June", "May"),
        ("in April", "in the spring", "April"),
        ("version 1.2.3", "version 1.2.4", "1.2.3"),
    ],
)
def test_a_different_number_is_missing(sentence: str, cited: str, missing: str) -> None:
    assert missing_number(sentence, cited) == missing


@given(st.text(alphabet="0123456789.,½$%km- ", max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_text_lacks_its_own_numbers(text: str) -> None:
    assert missing_number(text, text) is None
