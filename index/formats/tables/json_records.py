"""JSON and JSON Lines → one chunk per record, under a heading: `record 1`, `line 3`."""

import json
from typing import Any

from ...text.encoding import decode
from ...types import Document
from .header import MAX_NAME_CHARS
from .records import RecordWriter

_Field = tuple[str, str]


def extract_json(data: bytes) -> Document:
    """Returns the document of a JSON file: a record per element of its list, or one in all."""
    text, metadata = decode(data)
    value = _parse(text, "")
    writer = RecordWriter()
    for number, record in enumerate(value if isinstance(value, list) else [value], 1):
        writer.record(f"record {number}", _fields(record))
    return writer.builder.build(metadata=metadata)


def extract_jsonl(data: bytes) -> Document:
    """Returns the document of a file with one JSON value per line."""
    text, metadata = decode(data)
    writer = RecordWriter()
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            writer.record(f"line {number}", _fields(_parse(line, f"line {number}: ")))
    return writer.builder.build(metadata=metadata)


def _parse(text: str, position: str) -> Any:  # JSON's value is of any type
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
                (f"{path}{dot}{key}"[:MAX_NAME_CHARS], inner)
                for key, inner in reversed(value.items())
            ]
        elif isinstance(value, list):
            pending += [(path, inner) for inner in reversed(value)]
        elif value is not None:
            fields.append((path, value if isinstance(value, str) else json.dumps(value)))
    return fields
