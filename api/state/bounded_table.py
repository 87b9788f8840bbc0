"""A table of JSON objects that requests make grow: bounded in rows, bytes and age.

At a limit the oldest rows of the sender with the most go, so a flood by one caller pushes out its
own rows and nobody else's. With SQLite each table has a file of its own, apart from the keys.
"""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .db import Connection, Database, copy_rows

_SCHEMA = """
CREATE TABLE IF NOT EXISTS {name} (
    id TEXT PRIMARY KEY, sender TEXT NOT NULL, stored_s REAL NOT NULL, bytes INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS {name}_sender ON {name} (sender, bytes);
CREATE INDEX IF NOT EXISTS {name}_stored ON {name} (stored_s);
"""
_REPLACE = """
ON CONFLICT (id) DO UPDATE SET sender = excluded.sender, stored_s = excluded.stored_s,
    bytes = excluded.bytes, body = excluded.body
"""
_OLDEST = """
DELETE FROM {name} WHERE id IN (SELECT id FROM (
    SELECT id, row_number() OVER age AS nth, sum(bytes) OVER age - bytes AS older_bytes
    FROM {name} WHERE sender = ? WINDOW age AS (ORDER BY stored_s, rowid)
) AS aged WHERE nth <= ? OR older_bytes < ?)
"""

BATCH = 200
"""Rows that are read at once."""

