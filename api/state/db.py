"""The SQLite files of a data folder, such as `state.sqlite3`; readable by their owner only."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_TIMEOUT_S = 5.0
"""How long one process waits for another's write."""


@contextmanager
def connect(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yields a connection with the tables of `schema`, and commits at the end; blocks.

    Creates the file and its folder where they are missing; raises sqlite3.Error or OSError.
    """
    if not path.exists():
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT, 0o600))  # private from the start: no chmod afterwards
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection, connection:
        connection.executescript(schema)
        yield connection
