"""The bundled articles and the gold questions about them hold together."""

import json
import re
import string
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "seeds"
GOLD = ROOT / "tests" / "data" / "seeds.jsonl"

ARTICLES = {
    path.relative_to(SEEDS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(SEEDS.rglob("*"))
    if path.is_file()
}
CASES = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
ANSWERABLE = [case for case in CASES if case["answerable"]]
UNANSWERABLE = [case for case in CASES if not case["answerable"]]

each_answerable = pytest.mark.parametrize("case", ANSWERABLE, ids=lambda case: case["id"])


def squad_words(text: str) -> str:
    """Lowercase, without punctuation and articles, single-spaced and padded for whole words."""
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    words = re.sub(r"\b(a|an|the)\b", " ", bare).split()
    return f" {' '.join(words)} "


def test_there_are_five_articles_in_both_formats():
    assert len(ARTICLES) == 5
    assert {Path(name).suffix for name in ARTICLES} == {".md", ".txt"}


def test_no_gold_file_lies_among_the_articles():
    assert GOLD.is_file()
    assert not GOLD.is_relative_to(SEEDS)
    questions = [case["question"] for case in CASES]
    assert not [
        name for name, text in ARTICLES.items() if any(question in text for question in questions)
    ]


@pytest.mark.parametrize("name", ARTICLES)
def test_an_article_has_300_to_600_words(name):
    assert 300 <= len(ARTICLES[name].split()) <= 600


@pytest.mark.parametrize("name", ARTICLES)
def test_markdown_has_a_title_and_sections_and_plain_text_has_none(name):
    levels = re.findall(r"^(#+) ", ARTICLES[name], flags=re.MULTILINE)
    if name.endswith(".md"):
        assert levels[0] == "#"
        assert levels.count("#") == 1
        assert levels.count("##") >= 2
    else:
        assert not levels
        assert all(line.strip() for line in ARTICLES[name].splitlines())


def test_there_are_enough_questions_of_every_kind():
    assert len(CASES) >= 30
    assert len(UNANSWERABLE) >= 8
    assert sum("history" in case for case in CASES) >= 3
    tags = Counter(tag for case in CASES for tag in case["tags"])
    for tag in ("multi-source", "paraphrase", "why", "number", "fact", "follow-up", "off-topic"):
        assert tags[tag] >= 3, tag


def test_ids_and_questions_are_unique():
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert len({case["question"] for case in CASES}) == len(CASES)


def test_every_article_is_asked_about():
    assert {item["source"] for case in ANSWERABLE for item in case["evidence"]} == set(ARTICLES)


def test_an_unanswerable_question_has_no_answers_and_no_evidence():
    assert [case["id"] for case in UNANSWERABLE if case["answers"] or case["evidence"]] == []
    assert all("unanswerable" in case["tags"] for case in UNANSWERABLE)


def test_a_question_is_tagged_multi_source_exactly_when_it_has_several_sources():
    for case in CASES:
        several = len({item["source"] for item in case["evidence"]}) > 1
        assert several == ("multi-source" in case["tags"]), case["id"]


def test_a_question_is_tagged_follow_up_exactly_when_it_has_a_history():
    for case in CASES:
        roles = [turn["role"] for turn in case.get("history", [])]
        assert bool(roles) == ("follow-up" in case["tags"]), case["id"]
        assert roles == ["user", "assistant"] * (len(roles) // 2), case["id"]


@each_answerable
def test_every_evidence_quote_stands_verbatim_in_one_line_of_its_article(case):
    assert case["evidence"]
    for item in case["evidence"]:
        lines = ARTICLES[item["source"]].splitlines()
        assert sum(item["quote"] in line for line in lines) == 1, item


@each_answerable
def test_every_answer_stands_in_an_evidence_quote(case):
    assert case["answers"]
    quotes = [squad_words(item["quote"]) for item in case["evidence"]]
    for answer in case["answers"]:
        assert squad_words(answer).strip(), answer
        assert any(squad_words(answer) in quote for quote in quotes), answer
