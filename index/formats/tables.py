"""Tables and JSON → a record a passage, under its row: `row 2`, `line 3`, `record 1`.

The text is made here: each record's fields as `name: value; …` below a heading that says where
in the file it stands, so a citation names the row.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..text.encoding import decoded
from ..types import Document, Heading, Span

RECORDS = 200_000
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[-+]?[\d.,]+%?$")
_FIELD = 100_000


def extract_csv(data: bytes) -> Document:
    """Returns the document of a table with commas, semicolons or bars between its fields."""
    text, metadata = decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(",;|\t", key=first.count)
    return _document(_rows(text, delimiter), metadata)


def extract_tsv(data: bytes) -> Document:
    """Returns the document of a table with tabs between its fields."""
    text, metadata = decoded(data)
    return _document(_rows(text, "\t"), metadata)


def extract_json(data: bytes) -> Document:
    """Returns the document of a JSON file: each element of its list, or the one value."""
    text, metadata = decoded(data)
    value = _value(text, "")
    records = value if isinstance(value, list) else [value]
    return _document(((f"record {n}", _fields(r)) for n, r in enumerate(records, 1)), metadata)


def extract_jsonl(data: bytes) -> Document:
    """Returns the document of a file with one JSON value a line."""
    text, metadata = decoded(data)
    lines = ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())
    values = ((f"line {n}", _fields(_value(line, f"line {n}: "))) for n, line in lines)
    return _document(values, metadata)


def _rows(text: str, delimiter: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yields each row's place and fields; a first row of distinct words names the columns."""
    csv.field_size_limit(_FIELD)
    names: list[str] | None = None
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, ""), delimiter=delimiter), 1):
            if names is None:
                named = len(set(cells)) == len(cells) and not any(map(_NUMBER.match, cells))
                names = cells if named and all(cell.strip() for cell in cells) else []
                if names:
                    continue
            padded = names + [""] * (len(cells) - len(names))
            yield f"row {number}", list(zip(padded, cells, strict=False))
    except csv.Error as error:
        raise ValueError(f"is no table: {error}") from error


def _value(text: str, place: str) -> Any:  # JSON's value is of any type
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {place}{error}") from error


def _fields(value: Any) -> list[tuple[str, str]]:
    """Returns a value's leaves with their path, `a.b`; the list in hand is walked by a stack."""
    fields: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, value = waiting.pop()
        dot = "." if path else ""
        if isinstance(value, dict):
            waiting += reversed([(f"{path}{dot}{key}", inner) for key, inner in value.items()])
        elif isinstance(value, list):
            waiting += reversed([(path, inner) for inner in value])
        elif value is not None:
            fields.append((path, value if isinstance(value, str) else json.dumps(value)))
    return fields


def _document(
    records: Iterable[tuple[str, list[tuple[str, str]]]], metadata: dict[str, str]
) -> Document:
    parts: list[str] = []
    blocks: list[Span] = []
    headings: list[Heading] = []
    length = 0
    for place, fields in records:
        pairs = ((name.strip(), _SPACE.sub(" ", value).strip()) for name, value in fields)
        words = "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value)
        if not words:
            continue
        if len(headings) == RECORDS:
            raise ValueError(f"has more than {RECORDS:,} records")
        middle = length + len(place)
        headings.append(Heading(length, middle, 1, place))
        blocks += [(length, middle), (middle + 1, middle + 1 + len(words))]
        parts += [place, "\n", words, "\n\n"]
        length = middle + 1 + len(words) + 2
    text = "".join(parts)
    return Document(text, tuple(blocks), headings=tuple(headings), metadata=metadata)
