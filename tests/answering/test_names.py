"""Names: which one the other texts lack, whatever form it has there."""

import pytest

from rag.language.names import missing_name


@pytest.mark.parametrize(
    ("sentence", "text"),
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
def test_a_name_is_found_however_it_is_written(sentence: str, text: str) -> None:
    assert missing_name(sentence, [text]) is None


@pytest.mark.parametrize(
    ("sentence", "text", "missing"),
    [
        ("It is in Oslo.", "the bridge in Sydney", "Oslo"),
        ("Oslo is the capital.", "Paris is the capital", "Oslo"),
        ("Angela Smith wrote it.", "Angela Jones wrote it", "Smith"),
        ("He flew an F-16.", "he flew an F-15", "F-16"),
        ("It was NASA.", "the European Space Agency", "NASA"),
    ],
)
def test_another_name_is_missing(sentence: str, text: str, missing: str) -> None:
    assert missing_name(sentence, [text]) == missing


def test_a_name_may_occur_in_any_of_the_texts() -> None:
    assert (
        missing_name("Curie worked in Paris.", ["She was Marie Curie.", "a lab in Paris"]) is None
    )
    assert missing_name("Curie worked in Paris.", ["She was Marie Curie."]) == "Paris"


@pytest.mark.parametrize("word", ["b12", "PS5", "x1849"])
def test_a_short_word_with_digits_is_a_name(word: str) -> None:
    assert missing_name(f"It contains {word} too.", ["it contains iron"]) == word
