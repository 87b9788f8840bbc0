"""Questions suggested with a refusal: made from the passages near it."""

from dataclasses import replace

import pytest

from index.types import Chunk, Source
from rag.replies.suggestions import MAX_CHARS, suggested_questions
from rag.types import Hit, ScoredUnit, Scores


def hit(heading: str, *texts: str, score: float = 0.8) -> Hit:
    units, at = [], 0
    for text in texts:
        units.append(ScoredUnit(at, at + len(text), text, score, score))
        at += len(text) + 1
    chunk = Chunk(0, "c", "s", 0, at, tuple((u.start, u.end) for u in units), heading=heading)
    source = Source("s", "a.md", "Handbook", "0" * 64, at, 0, at)
    return Hit(1, chunk, source, " ".join(texts), score, Scores(score, score, score), tuple(units))


@pytest.mark.parametrize(
    ("heading", "text", "question"),
    [
        ("FAQ › May I work abroad?", "Yes, for 20 days a year.", "May I work abroad?"),
        ("Travel › Book a flight", "Use the portal.", "How do I book a flight?"),
        ("2.1 Request time off", "Use the portal.", "How do I request time off?"),
        ("", "Ada Byron is the director of the mill.", "Who is Ada Byron?"),
        ("", "The YU7 is an SUV of medium size.", "What is YU7?"),
        ("Parental leave", "It lasts 16 weeks.", "What is said about “Parental leave”?"),
        ("Elternzeit", "Sie dauert 16 Wochen und ist bezahlt.", "Was steht da über „Elternzeit“?"),
        ("育儿假", "育儿假为十六周，全薪。", "关于“育儿假”有什么内容？"),
    ],
)
def test_a_passage_suggests_a_question(heading: str, text: str, question: str) -> None:
    assert [one.question for one in suggested_questions([hit(heading, text)])] == [question]


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("Europe, but not yet", "This is a car."),
        ("", "There is a car in it."),
        ("", "It was the year of the car."),
        ("A" * MAX_CHARS, "Cars are fast."),
    ],
)
def test_what_makes_no_question(heading: str, text: str) -> None:
    assert list(suggested_questions([hit(heading, text)])) == []


def test_a_passage_about_something_else_suggests_nothing() -> None:
    assert not list(suggested_questions([hit("Parental leave", "It lasts.", score=0.1)]))


def test_a_question_is_suggested_once() -> None:
    one = hit("Parental leave", "It lasts 16 weeks.")
    assert len(list(suggested_questions([one, replace(one, rank=2)]))) == 1
