"""Terms of texts and questions."""

import pytest

from index.text.analyzer import content_terms, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lighthouses WERE lit", ["lighthous", "were", "light"]),
        ("Café crème", ["cafe", "creme"]),
        ("東京タワー", list("東京タワー")),
        ("built in 1871", ["build", "in", "1871"]),
        ("a\u200bb\u202ec", ["a", "b", "c"]),
        ("x" * 41, []),
    ],
)
def test_terms_are_folded_stemmed_and_lemmatized(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_content_terms_omit_stop_words_and_repeats() -> None:
    assert content_terms(terms("the lamp of the lamp")) == ["lamp"]
