"""CSV and TSV → one chunk per row, under a heading with its number: `row 7`.

The text is generated: the row's cells as `name: value; …`, so that a citation names the row. A
title or note above the header is a paragraph.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ...text.encoding import decode
from ...types import Document
from .header import SAMPLE_ROWS
from .records import RecordWriter, write_table

_MAX_FIELD_CHARS = 100_000
_DELIMITERS = "\t;|,"
"""In the order that decides where several fit: a comma may be a decimal one."""
_SAMPLE_CHARS = 100_000
_MIN_CONSISTENCY = 0.4
"""Of the first rows; in a column of prose, commas split fewer into as many parts."""
_NO_DELIMITER = "\x1f"


def extract_csv(data: bytes) -> Document:
    """Returns the document of a table separated by commas, semicolons, bars or tabs."""
    text, metadata = decode(data)
    first, line_end, rest = text.partition("\n")
    declared = first.strip().strip('"')
    if declared[:4].lower() == "sep=" and len(declared) == 5 and line_end:
        return _document(rest, declared[4], metadata)
    if first.rstrip("\r").lower() == "sep=\t":
        return _document(rest, "\t", metadata)
    return _document(text, detect_delimiter(text), metadata)


def extract_tsv(data: bytes) -> Document:
    """Returns the document of a tab-separated table."""
    text, metadata = decode(data)
    return _document(text, "\t", metadata)


def detect_delimiter(text: str) -> str:
    """Returns the delimiter by which most of the first rows have the same number of cells."""
    sample = text[:_SAMPLE_CHARS]
    if len(text) > _SAMPLE_CHARS and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    scores = {delimiter: _consistency(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > 0 else _NO_DELIMITER


def _consistency(sample: str, delimiter: str) -> float:
    """Returns the share of rows with the most frequent number of cells; 0 where that is one."""
    widths: Counter[int] = Counter()
    try:
        for cells in islice(_read(sample, delimiter), SAMPLE_ROWS):
            if any(cells):
                widths[len(cells)] += 1
    except csv.Error:
        pass  # what was read before counts
    split = {width: count for width, count in widths.items() if width > 1}
    if not split:
        return 0.0
    width = max(split, key=lambda w: (split[w], w))
    share = split[width] / widths.total()
    return share if share >= _MIN_CONSISTENCY else 0.0


def _read(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_MAX_FIELD_CHARS)
    return csv.reader(io.StringIO(text, ""), delimiter=delimiter, skipinitialspace=True)


def _document(text: str, delimiter: str, metadata: dict[str, str]) -> Document:
    writer = RecordWriter()
    try:
        title = write_table(writer, enumerate(_read(text, delimiter), 1))
    except csv.Error as error:
        raise ValueError(f"malformed table: {error}") from error
    return writer.builder.build(title=title, metadata=metadata)
