"""The question set of tests/data/asked: its rows are cases, whole and within their size."""

from collections import Counter

import pytest

from rag.evaluation.cases import read_cases
from tests.benchmarks.asked import ASKED, collections, rows

LABELS = {"supported", "unsupported", "remark"}


@pytest.mark.parametrize("name", collections())
def test_questions_are_cases_with_evidence(name: str) -> None:
    cases, problems = read_cases(ASKED / f"{name}.questions.jsonl")
    assert not problems
    assert len({case.id for case in cases}) == len(cases)
    assert all(case.evidence for case in cases if case.answerable)
    assert sum(not case.answerable for case in cases) >= 40
    for row in rows("questions", name):
        assert bool(row["answers"] or row["all_of"]) == row["answerable"]


@pytest.mark.parametrize("name", collections())
def test_statements_have_a_label_and_one_fault_if_it_is_unsupported(name: str) -> None:
    for row in rows("statements", name):
        assert row["label"] in LABELS
        assert bool(row["fault"]) == (row["label"] == "unsupported")
        assert all(one["source"] and one["from"] and one["to"] for one in row["evidence"])


def test_the_parts_are_of_different_collections_and_sizes_are_as_stated() -> None:
    assert Counter(one["part"] for one in collections().values()) == {
        "fit": 4,
        "validate": 2,
        "test": 3,
    }
    questions = [row for name in collections() for row in rows("questions", name)]
    stated = (ASKED / "README.md").read_text("utf-8")
    answerable = sum(row["answerable"] for row in questions)
    assert f"{len(questions):,} questions ({answerable:,} answerable" in stated
    assert sum(path.stat().st_size for path in ASKED.iterdir()) < 2 << 20
    sources = [source for one in collections().values() for source in one["sources"]]
    notice = (ASKED / "NOTICE").read_text("utf-8")
    assert all(source["commit"] in notice and source["licence"] in notice for source in sources)
