"""Case files are read whole or refused by line number."""

import json
from pathlib import Path

import pytest

from rag.evaluation.cases import as_line, fingerprint, parse, read_cases
from rag.evaluation.errors import CasesMalformed

GOOD = {
    "id": "a",
    "question": "What is it?",
    "answers": ["a lake"],
    "evidence": [{"source": "lake.txt", "quote": "It is a lake."}],
    "answerable": True,
    "tags": ["fact"],
}


def lines(*objects: object) -> str:
    return "\n".join(o if isinstance(o, str) else json.dumps(o) for o in objects)


def test_the_bundled_cases_are_all_read() -> None:
    path = Path(__file__).parents[1] / "data" / "seeds.jsonl"
    cases, left_out = read_cases(path)
    assert len(cases) == len(path.read_text("utf-8").splitlines())
    assert left_out == []


def test_unknown_keys_are_kept() -> None:
    (case,), _ = parse(lines({**GOOD, "article": "Lake", "level": 3}))
    assert as_line(case)["article"] == "Lake"
    assert as_line(case)["level"] == 3


def test_a_case_survives_being_written_and_read() -> None:
    full = {
        **GOOD,
        "history": [{"role": "user", "content": "Hm?"}],
        "rubric": "Names the lake.",
        "group": "lakes",
    }
    (case,), _ = parse(lines(full))
    assert as_line(case) == full
    assert parse(lines(as_line(case)))[0] == [case]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "is not JSON"),
        ({**GOOD, "id": ""}, "id must be"),
        ({**GOOD, "id": 5}, "id must be"),
        ({**GOOD, "question": None}, "question must be"),
        ({**GOOD, "answers": "a lake"}, "answers must be a list"),
        ({**GOOD, "answers": [5]}, "each of answers"),
        ({**GOOD, "answers": [], "evidence": []}, "neither answers nor evidence"),
        ({**GOOD, "answerable": False}, "is not answerable but has answers"),
        ({**GOOD, "answerable": "yes"}, "answerable must be"),
        ({**GOOD, "evidence": ["x"]}, "list of objects"),
        ({**GOOD, "evidence": [{"source": "x"}]}, "quote must be"),
        ({**GOOD, "history": [{"role": "system", "content": "x"}]}, "each role"),
        ({**GOOD, "tags": {}}, "tags must be a list"),
    ],
)
def test_a_malformed_line_is_reported_with_its_number(line: object, cause: str) -> None:
    cases, problems = parse(lines({**GOOD, "id": "first"}, "", line))
    assert [case.id for case in cases] == ["first"]
    ((number, said),) = problems
    assert number == 3
    assert cause in said


def test_a_second_case_with_an_id_names_the_first_ones_line() -> None:
    _, problems = parse(lines(GOOD, GOOD))
    assert problems == [(2, "id 'a' stands in line 1 already")]


def test_all_malformed_lines_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(lines(GOOD, "{", {**GOOD, "id": "b"}, "nonsense"))
    with pytest.raises(CasesMalformed) as refused:
        read_cases(path)
    assert [number for number, _ in refused.value.problems] == [2, 4]
    assert "line 2: is not JSON" in str(refused.value)


def test_skipping_invalid_lines_says_which(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(lines("{", GOOD))
    cases, left_out = read_cases(path, skip_invalid=True)
    assert [case.id for case in cases] == ["a"]
    assert left_out[0].startswith("line 1: ")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe{"])
def test_a_file_without_a_case_is_refused_even_when_skipping(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(CasesMalformed):
        read_cases(path, skip_invalid=True)


def test_a_byte_order_mark_and_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + lines(GOOD).encode() + b"\r\n")
    assert len(read_cases(path)[0]) == 1


def test_a_line_separator_within_a_question_does_not_end_the_line() -> None:
    (case,), problems = parse(
        json.dumps({**GOOD, "question": "a\u2028b\x85c?"}, ensure_ascii=False)
    )
    assert problems == []
    assert case.question == "a\u2028b\x85c?"


def test_a_cluster_is_the_group_else_the_first_source_else_the_case() -> None:
    (grouped, sourced, alone), _ = parse(
        lines(
            {**GOOD, "id": "1", "group": "g"},
            {**GOOD, "id": "2"},
            {"id": "3", "question": "?", "answerable": False},
        )
    )
    assert grouped.cluster == "group g"
    assert sourced.cluster == "source lake.txt"
    assert alone.cluster == "case 3"


def test_another_expectation_is_another_fingerprint() -> None:
    first, _ = parse(lines(GOOD))
    second, _ = parse(lines({**GOOD, "answers": ["a sea"]}))
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(first) == fingerprint(parse(lines(GOOD))[0])
