"""How much a corpus holds: counted by all workers together, and bounded.

Bytes and files are counted by walking the corpus now and then, and kept up to date by each upload
and deletion in between. A change runs while no other process counts or changes the same corpus.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import CorpusFull
from .db import Connection, Database

MAX_AGE_S = 300.0
"""The corpus is counted again after this: files also change without HTTP."""
REFUSAL_AGE_S = 2.0
"""An upload is refused by a count no older than this."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS usage (
    collection TEXT PRIMARY KEY, bytes INTEGER NOT NULL, files INTEGER NOT NULL,
    counted_s REAL NOT NULL
);
"""
_REPLACE = """
ON CONFLICT (collection) DO UPDATE SET bytes = excluded.bytes, files = excluded.files,
    counted_s = excluded.counted_s
"""

Count = Callable[[], tuple[int, int]]
"""Returns the bytes and files of a corpus, those of unfinished uploads included; blocks."""


class Totals:
    """The bytes and files of a corpus during a change."""

    def __init__(self, n_bytes: int, files: int, recount: Callable[[], tuple[int, int]]) -> None:
        self.bytes, self.files, self._recount = n_bytes, files, recount

    def recount(self) -> None:
        """Counts again, where the last count is not recent."""
        self.bytes, self.files = self._recount()


class CorpusUsage:
    """The totals of one collection's corpus; methods block and raise StateUnreadable."""

    def __init__(
        self, database: Database, collection: str, count: Count, *, max_bytes: int, max_files: int
    ) -> None:
        """Opens nothing yet."""
        self._database, self._collection, self._count = database, collection, count
        self._max_bytes, self._max_files = max_bytes, max_files
        self._lock = threading.Lock()
        """Lets this process's threads wait here; other processes wait for the database."""

    @contextmanager
    def change(self) -> Iterator[Totals]:
        """Yields the totals, and stores them if the block succeeds; raises what it raises."""
        with self._lock, self._database.connect(_SCHEMA) as db:
            db.lock(f"usage {self._collection}")
            totals = Totals(*self._read(db, MAX_AGE_S), lambda: self._read(db, REFUSAL_AGE_S))
            yield totals
            update = "UPDATE usage SET bytes = ?, files = ? WHERE collection = ?"
            db.execute(update, (totals.bytes, totals.files, self._collection))

    def add(self, totals: Totals, n_bytes: int, files: int, *, still_to_come: int = 0) -> None:
        """Adds to the totals; raises CorpusFull where they would exceed a limit.

        `still_to_come` bytes are not added but must fit, too.
        """
        if self._exceeds(totals, n_bytes + still_to_come, files):
            totals.recount()
            if limit := self._exceeds(totals, n_bytes + still_to_come, files):
                raise CorpusFull(self._collection, limit)
        totals.bytes, totals.files = totals.bytes + n_bytes, totals.files + files

    def fits(self, totals: Totals, n_bytes: int) -> bool:
        """Returns whether so many bytes more are within the limits."""
        return self._exceeds(totals, n_bytes, 0) is None

    def forget_count(self) -> None:
        """Has the next change count the corpus."""
        with self._lock, self._database.connect(_SCHEMA) as db:
            db.execute("DELETE FROM usage WHERE collection = ?", (self._collection,))

    def _exceeds(self, totals: Totals, n_bytes: int, files: int) -> str | None:
        """Returns the limit that would be exceeded, in words; what shrinks a corpus never does."""
        if n_bytes > 0 and totals.bytes + n_bytes > self._max_bytes:
            return f"{self._max_bytes:,} bytes (FOOTNOTE_MAX_CORPUS_BYTES)"
        if files > 0 and totals.files + files > self._max_files:
            return f"{self._max_files:,} files (FOOTNOTE_MAX_CORPUS_FILES)"
        return None

    def _read(self, db: Connection, max_age_s: float) -> tuple[int, int]:
        query = "SELECT bytes, files, counted_s FROM usage WHERE collection = ?"
        row = db.execute(query, (self._collection,)).fetchone()
        if row and 0 <= time.time() - row[2] <= max_age_s:
            return row[0], row[1]
        n_bytes, files = self._count()
        row = (self._collection, n_bytes, files, time.time())
        db.execute(f"INSERT INTO usage VALUES (?, ?, ?, ?) {_REPLACE}", row)
        return n_bytes, files
