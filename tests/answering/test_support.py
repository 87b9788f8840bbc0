"""The verdict on a sentence: figures, names, denials and words against the cited text."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language.names import missing_name
from rag.language.negation import negation_differs
from rag.language.numbers import missing_number
from rag.verify.support import check_support, support_score

BRIDGE = "The Sydney Harbour Bridge, which is 1,149 metres long, opened on 19 March 1932."


@pytest.mark.parametrize(
    ("said", "cited"),
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
def test_a_figure_is_found_however_it_is_written(said: str, cited: str) -> None:
    assert missing_number(said, cited) is None


@pytest.mark.parametrize(
    ("said", "cited", "missing"),
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
def test_another_figure_is_missing(said: str, cited: str, missing: str) -> None:
    assert missing_number(said, cited) == missing


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("It is in Sydney.", "the sydney bridge"),
        ("She met Marie Curie’s sister.", "Curie, Marie, and her sister"),
        ("An Italian town.", "a town in Italy"),
        ("A French town.", "a town in France"),
        ("It was NASA.", "the National Aeronautics and Space Administration"),
        ("Researchers found it.", "scientists found it"),
        ("However, it is.", "it is"),
        ("Der Hund und die Katze schlafen im Garten.", "ein Tier"),
    ],
)
def test_a_name_is_found_however_it_is_written(said: str, known: str) -> None:
    assert missing_name(said, [known]) is None


@pytest.mark.parametrize(
    ("said", "known", "missing"),
    [
        ("It is in Oslo.", "the bridge in Sydney", "Oslo"),
        ("Oslo is the capital.", "Paris is the capital", "Oslo"),
        ("Angela Smith wrote it.", "Angela Jones wrote it", "Smith"),
        ("He flew an F-16.", "he flew an F-15", "F-16"),
        ("It was NASA.", "the European Space Agency", "NASA"),
    ],
)
def test_another_name_is_missing(said: str, known: str, missing: str) -> None:
    assert missing_name(said, [known]) == missing


@pytest.mark.parametrize(
    ("said", "cited"),
    [
        ("The bridge did not open in 1932.", "The bridge opened in 1932."),
        ("The bridge opened in 1932.", "The bridge did not open in 1932."),
        ("There is a rule against women.", "There is no rule against women."),
        ("It can swim.", "It cannot swim, it is said."),
        ("They aren't allowed in the hall.", "They are allowed in the hall, which has no roof."),
        ("It was stable and toxic.", "It was stable and not toxic."),
        ("There would be a limit to it.", "Later on, there would be no limit to it."),
        ("They never have arisen.", "They have arisen."),
        (
            "It is open; the rest of what was planned is built.",
            "It is not open; the rest of what was planned is built.",
        ),
    ],
)
def test_a_denial_on_one_side_is_seen(said: str, cited: str) -> None:
    assert negation_differs(said, [cited])


@pytest.mark.parametrize(
    ("said", "cited"),
    [
        ("The bridge did not open.", "The bridge didn’t open in 1932."),
        ("It opened in 1932.", "It did not open until 1932."),
        ("Bob is the capital's mayor.", "Al is not a mayor. Bob is the mayor of the capital."),
        ("The bird can't fly.", "The bird is unable to fly."),
        ("It is long and wide.", "It is not only long but also wide."),
        ("See No. 5.", "See number 5."),
        ("It was used in war.", "It was not used in peace. It was used in war."),
    ],
)
def test_agreement_is_no_denial(said: str, cited: str) -> None:
    assert not negation_differs(said, [cited])


def test_without_a_citation_it_is_uncited() -> None:
    assert check_support(BRIDGE, []).status == "uncited"


@pytest.mark.parametrize(
    "said",
    [BRIDGE, "the sydney harbour bridge", "- **Opened** on 19 March 1932 [1].", "1,149 metres"],
)
def test_what_stands_in_the_cited_text_is_supported(said: str) -> None:
    assert check_support(said, [BRIDGE]).status == "supported"


@pytest.mark.parametrize(
    ("said", "cited"),
    [
        ("Walls are permitted, though gates are.", "Walls are permitted, though gates are not."),
        ("All birds can fly.", "Not all birds can fly."),
    ],
)
def test_what_stands_beside_a_denial_is_not_what_was_said(said: str, cited: str) -> None:
    assert check_support(said, [cited]).status == "unsupported"
    assert check_support(said, [f"{cited} {said}"]).status == "supported"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("The Sydney Harbour Bridge opened in 1933.", "the number 1933 is not in the cited text"),
        ("The Oslo Harbour Bridge opened in 1932.", "the name Oslo is not in the cited text"),
        ("The bridge did not open in March 1932.", "negation differs from the source"),
        ("Toll income paid for its steel.", "few of its words are in the cited text"),
    ],
)
def test_a_mismatch_is_unsupported_and_says_why(said: str, why: str) -> None:
    verdict = check_support(said, [BRIDGE])
    assert (verdict.status, verdict.why) == ("unsupported", why)


def test_another_wording_of_the_same_is_supported() -> None:
    said = "The bridge in Sydney is 1149 m long and was opened in 1932 [1][2]."
    assert check_support(said, [BRIDGE]).status == "supported"


def test_a_name_may_stand_in_the_context() -> None:
    said, cited = "Curie won the prize in 1903.", ["She won the prize in 1903 with her husband."]
    assert check_support(said, cited, context=["Marie Curie"]).status == "supported"
    assert check_support(
        "Meitner won the prize in 1903.", cited, context=["Marie Curie"]
    ).status != ("supported")


def test_the_score_is_higher_the_more_the_cited_text_says() -> None:
    said = "The bridge opened in 1932."
    other = "The opera house is near the bridge."
    assert support_score(said, [BRIDGE]) > support_score(said, [other]) > 0
    assert support_score(said, ["Cats sleep."]) == 0


def test_an_idf_weighs_the_words() -> None:
    said, cited = "The bridge opened grandly.", ["A bridge."]
    rare = support_score(said, cited, idf=lambda term: 9.0 if term == "bridg" else 1.0)
    assert rare > support_score(said, cited)


@given(st.text(), st.lists(st.text(), max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_text_is_judged(said: str, cited: list[str]) -> None:
    assert 0 <= support_score(said, cited) <= 1
    verdict = check_support(said, cited)
    assert (verdict.status == "unsupported") == (verdict.why is not None)


@given(st.text(alphabet="0123456789.,½$%km- ", max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_figures_stand_in_their_own_text(text: str) -> None:
    assert missing_number(text, text) is None


@pytest.mark.parametrize("part", ["1,", "9", "a ", "not ", "A. ", "1.2.", "twenty ", "X1-", "1 "])
def test_a_flood_is_judged(part: str) -> None:
    assert check_support(part * 3000, [part * 2000 + "end"])


def test_the_benchmark_says_where_it_looks() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "measure" / "support_begin.py"
    assert "not part\nof the repository" in script.read_text(encoding="utf-8")
