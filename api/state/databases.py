"""Where a service keeps what cannot be rebuilt from the articles: SQLite files, or PostgreSQL."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import SettingRefused
from .db import Database
from .sqlite import SqliteFile

EXTRA = "needs the extra shared: pip install 'footnote[shared]'"


@dataclass(frozen=True, slots=True)
class State:
    """The databases of one service."""

    main: Database
    """Keys, secrets and jobs."""
    uploads: Database
    feedback: Database
    answers: Database


@cache
def open_state(folder: Path, url: str | None) -> State:
    """Returns the state of a data folder, or of a PostgreSQL; connects to nothing yet.

    Raises SettingRefused if the client of PostgreSQL is not installed.
    """
    if url is None:
        old = folder / "state.sqlite3"
        return State(
            main=SqliteFile(old),
            uploads=SqliteFile(folder / "uploads.sqlite3"),
            feedback=SqliteFile(folder / "feedback.sqlite3", old_file=old),
            answers=SqliteFile(folder / "answers.sqlite3", old_file=old),
        )
    try:
        from .postgres import Postgres
    except ImportError as error:
        raise SettingRefused("state", f"PostgreSQL {EXTRA}") from error
    shared = Postgres(url)
    return State(main=shared, uploads=shared, feedback=shared, answers=shared)
