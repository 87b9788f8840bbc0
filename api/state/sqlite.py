"""The state in SQLite files of a data folder, such as `state.sqlite3`, for one machine."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import StateUnreadable
from .db import Connection

BUSY_TIMEOUT_S = 5.0
"""How long one process waits for another's write."""


class _SqliteConnection(sqlite3.Connection):
    def lock(self, name: str) -> None:
        self.execute("BEGIN IMMEDIATE")


class SqliteFile:
    """A SQLite file, created with its folder where it is missing; its owner alone may read it."""

    is_shared = False

    def __init__(self, path: Path, *, old_file: Path | None = None) -> None:
        self.path, self.old_file = path, old_file

    @contextmanager
    def connect(self, schema: str) -> Iterator[Connection]:
        """Yields a connection with the tables of `schema`; see Database."""
        self._create()
        try:
            opened = sqlite3.connect(self.path, BUSY_TIMEOUT_S, factory=_SqliteConnection)
            with closing(opened) as connection, connection:
                connection.executescript(schema)
                yield connection
        except sqlite3.Error as error:
            raise StateUnreadable(self.path.name, str(error)) from error

    def exists(self) -> bool:
        """Returns whether there is a file with rows."""
        return self.path.exists() or bool(self.old_file and self.old_file.exists())

    def check(self) -> str:
        """Returns where the file is, after a write that is undone; creates no file."""
        if not self.path.exists():
            return f"SQLite in {self.path.parent}, still empty"
        with self.connect("") as db:
            db.lock("check")
        return f"SQLite {sqlite3.sqlite_version}, {self.path}"

    def _create(self) -> None:
        if self.path.exists():
            return
        try:
            self.path.parent.mkdir(0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT, 0o600))  # private at once: no chmod afterwards
        except OSError as error:
            raise StateUnreadable(self.path.name, str(error)) from error
