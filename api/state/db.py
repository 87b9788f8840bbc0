"""What the stores need of a database, whatever it is: a connection, one transaction at a time.

A store is given its Database and writes SQL that SQLite and PostgreSQL both understand: `?` for a
value, SQLite's names of types, and `rowid` for the order of insertion.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol


class Rows(Protocol):
    """The result of a statement; a row is a tuple."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:  # Any: the columns' types, None where there is no row
        """Returns the next row."""

    def fetchall(self) -> list[Any]:  # Any: as above
        """Returns all rows."""

    def __iter__(self) -> Iterator[Any]:
        """Yields the rows."""


class Connection(Protocol):
    """One transaction."""

    def execute(self, sql: str, values: Sequence[object] = (), /) -> Rows:
        """Runs one statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> object:
        """Runs a statement for each row of values."""

    def lock(self, name: str) -> None:
        """Waits until no other transaction, of whatever process, holds the lock of this name.

        SQLite has one lock for a file, so there it must be the first statement.
        """


class Database(Protocol):
    """Tables that survive a restart; methods block and raise StateUnreadable."""

    is_shared: bool
    """Whether other machines use it, too."""
    old_file: Path | None
    """The SQLite file where the tables used to be, if rows may be left there."""

    def connect(self, schema: str) -> AbstractContextManager[Connection]:
        """Yields a connection with the tables of `schema`; commits at the end of the block."""

    def exists(self) -> bool:
        """Returns whether there may be rows; False spares `connect`, which creates what lacks."""

    def check(self) -> str:
        """Returns a description, after it was read and written."""


def copy_rows(source: Database, target: Database, schema: str, table: str) -> int:
    """Returns how many rows of a table were copied; those that `target` has stay as they are."""
    if not source.exists():
        return 0
    with source.connect(schema) as db:
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
    with target.connect(schema) as db:
        marks = ", ".join("?" * len(rows[0])) if rows else ""
        insert = f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING"
        return sum(db.execute(insert, row).rowcount for row in rows)
