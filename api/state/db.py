"""`state.sqlite3`: what cannot be derived from the articles, readable by its owner alone."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_S = 5.0
"""How long one process waits for another's write."""


@contextmanager
def opened(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Yields a connection with the tables of `schema`; commits in the end. Blocks.

    Makes the file and its folder where they are missing; raises sqlite3.Error or OSError.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT, 0o600))  # never for others, not for a moment
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as base, base:
        base.executescript(schema)
        yield base
