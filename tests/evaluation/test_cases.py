"""A case file is read completely, or its malformed lines are reported."""

import json
from pathlib import Path

import pytest

from rag.evaluation.cases import fingerprint, parse_cases, read_cases
from rag.evaluation.errors import CasesMalformed

VALID = {
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
    cases, skipped = read_cases(path)
    assert len(cases) == len(path.read_text("utf-8").splitlines())
    assert skipped == []


def test_unknown_keys_are_kept() -> None:
    (case,), _ = parse_cases(lines({**VALID, "article": "Lake", "level": 3}))
    assert case.to_json()["article"] == "Lake"
    assert case.to_json()["level"] == 3


def test_a_case_survives_being_written_and_read() -> None:
    full = {
        **VALID,
        "history": [{"role": "user", "content": "Hm?"}],
        "rubric": "Names the lake.",
        "group": "lakes",
    }
    (case,), _ = parse_cases(lines(full))
    assert case.to_json() == full
    assert parse_cases(lines(case.to_json()))[0] == [case]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "is not JSON"),
        ({**VALID, "id": ""}, "id must be"),
        ({**VALID, "id": 5}, "id must be"),
        ({**VALID, "question": None}, "question must be"),
        ({**VALID, "answers": "a lake"}, "answers must be a list"),
        ({**VALID, "answers": [5]}, "answers must contain"),
        ({**VALID, "answers": [], "evidence": []}, "neither answers nor evidence"),
        ({**VALID, "answerable": False}, "is not answerable but has answers"),
        ({**VALID, "answerable": "yes"}, "answerable must be"),
        ({**VALID, "evidence": ["x"]}, "list of objects"),
        ({**VALID, "evidence": [{"source": "x"}]}, "quote must be"),
        ({**VALID, "history": [{"role": "system", "content": "x"}]}, "history roles"),
        ({**VALID, "tags": {}}, "tags must be a list"),
    ],
)
def test_a_malformed_line_is_reported_with_its_number(line: object, cause: str) -> None:
    cases, problems = parse_cases(lines({**VALID, "id": "first"}, "", line))
    assert [case.id for case in cases] == ["first"]
    ((number, message),) = problems
    assert number == 3
    assert cause in message


def test_a_second_case_with_an_id_names_the_first_ones_line() -> None:
    _, problems = parse_cases(lines(VALID, VALID))
    assert problems == [(2, "id 'a' is already used in line 1")]


def test_all_malformed_lines_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(lines(VALID, "{", {**VALID, "id": "b"}, "nonsense"))
    with pytest.raises(CasesMalformed) as raised:
        read_cases(path)
    assert [number for number, _ in raised.value.problems] == [2, 4]
    assert "line 2: is not JSON" in str(raised.value)


def test_skipping_invalid_lines_says_which(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(lines("{", VALID))
    cases, skipped = read_cases(path, skip_invalid=True)
    assert [case.id for case in cases] == ["a"]
    assert skipped[0].startswith("line 1: ")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe{"])
def test_a_file_without_a_case_is_refused_even_when_skipping(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(CasesMalformed):
        read_cases(path, skip_invalid=True)


def test_a_byte_order_mark_and_carriage_returns_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + lines(VALID).encode() + b"\r\n")
    assert len(read_cases(path)[0]) == 1


def test_a_line_separator_within_a_question_does_not_end_the_line() -> None:
    (case,), problems = parse_cases(
        json.dumps({**VALID, "question": "a\u2028b\x85c?"}, ensure_ascii=False)
    )
    assert problems == []
    assert case.question == "a\u2028b\x85c?"


def test_a_cluster_is_the_group_else_the_first_source_else_the_case() -> None:
    (grouped, sourced, alone), _ = parse_cases(
        lines(
            {**VALID, "id": "1", "group": "g"},
            {**VALID, "id": "2"},
            {"id": "3", "question": "?", "answerable": False},
        )
    )
    assert grouped.cluster == "group g"
    assert sourced.cluster == "source lake.txt"
    assert alone.cluster == "case 3"


def test_another_expectation_is_another_fingerprint() -> None:
    first, _ = parse_cases(lines(VALID))
    second, _ = parse_cases(lines({**VALID, "answers": ["a sea"]}))
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(first) == fingerprint(parse_cases(lines(VALID))[0])
