"""Case files (JSON lines) → cases; every malformed line is reported by its number.

A case is a question with its gold: answers, evidence quoted verbatim from the sources, and whether
the sources answer it at all. Unknown keys are preserved.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from ..types import Turn
from .errors import CasesMalformed

JsonObject = Mapping[str, Any]  # Any: unvalidated JSON

_ROLES = ("user", "assistant")


class _Invalid(ValueError):
    """What is wrong with one line."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A text that answers a question: the source's path and a verbatim quote."""

    source: str
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its gold; `raw` is the original line, unknown keys included."""

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    answerable: bool
    tags: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    rubric: str | None = None
    group: str | None = None
    raw: JsonObject = field(default_factory=dict, compare=False)

    @property
    def cluster(self) -> str:
        """The key that dependent cases share: group, else the first source, else the case."""
        if self.group is not None:
            return f"group {self.group}"
        return f"source {self.evidence[0].source}" if self.evidence else f"case {self.id}"

    @classmethod
    def from_json(cls, line: JsonObject) -> Self:
        """Returns the validated case; raises ValueError with the cause."""
        case = cls(
            id=_text(line, "id"),
            question=_text(line, "question"),
            answers=tuple(_texts(line, "answers")),
            evidence=tuple(
                Evidence(_text(item, "source"), _text(item, "quote"))
                for item in _objects(line, "evidence")
            ),
            answerable=_answerable(line),
            tags=tuple(_texts(line, "tags")),
            history=tuple(_history(line)),
            rubric=_optional_text(line, "rubric"),
            group=_optional_text(line, "group"),
            raw=line,
        )
        if case.answerable and not case.answers and not case.evidence:
            raise _Invalid("is answerable but has neither answers nor evidence")
        if not case.answerable and case.answers:
            raise _Invalid("is not answerable but has answers")
        return case

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object, unknown keys included."""
        line: dict[str, Any] = {
            "id": self.id,
            "question": self.question,
            "answers": list(self.answers),
            "evidence": [{"source": e.source, "quote": e.quote} for e in self.evidence],
            "answerable": self.answerable,
            "tags": list(self.tags),
        }
        if self.history:
            line["history"] = [{"role": t.role, "content": t.content} for t in self.history]
        line |= {key: value for key in ("rubric", "group") if (value := getattr(self, key))}
        return line | {key: value for key, value in self.raw.items() if key not in line}

    def to_line(self) -> str:
        """Returns the JSON object as a line of a case file, without its end."""
        return json.dumps(self.to_json(), ensure_ascii=False)


def read_cases(path: Path, *, skip_invalid: bool = False) -> tuple[list[Case], list[str]]:
    """Returns the cases of a JSON-lines file in order, and a message for each skipped line.

    Raises CasesMalformed, which names every malformed line, unless `skip_invalid`; also if no
    case is left.
    """
    cases, problems = parse_cases(read_text(path))
    if (problems and not skip_invalid) or not cases:
        raise CasesMalformed(path.name, problems or [(0, "contains no case")])
    return cases, [f"line {number}: {cause}" for number, cause in problems]


def read_text(path: Path) -> str:
    """Returns a UTF-8 file's text; raises CasesMalformed if it cannot be read."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise CasesMalformed(path.name, [(0, f"cannot be read ({cause})")]) from error


def parse_cases(text: str) -> tuple[list[Case], list[tuple[int, str]]]:
    """Returns the cases of JSON lines, and (line number from 1, cause) of each malformed line."""
    cases: list[Case] = []
    problems: list[tuple[int, str]] = []
    line_by_id: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = Case.from_json(_parse_object(line))
            if case.id in line_by_id:
                raise _Invalid(f"id {case.id!r} is already used in line {line_by_id[case.id]}")
        except _Invalid as error:
            problems.append((number, str(error)))
        else:
            line_by_id[case.id] = number
            cases.append(case)
    return cases, problems


def fingerprint(cases: Sequence[Case]) -> str:
    """Returns the sha256 of the cases' questions and gold, in their order."""
    lines = (json.dumps(case.to_json(), sort_keys=True, ensure_ascii=False) for case in cases)
    return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _parse_object(line: str) -> JsonObject:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Invalid(f"is not JSON ({str(error)[:80]})") from error
    if not isinstance(value, dict):
        raise _Invalid("is not a JSON object")
    return value


def _text(line: JsonObject, key: str) -> str:
    value = line.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _Invalid(f"{key} must be a non-empty string")
    return value


def _optional_text(line: JsonObject, key: str) -> str | None:
    return None if line.get(key) is None else _text(line, key)


def _answerable(line: JsonObject) -> bool:
    value = line.get("answerable", bool(line.get("answers") or line.get("evidence")))
    if not isinstance(value, bool):
        raise _Invalid("answerable must be true or false")
    return value


def _texts(line: JsonObject, key: str) -> Iterator[str]:
    values = line.get(key, [])
    if not isinstance(values, list):
        raise _Invalid(f"{key} must be a list")
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise _Invalid(f"{key} must contain non-empty strings only")
        yield value


def _history(line: JsonObject) -> Iterator[Turn]:
    for item in _objects(line, "history"):
        role = item.get("role")
        if role not in _ROLES:
            raise _Invalid("history roles must be user or assistant")
        yield Turn(role, _text(item, "content"))


def _objects(line: JsonObject, key: str) -> list[JsonObject]:
    values = line.get(key) or []
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise _Invalid(f"{key} must be a list of objects")
    return values
