"""The language of short questions: five languages, as people type them and as pages head them."""

import json
from pathlib import Path

import pytest

from index.text.language import LANGUAGES, classify
from rag.language.word_cover import language_of

DATA = Path(__file__).parents[1] / "data"
QUESTIONS = [
    json.loads(line) for line in (DATA / "languages.jsonl").read_text("utf-8").splitlines()
]
"""40 a language, from the asked questions, XQuAD and the Open Source Guides (asked/NOTICE)."""
ENGLISH = ("handbook", "analytics", "policies", "minutes", "hosting", "meetings")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearly_all_short_questions_are_told(language: str) -> None:
    own = [row["question"] for row in QUESTIONS if row["language"] == language]
    assert len(own) == 40
    assert sum(language_of(question) == language for question in own) >= 39


def test_english_keywords_are_not_taken_for_another_language() -> None:
    texts = [
        json.loads(line)["question"]
        for name in ENGLISH
        for line in (DATA / "asked" / f"{name}.questions.jsonl").read_text("utf-8").splitlines()
    ]
    others = [text for text in texts if language_of(text) != "en"]
    assert len(others) <= 2, others


def test_a_classifier_of_these_languages_alone_is_never_sure_of_nothing() -> None:
    assert classify("")[1] == pytest.approx(1 / len(LANGUAGES))