Json = dict[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a table holds; `max_age_s` None: rows do not expire."""

    max_rows: int
    max_bytes: int
    max_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An object with its id, and when it was stored in seconds since 1970."""

    id: str
    stored_s: float
    body: Json


class BoundedTable:
    """One table of a database; methods block and raise StateUnreadable."""

    def __init__(
        self, database: Database, name: str, limits: Limits, *, old_columns: tuple[str, str, str]
    ) -> None:
        """Opens nothing yet.

        Rows of the table of this name in the database's old file move over once; `old_columns`
        are its columns there for id, stored_s and body.
        """
        self._database, self._name, self._limits = database, name, limits
        self._old_columns, self._has_moved = old_columns, False

    def put(self, row_id: str, body: Json, *, sender: str) -> None:
        """Stores an object, in place of one with the same id, and deletes what is over a limit."""
        text = json.dumps(body)
        row = (row_id, sender, time.time(), len(text), text)
        with self._open() as db:
            db.lock(self._name)
            db.execute(f"INSERT INTO {self._name} VALUES (?, ?, ?, ?, ?) {_REPLACE}", row)
            self._trim(db)

    def get(self, row_id: str) -> Json | None:
        """Returns an object by its id, None where there is none."""
        rows = self._select("WHERE id = ?", row_id)
        return rows[0][1] if rows else None

    def all(self) -> list[tuple[str, Json]]:
        """Returns the ids and objects that have not expired, newest first."""
        where = "WHERE stored_s >= ? ORDER BY stored_s DESC, rowid DESC"
        return self._select(where, self._oldest_s())

    def newest(self, *, after: tuple[float, str] | None = None) -> Iterator[Row]:
        """Yields the rows that have not expired, newest first, those after a (time, id) if given.

        Reads them in batches, so that a caller who stops early reads little.
        """
        position = after or (math.inf, "")
        while True:
            batch = self._batch(position)
            yield from batch
            if len(batch) < BATCH:
                return
            position = batch[-1].stored_s, batch[-1].id

    def _batch(self, after: tuple[float, str]) -> list[Row]:
        if not self._database.exists():
            return []
        query = (
            f"SELECT id, stored_s, body FROM {self._name} WHERE stored_s >= ? "
            "AND (stored_s < ? OR (stored_s = ? AND id < ?)) "
            "ORDER BY stored_s DESC, id DESC LIMIT ?"
        )
        stored_s, row_id = after
        values = (self._oldest_s(), stored_s, stored_s, row_id, BATCH)
        with self._open() as db:
            rows = db.execute(query, values).fetchall()
        return [Row(row_id, stored_s, json.loads(body)) for row_id, stored_s, body in rows]

    def row(self, row_id: str) -> Row | None:
        """Returns a row by its id; None where there is none, or it has expired."""
        if not self._database.exists():
            return None
        query = f"SELECT stored_s, body FROM {self._name} WHERE id = ? AND stored_s >= ?"
        with self._open() as db:
            found = db.execute(query, (row_id, self._oldest_s())).fetchone()
        return Row(row_id, found[0], json.loads(found[1])) if found else None

    def change(self, row_id: str, fields: Json) -> None:
        """Sets fields of an object without making it newer; an unknown id changes nothing."""
        if not self._database.exists():
            return
        with self._open() as db:
            db.lock(self._name)
            query = f"SELECT body FROM {self._name} WHERE id = ?"
            if found := db.execute(query, (row_id,)).fetchone():
                text = json.dumps(json.loads(found[0]) | fields)
                update = f"UPDATE {self._name} SET body = ?, bytes = ? WHERE id = ?"
                db.execute(update, (text, len(text), row_id))

    def delete(self, row_id: str) -> bool:
        """Deletes an object; returns whether there was one."""
        if not self._database.exists():
            return False
        with self._open() as db:
            return db.execute(f"DELETE FROM {self._name} WHERE id = ?", (row_id,)).rowcount > 0

    def delete_expired(self) -> None:
        """Deletes what is too old, which otherwise the next `put` does."""
        if self._database.exists():
            with self._open() as db:
                self._trim(db)

    def _oldest_s(self) -> float:
        max_age_s = self._limits.max_age_s
        return 0.0 if max_age_s is None else time.time() - max_age_s

    def copy_to(self, target: Database) -> int:
        """Returns how many rows were copied to the table of this name in another database."""
        self.all()  # rows of the old file move over first
        return copy_rows(self._database, target, _SCHEMA.format(name=self._name), self._name)

    def _select(self, where: str, value: object) -> list[tuple[str, Json]]:
        if not self._database.exists():
            return []
        with self._open() as db:
            rows = db.execute(f"SELECT id, body FROM {self._name} {where}", (value,)).fetchall()
        return [(row_id, json.loads(body)) for row_id, body in rows]

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        old_file = self._database.old_file
        with self._database.connect(_SCHEMA.format(name=self._name)) as db:
            if not self._has_moved and old_file and old_file.exists():
                self._move(db, str(old_file))
            self._has_moved = True
            yield db

    def _move(self, db: Connection, old_file: str) -> None:
        """Moves the rows of the old SQLite file, in one transaction over both files."""
        db.execute("ATTACH ? AS old", (old_file,))
        row_id, stored_s, body = self._old_columns
        values = f"{row_id}, '', {stored_s}, length(CAST({body} AS BLOB)), {body}"
        is_there = "SELECT 1 FROM old.sqlite_master WHERE type = 'table' AND name = ?"
        if db.execute(is_there, (self._name,)).fetchone():
            db.lock(self._name)
            if db.execute(is_there, (self._name,)).fetchone():  # no other process was faster
                db.execute(
                    f"INSERT OR REPLACE INTO {self._name} "
                    f"SELECT {values} FROM old.{self._name} ORDER BY rowid"
                )
                db.execute(f"DROP TABLE old.{self._name}")
                self._trim(db)
            db.execute("COMMIT")
        db.execute("DETACH old")

    def _trim(self, db: Connection) -> None:
        limits = self._limits
        if limits.max_age_s is not None:
            expired_s = time.time() - limits.max_age_s
            db.execute(f"DELETE FROM {self._name} WHERE stored_s < ?", (expired_s,))
        while True:
            totals = f"SELECT count(*), CAST(coalesce(sum(bytes), 0) AS INTEGER) FROM {self._name}"
            rows, n_bytes = db.execute(totals).fetchone()
            excess = (max(0, rows - limits.max_rows), max(0, n_bytes - limits.max_bytes))
            if not any(excess):
                return
            share = "count(*)" if excess[0] else "sum(bytes)"
            largest = f"SELECT sender FROM {self._name} GROUP BY 1 ORDER BY {share} DESC LIMIT 1"
            (sender,) = db.execute(largest).fetchone()
            db.execute(_OLDEST.format(name=self._name), (sender, *excess))
