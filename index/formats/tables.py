"""CSV, TSV and JSON → one chunk per record, under a heading: `row 2`, `line 3`, `record 1`.

The text is generated: each record's fields as `name: value; …` below a heading with its position
in the file, so that a citation names the row.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any

from ..text.encoding import decode
from ..text.limits import check_text_size
from ..types import Document, Heading, Span

MAX_RECORDS = 200_000
_MAX_FIELD_CHARS = 100_000
_MAX_NAME_CHARS = 300
"""Of a field's name, which is repeated in each record; a longer one is cut."""
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[-+]?[\d.,]++%?$")

_Field = tuple[str, str]
_Record = tuple[str, list[_Field]]


def extract_csv(data: bytes) -> Document:
    """Returns the document of a table separated by commas, semicolons, bars or tabs."""
    text, metadata = decode(data)
    first_line = text.partition("\n")[0]
    return _document(_rows(text, max(",;|\t", key=first_line.count)), metadata)


def extract_tsv(data: bytes) -> Document:
    """Returns the document of a tab-separated table."""
    text, metadata = decode(data)
    return _document(_rows(text, "\t"), metadata)


def extract_json(data: bytes) -> Document:
    """Returns the document of a JSON file: a record per element of its list, or one in all."""
    text, metadata = decode(data)
    value = _parse_json(text, "")
    records = value if isinstance(value, list) else [value]
    return _document(((f"record {n}", _fields(r)) for n, r in enumerate(records, 1)), metadata)


def extract_jsonl(data: bytes) -> Document:
    """Returns the document of a file with one JSON value per line."""
    text, metadata = decode(data)
    lines = ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())
    records = ((f"line {n}", _fields(_parse_json(line, f"line {n}: "))) for n, line in lines)
    return _document(records, metadata)


def _rows(text: str, delimiter: str) -> Iterator[_Record]:
    """Yields the rows; a first row of distinct words names the columns."""
    csv.field_size_limit(_MAX_FIELD_CHARS)
    names: list[str] | None = None
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, ""), delimiter=delimiter), 1):
            if names is None:
                is_header = (
                    len(set(cells)) == len(cells)
                    and not any(map(_NUMBER.match, cells))
                    and all(cell.strip() for cell in cells)
                )
                names = [cell[:_MAX_NAME_CHARS] for cell in cells] if is_header else []
                if names:
                    continue
            pairs = zip(cells, chain(names, repeat("")), strict=False)  # a row may be longer
            yield f"row {number}", [(name, cell) for cell, name in pairs]
    except csv.Error as error:
        raise ValueError(f"malformed table: {error}") from error


def _parse_json(text: str, position: str) -> Any:  # JSON's value is of any type
    try:
        # numbers stay as they are written: exact, and of any number of digits
        return json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise ValueError(f"malformed JSON: {position}{error}") from error


def _fields(value: Any) -> list[_Field]:
    """Returns a value's leaves with their paths (`a.b`), without recursion; long paths are cut."""
    fields: list[_Field] = []
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        path, value = pending.pop()
        dot = "." if path else ""
        if isinstance(value, dict):
            pending += [
                (f"{path}{dot}{key}"[:_MAX_NAME_CHARS], inner)
                for key, inner in reversed(value.items())
            ]
        elif isinstance(value, list):
            pending += [(path, inner) for inner in reversed(value)]
        elif value is not None:
            fields.append((path, value if isinstance(value, str) else json.dumps(value)))
    return fields


def _document(records: Iterable[_Record], metadata: dict[str, str]) -> Document:
    parts: list[str] = []
    blocks: list[Span] = []
    headings: list[Heading] = []
    length = 0
    for position, fields in records:
        pairs = ((name.strip(), _SPACE.sub(" ", value).strip()) for name, value in fields)
        body = "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value)
        if not body:
            continue
        if len(headings) == MAX_RECORDS:
            raise ValueError(f"has more than {MAX_RECORDS:,} records")
        check_text_size(length + len(body))
        heading_end = length + len(position)
        body_end = heading_end + 1 + len(body)
        headings.append(Heading(length, heading_end, 1, position))
        blocks += [(length, heading_end), (heading_end + 1, body_end)]
        parts += [position, "\n", body, "\n\n"]
        length = body_end + 2
    return Document("".join(parts), tuple(blocks), headings=tuple(headings), metadata=metadata)
