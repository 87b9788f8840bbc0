"""The verdict on a sentence: numbers, names, negation and words against the cited text."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.verify.support import check_support, support_score

BRIDGE = "The Sydney Harbour Bridge, which is 1,149 metres long, opened on 19 March 1932."


def test_without_a_citation_it_is_uncited() -> None:
    assert check_support(BRIDGE, []).status == "uncited"


@pytest.mark.parametrize(
    "sentence",
    [BRIDGE, "the sydney harbour bridge", "- **Opened** on 19 March 1932 [1].", "1,149 metres"],
)
def test_a_quote_of_the_cited_text_is_supported(sentence: str) -> None:
    assert check_support(sentence, [BRIDGE]).status == "supported"


@pytest.mark.parametrize(
    ("sentence", "cited"),
    [
        ("Walls are permitted, though gates are.", "Walls are permitted, though gates are not."),
        ("All birds can fly.", "Not all birds can fly."),
    ],
)
def test_a_quote_next_to_a_negator_is_not_supported(sentence: str, cited: str) -> None:
    assert check_support(sentence, [cited]).status == "unsupported"
    assert check_support(sentence, [f"{cited} {sentence}"]).status == "supported"


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The Sydney Harbour Bridge opened in 1933.", "the number 1933 is not in the cited text"),
        ("The Oslo Harbour Bridge opened in 1932.", "the name Oslo is not in the cited text"),
        ("The bridge did not open in March 1932.", "negation differs from the source"),
        ("Toll income paid for its steel.", "few of its words are in the cited text"),
    ],
)
def test_a_mismatch_is_unsupported_and_says_why(sentence: str, why: str) -> None:
    verdict = check_support(sentence, [BRIDGE])
    assert (verdict.status, verdict.why) == ("unsupported", why)


def test_another_wording_of_the_same_is_supported() -> None:
    sentence = "The bridge in Sydney is 1149 m long and was opened in 1932 [1][2]."
    assert check_support(sentence, [BRIDGE]).status == "supported"


def test_a_name_may_stand_in_the_context() -> None:
    sentence, cited = (
        "Curie won the prize in 1903.",
        ["She won the prize in 1903 with her husband."],
    )
    assert check_support(sentence, cited, context=["Marie Curie"]).status == "supported"
    assert check_support(
        "Meitner won the prize in 1903.", cited, context=["Marie Curie"]
    ).status != ("supported")


def test_the_score_is_higher_the_more_the_cited_text_says() -> None:
    sentence = "The bridge opened in 1932."
    other = "The opera house is near the bridge."
    assert support_score(sentence, [BRIDGE]) > support_score(sentence, [other]) > 0
    assert support_score(sentence, ["Cats sleep."]) < 0.1
    assert support_score(sentence, []) == 0


@pytest.mark.parametrize(
    "sentence",
    [
        "The passages do not say what it cost.",
        "They do not mention any cost.",
        "The documents only name the architect; they give no cost.",
        "No price is given in the provided text.",
        "In den angegebenen Abschnitten steht nichts zum Preis.",
        "Les extraits ne donnent pas le prix.",
        "Los documentos no indican el precio.",
        "文中没有说明价格。",
    ],
)
@pytest.mark.parametrize("cited", [[], [BRIDGE]])
def test_a_remark_on_the_sources_needs_no_support(sentence: str, cited: list[str]) -> None:
    assert check_support(sentence, cited).status == "remark"


@pytest.mark.parametrize(
    "sentence", ["The documents must not be shared.", "Die Brücke ist in Textform nicht erklärt."]
)
def test_a_claim_about_documents_is_no_remark(sentence: str) -> None:
    assert check_support(sentence, [BRIDGE]).status == "unsupported"


def test_a_claim_beside_a_remark_is_verified() -> None:
    remark = ", but the passages do not name the architect."
    assert check_support(f"It opened on 19 March 1932{remark}", [BRIDGE]).status == "supported"
    assert check_support(f"It opened on 20 March 1932{remark}", [BRIDGE]).status == "unsupported"


@given(st.text(), st.lists(st.text(), max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_text_has_a_verdict(sentence: str, cited: list[str]) -> None:
    assert 0 <= support_score(sentence, cited) <= 1
    verdict = check_support(sentence, cited)
    assert (verdict.status == "unsupported") == (verdict.why is not None)


@pytest.mark.parametrize("part", ["1,", "9", "a ", "not ", "A. ", "1.2.", "twenty ", "X1-", "1 "])
def test_a_very_long_text_has_a_verdict(part: str) -> None:
    assert check_support(part * 3000, [part * 2000 + "end"])


def test_the_benchmark_says_what_data_it_needs() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "measure" / "support_begin.py"
    assert "pass the folder of the BEGIN benchmark" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sentence",
    [
        "The documents only mention that 40 people were hurt.",
        "The passages do not say more than that Harald Brell was dismissed.",
    ],
)
def test_a_remark_with_a_fact_of_its_own_is_verified(sentence: str) -> None:
    cited = ["The mill burned down in 1999."]
    assert check_support(sentence, cited).status == "unsupported"
    assert check_support(sentence, []).status == "uncited"
    told = "Were 40 people hurt, and was Harald Brell dismissed?"
    assert check_support(sentence, cited, context=[told]).status == "remark"
