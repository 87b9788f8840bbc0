"""The sources of a Lance generation but for their text: one Arrow file, by path, read whole.

It holds the sha256 of each text, and its own hash is checked whenever a generation is opened, also
where the texts themselves stay in a bucket.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..filters import matches
from ..store.bm25 import Ints
from ..types import Filters, Source
from .schema import SOURCES
from .vocabulary import read_table, write_table


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source, its file's stat signature, the row and hash of its text, and its passages' rows."""

    source: Source
    stamp: str
    text_row: int
    text_sha256: str
    rows: range


def text_sha256(text: str) -> str:
    """Returns the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_sources(folder: Path, sources: Iterable[StoredSource]) -> None:
    """Writes the sources into a generation's folder."""
    import pyarrow as pa

    records = [
        {
            **{name: getattr(entry.source, name) for name in _OWN},
            "metadata": json.dumps(dict(entry.source.metadata), ensure_ascii=False),
            "notes": json.dumps(entry.source.notes, ensure_ascii=False),
            "stamp": entry.stamp,
            "text_row": entry.text_row,
            "text_sha256": entry.text_sha256,
            "first_row": entry.rows.start,
            "chunks": len(entry.rows),
        }
        for entry in sorted(sources, key=lambda entry: entry.source.path)
    ]
    fields = [(name, pa.int64() if name in _NUMBERS else pa.string()) for name in _COLUMNS]
    write_table(folder / SOURCES, pa.Table.from_pylist(records, pa.schema(fields)))


_OWN = ("id", "path", "title", "sha256", "size", "mtime_ns", "length")
_NUMBERS = {"size", "mtime_ns", "length", "text_row", "first_row", "chunks"}
_COLUMNS = (
    *_OWN,
    *("metadata", "notes", "stamp"),
    *("text_row", "text_sha256", "first_row", "chunks"),
)


class SourceTable:
    """The opened sources, mapped into memory; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, or ValueError for a file of another form."""
        table = read_table(folder / SOURCES)
        self._columns = {name: table[name].combine_chunks() for name in _COLUMNS}
        ids = self._columns["id"].to_pylist()
        self._place_of = {source_id: place for place, source_id in enumerate(ids)}
        self._first_rows, self._chunks = self._ints("first_row"), self._ints("chunks")
        with_rows = np.flatnonzero(self._chunks)
        order = with_rows[np.argsort(self._first_rows[with_rows], kind="stable")]
        self._by_row = order
        self.starts: Ints = self._first_rows[order]
        self.ends: Ints = self.starts + self._chunks[order]

    def _ints(self, name: str) -> Ints:
        return np.asarray(self._columns[name].to_numpy(zero_copy_only=False), np.int64)

    def __len__(self) -> int:
        """The number of sources."""
        return len(self._chunks)

    @cached_property
    def rows(self) -> Ints:
        """The rows of all passages, ascending."""
        return _ranges(self.starts, self.ends)

    def _value(self, name: str, place: int) -> Any:
        return self._columns[name][place].as_py()

    def _source(self, place: int) -> Source:
        own: dict[str, Any] = {name: self._value(name, place) for name in _OWN}
        metadata, notes = (json.loads(self._value(n, place)) for n in ("metadata", "notes"))
        return Source(**own, metadata=metadata, notes=tuple(notes))

    def _stored(self, place: int) -> StoredSource:
        first = int(self._first_rows[place])
        return StoredSource(
            source=self._source(place),
            stamp=self._value("stamp", place),
            text_row=self._value("text_row", place),
            text_sha256=self._value("text_sha256", place),
            rows=range(first, first + int(self._chunks[place])),
        )

    def get(self, source_id: str) -> StoredSource | None:
        """Returns the source with this id, or None."""
        place = self._place_of.get(source_id)
        return None if place is None else self._stored(place)

    @cached_property
    def all(self) -> tuple[StoredSource, ...]:
        """Every source, by path."""
        return tuple(self._stored(place) for place in range(len(self)))

    def after(self, path: str | None, limit: int) -> list[Source]:
        """Returns the sources by path, those after a path if given; all if `limit` is −1."""
        paths = self._columns["path"]
        first = 0
        if path is not None:
            last = len(self)
            while first < last:
                middle = (first + last) // 2
                first, last = (
                    (middle + 1, last) if paths[middle].as_py() <= path else (first, middle)
                )
        end = len(self) if limit < 0 else min(len(self), first + limit)
        return [self._source(place) for place in range(first, end)]

    def places_of(self, rows: Ints) -> Ints:
        """Returns which of `starts` each row belongs to; raises ValueError for a row of none."""
        places = np.searchsorted(self.starts, rows, side="right") - 1
        if len(rows) and (places.min() < 0 or (rows >= self.ends[places]).any()):
            raise ValueError("a passage that no source has")
        return np.asarray(places, np.int64)

    def ids_of(self, rows: Ints) -> list[str]:
        """Returns the id of the source of each row."""
        return [self._value("id", int(place)) for place in self._by_row[self.places_of(rows)]]

    def rows_matching(self, filters: Filters) -> Ints:
        """Returns the rows, ascending, of the passages of sources that match the filters."""
        kept = [
            number
            for number, place in enumerate(self._by_row.tolist())
            if matches(
                filters, self._value("path", place), json.loads(self._value("metadata", place))
            )
        ]
        return _ranges(self.starts[kept], self.ends[kept])


def _ranges(starts: Ints, ends: Ints) -> Ints:
    parts: Sequence[Ints] = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
