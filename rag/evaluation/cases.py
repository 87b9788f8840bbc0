"""Case files → cases: JSON lines, every malformed one reported by its number, none dropped.

A case is a question with its gold: answers, evidence quoted verbatim from its sources, whether the
sources answer it at all. Keys that mean nothing here are kept as they came.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..types import Turn
from .errors import CasesMalformed

Line = Mapping[str, Any]  # Any: JSON as it came, checked here

_ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that answers a question: the source's path and its words, verbatim."""

    source: str
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its gold; `raw` is the line as it came, unknown keys included."""

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    answerable: bool
    tags: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    rubric: str | None = None
    group: str | None = None
    raw: Line = field(default_factory=dict, compare=False)

    @property
    def cluster(self) -> str:
        """What cases that are not independent share: group, else the first source, else nothing."""
        if self.group is not None:
            return f"group {self.group}"
        return f"source {self.evidence[0].source}" if self.evidence else f"case {self.id}"


class _Malformed(ValueError):
    """One line's problem."""


def read_cases(path: Path, *, skip_invalid: bool = False) -> tuple[list[Case], list[str]]:
    """Returns the cases of a JSON-lines file in order, and a word on each line left out.

    Raises CasesMalformed, which names every malformed line, unless those are to be skipped, and
    also when no case is left.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise CasesMalformed(path.name, [(0, f"cannot be read ({cause})")]) from error
    cases, problems = parse(text)
    if (problems and not skip_invalid) or not cases:
        raise CasesMalformed(path.name, problems or [(0, "there is no case in it")])
    return cases, [f"line {number}: {cause}" for number, cause in problems]


def parse(text: str) -> tuple[list[Case], list[tuple[int, str]]]:
    """Returns the cases of JSON lines, and what is wrong with the others by line number, from 1."""
    cases: list[Case] = []
    problems: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = case_of(_object(line))
            if case.id in seen:
                raise _Malformed(f"id {case.id!r} stands in line {seen[case.id]} already")
        except _Malformed as error:
            problems.append((number, str(error)))
        else:
            seen[case.id] = number
            cases.append(case)
    return cases, problems


def case_of(line: Line) -> Case:
    """Returns the case that a JSON object is; raises ValueError with the cause."""
    answerable = _flag(line)
    case = Case(
        id=_text(line, "id"),
        question=_text(line, "question"),
        answers=tuple(_strings(line, "answers")),
        evidence=tuple(_evidence(line)),
        answerable=answerable,
        tags=tuple(_strings(line, "tags")),
        history=tuple(_history(line)),
        rubric=_optional(line, "rubric"),
        group=_optional(line, "group"),
        raw=line,
    )
    if answerable and not case.answers and not case.evidence:
        raise _Malformed("is answerable but has neither answers nor evidence")
    if not answerable and case.answers:
        raise _Malformed("is not answerable but has answers")
    return case


def as_line(case: Case) -> dict[str, Any]:
    """Returns the JSON object of a case, with the keys that it came with."""
    line: dict[str, Any] = {
        "id": case.id,
        "question": case.question,
        "answers": list(case.answers),
        "evidence": [{"source": e.source, "quote": e.quote} for e in case.evidence],
        "answerable": case.answerable,
        "tags": list(case.tags),
    }
    if case.history:
        line["history"] = [{"role": t.role, "content": t.content} for t in case.history]
    line |= {key: value for key in ("rubric", "group") if (value := getattr(case, key))}
    return line | {key: value for key, value in case.raw.items() if key not in line}


def fingerprint(cases: Sequence[Case]) -> str:
    """Returns the sha256 of what the cases ask and expect, in their order."""
    lines = (json.dumps(as_line(case), sort_keys=True, ensure_ascii=False) for case in cases)
    return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _object(line: str) -> Line:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Malformed(f"is not JSON ({str(error)[:80]})") from error
    if not isinstance(found, dict):
        raise _Malformed("is not a JSON object")
    return found


def _text(line: Line, key: str) -> str:
    value = line.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _Malformed(f"{key} must be a text that is not empty")
    return value


def _optional(line: Line, key: str) -> str | None:
    return None if line.get(key) is None else _text(line, key)


def _flag(line: Line) -> bool:
    value = line.get("answerable", bool(line.get("answers") or line.get("evidence")))
    if not isinstance(value, bool):
        raise _Malformed("answerable must be true or false")
    return value


def _strings(line: Line, key: str) -> Iterator[str]:
    values = line.get(key, [])
    if not isinstance(values, list):
        raise _Malformed(f"{key} must be a list")
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise _Malformed(f"each of {key} must be a text that is not empty")
        yield value


def _evidence(line: Line) -> Iterator[Evidence]:
    for item in _objects(line, "evidence"):
        yield Evidence(_text(item, "source"), _text(item, "quote"))


def _history(line: Line) -> Iterator[Turn]:
    for item in _objects(line, "history"):
        role = item.get("role")
        if role not in _ROLES:
            raise _Malformed("each role in history must be user or assistant")
        yield Turn(role, _text(item, "content"))


def _objects(line: Line, key: str) -> Iterator[Line]:
    values = line.get(key) or []
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise _Malformed(f"{key} must be a list of objects")
    yield from values
