"""Questions in other languages than English are judged by their words."""

import re

import pytest

from rag.language.word_cover import (
    Language,
    cover,
    holds_value,
    language_of,
    without_function_words,
)

STORE = "仓库每天早上七点开门，晚上十点关门。"
LUNCH = "食堂的午餐价格是十二元。"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("仓库几点开门", "zh"),
        ("FastAPI 是什么？", "zh"),
        ("Was kostet die Prüfgebühr?", "de"),
        ("Wer liefert die Batterien?", "de"),
        ("Combien coûte la carte ?", "fr"),
        ("¿Cuánto cuesta la tarjeta?", "es"),
        ("What does 门 mean?", "en"),
        ("battery supplier", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("仓库几点开门", STORE),
        ("午餐多少钱？", LUNCH),
        ("Was kostet die Prüfgebühr?", "Die Prüfgebühr beträgt 18 Euro."),
        ("Wie viele Stellplätze hat der Hafen?", "Im Hafen gibt es 40 Stellplätze."),
        ("Quand ferme la bibliothèque ?", "La bibliothèque est fermée à 18 h."),
        ("¿Cuándo cierra la biblioteca?", "La biblioteca cierra a las 18."),
    ],
)
def test_all_words_of_a_question_are_in_its_answer(question: str, text: str) -> None:
    assert cover(question, text) == 1


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("晚餐多少钱？", LUNCH),
        ("停车场几点开门", STORE),
        ("Wie hoch ist die Miete?", "Die Prüfgebühr beträgt 18 Euro."),
        ("Combien coûte le repas ?", "La bibliothèque ferme à 18 h."),
    ],
)
def test_few_words_are_in_a_sentence_about_something_else(question: str, text: str) -> None:
    assert cover(question, text) < 0.5


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("午餐多少钱？", LUNCH, True),
        ("仓库多少钱？", STORE, False),
        ("仓库几点开门", STORE, True),
        ("食堂几点开门", LUNCH, False),
        ("谁负责仓库？", STORE, True),
        ("Was kostet der Kaffee?", "Der Kaffee wurde 1990 eingeführt.", False),
        ("Was kostet der Kaffee?", "Der Kaffee kostet 2 Euro.", True),
        ("Wann schließt der Hof?", "Der Hof schließt um 18 Uhr.", True),
        ("Wann schließt der Hof?", "Der Hof schließt bald.", False),
        ("Combien de salles y a-t-il ?", "Il y a trois salles.", True),
    ],
)
def test_a_value_that_is_asked_for_must_be_there(question: str, text: str, expected: bool) -> None:
    assert holds_value(question, text) is expected


@pytest.mark.parametrize(
    ("text", "language", "content"),
    [
        ("Wie viele Tage Urlaub habe ich?", "de", ["Tage", "Urlaub", "habe"]),
        ("Combien coûte la carte ?", "fr", ["carte"]),
        ("¿Cuándo abre la biblioteca?", "es", ["abre", "biblioteca"]),
        ("仓库几点开门", "zh", ["仓库", "开门"]),
    ],
)
def test_function_words_become_blanks(text: str, language: Language, content: list[str]) -> None:
    blanked = without_function_words(text, language)
    assert len(blanked) == len(text)
    assert re.findall(r"\w+", blanked) == content
