"""Negation: whether a sentence and the cited text differ in it."""

import pytest

from rag.language.negation import negation_differs


@pytest.mark.parametrize(
    ("sentence", "cited"),
    [
        ("The bridge did not open in 1932.", "The bridge opened in 1932."),
        ("The bridge opened in 1932.", "The bridge did not open in 1932."),
        ("There is a rule against women.", "There is no rule against women."),
        ("It can swim.", "It cannot swim, it is sentence."),
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
def test_a_negation_on_one_side_differs(sentence: str, cited: str) -> None:
    assert negation_differs(sentence, [cited])


@pytest.mark.parametrize(
    ("sentence", "cited"),
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
def test_the_same_statement_does_not_differ(sentence: str, cited: str) -> None:
    assert not negation_differs(sentence, [cited])


def test_one_of_several_cited_texts_may_have_the_negation() -> None:
    cited = ["The bridge opened in 1932.", "It has never carried trams."]
    assert not negation_differs("The bridge never carried trams.", cited)
    assert negation_differs("The bridge has carried trams.", cited)


def test_other_languages_have_no_negation() -> None:
    assert not negation_differs("Die Brücke ist offen.", ["Die Brücke ist nicht offen."])
