"""The state in PostgreSQL, which several machines share; the extra `shared` (psycopg 3).

One transaction is a connection of a small pool, with `BEGIN` and its limits in one round trip, so
that a pooler of transactions (PgBouncer) may be in between. Tables are in the schema `footnote`.
While the server is unreachable one caller at a time tries again, and the others fail at once.
"""

import logging
import re
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from index.redact import redact

from ..errors import StateUnreadable
from .db import Connection, Rows

log = logging.getLogger("footnote")

NAME = "the state database"
VERSION = 1
"""Of the tables; a change that older releases cannot use increases it."""
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 10
IDLE_TIMEOUT_S = 300
"""The server ends a transaction that does nothing for this long; counting a corpus takes some."""
MAX_CONNECTIONS = 4
"""Connections of one process; a server allows 100 by default."""
RETRY_S = 1.0
"""After a failure nobody connects for this long."""

_LOCKS = 0x666E
"""The first number of our advisory locks, which other users of the server do not share."""
_OPTIONS = {
    "autocommit": True,
    "connect_timeout": CONNECT_TIMEOUT_S,
    "prepare_threshold": None,  # a pooler of transactions keeps no prepared statements
    "fallback_application_name": "footnote",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": STATEMENT_TIMEOUT_S * 1000,
}
_LIMITS = {
    "search_path": "footnote",
    "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_TIMEOUT_S}s",
    "tcp_keepalives_idle": "10",  # so the locks of a machine that is gone last half a minute
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; " + "; ".join(
    f"SET LOCAL {name} TO '{value}'" for name, value in _LIMITS.items()
)
_TYPES = {"BLOB": "BYTEA", "REAL": "DOUBLE PRECISION", "INTEGER": "BIGINT", "rowid": "id"}
_TYPE = re.compile(rf"\b({'|'.join(_TYPES)})\b")
_NOT_TO_ROLL_BACK = (TransactionStatus.IDLE, TransactionStatus.ACTIVE)
"""Nothing is open, or the server hangs and nothing more can be sent."""
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")


@cache
def translate(sql: str) -> str:
    """Returns a statement of a store as PostgreSQL and psycopg have it."""
    return _types(sql.replace("%", "%%").replace("?", "%s"))


def _types(sql: str) -> str:
    return _TYPE.sub(lambda match: _TYPES[match[1]], sql)


class _Socket(psycopg.Connection):  # type: ignore[misc]  # psycopg is Any: it is an extra
    """A connection that does not wait without end for a server that hangs."""

    limit_s = STATEMENT_TIMEOUT_S + 2.0
    """Of one statement; the server's own limit comes first."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Returns what `gen` returns; raises psycopg.OperationalError after the time limit."""
        return super().wait(gen, interval, timeout or self.limit_s)


class _Transaction:
    """The connection that stores see."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def execute(self, sql: str, values: Sequence[object] = (), /) -> Rows:
        rows: Rows = self._socket.execute(translate(sql), tuple(values))
        return rows

    def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> object:
        return self._socket.cursor().executemany(translate(sql), rows)

    def lock(self, name: str) -> None:
        self.execute("SELECT pg_advisory_xact_lock(?, hashtext(?))", (_LOCKS, name))


class Postgres:
    """A PostgreSQL database; methods block and raise StateUnreadable."""

    is_shared = True
    old_file: Path | None = None

    def __init__(self, url: str) -> None:
        """Connects to nothing yet."""
        self._url = url
        self._idle: list[Any] = []
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._created: set[str] = set()
        self._outage = Outage()
        weakref.finalize(self, _close_all, self._idle)

    def exists(self) -> bool:
        """Returns True: only the server knows."""
        return True

    @contextmanager
    def connect(self, schema: str) -> Iterator[Connection]:
        """Yields a connection with the tables of `schema`; see Database."""
        with self._slot():
            with self._outage.attempt():
                socket = self._begin(schema)
            try:
                yield _Transaction(socket)
                socket.execute("COMMIT")
            except psycopg.Error as error:
                self._created.clear()  # somebody may have dropped the tables
                raise StateUnreadable(NAME, describe(error)) from error
            finally:
                self._give_back(socket)

    def check(self) -> str:
        """Returns the server's version, after a write that changes nothing."""
        with self.connect("") as db:
            db.execute("UPDATE version SET number = number")
            (server,) = db.execute("SELECT current_setting('server_version')").fetchone()
        return f"PostgreSQL {server}, schema footnote version {VERSION}, can be written"

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=CONNECT_TIMEOUT_S):
            raise StateUnreadable(NAME, f"all {MAX_CONNECTIONS} connections are in use")
        try:
            yield
        finally:
            self._slots.release()

    def _begin(self, schema: str) -> Any:
        """Returns a connection in a transaction, where the tables are."""
        socket = self._resume()
        try:
            if socket is None:
                socket = _Socket.connect(self._url, **_OPTIONS)
                socket.execute(_BEGIN)
            if schema not in self._created:
                _create(socket, schema)
                self._created.add(schema)
        except (psycopg.Error, StateUnreadable) as error:
            _close_all([socket] if socket else [])
            if isinstance(error, StateUnreadable):
                raise
            raise StateUnreadable(NAME, describe(error)) from error
        return socket

    def _resume(self) -> Any:
        """Returns an idle connection in a transaction; None if there is none that works."""
        socket = self._pop()
        try:
            if socket is not None:
                socket.limit_s = CONNECT_TIMEOUT_S
                socket.execute(_BEGIN)
                socket.limit_s = _Socket.limit_s
        except psycopg.OperationalError as error:  # probably the server was restarted
            is_hanging = socket.info.transaction_status == TransactionStatus.ACTIVE
            _close_all([socket, *self._idle])
            if is_hanging:
                raise StateUnreadable(NAME, describe(error)) from error
            return None
        return socket

    def _pop(self) -> Any:
        while True:
            try:
                socket = self._idle.pop()
            except IndexError:
                return None
            if not socket.closed:
                return socket

    def _give_back(self, socket: Any) -> None:
        """Keeps a connection for the next transaction, if it is whole."""
        try:
            if socket.info.transaction_status not in _NOT_TO_ROLL_BACK:
                socket.execute("ROLLBACK")
            is_whole = socket.info.transaction_status == TransactionStatus.IDLE
        except psycopg.Error:
            is_whole = False
        if is_whole:
            self._idle.append(socket)
        else:
            socket.close()


class Outage:
    """Whether the server is reachable; reported once when it is lost, and once when it is back."""

    def __init__(self) -> None:
        self._cause: StateUnreadable | None = None
        self._retry_at = 0.0
        self._trying = threading.Lock()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Runs the block, or raises the last failure where it is recent or another is trying."""
        known, has_lock = self._cause, False
        if known is not None:
            if time.monotonic() < self._retry_at or not self._trying.acquire(blocking=False):
                raise StateUnreadable(NAME, known.cause)
            has_lock = True
        try:
            yield
        except StateUnreadable as error:
            if self._cause is None:
                log.error("%s", error)
            self._cause, self._retry_at = error, time.monotonic() + RETRY_S
            raise
        else:
            if self._cause is not None:
                self._cause = None
                log.info("%s is reachable again", NAME)
        finally:
            if has_lock:
                self._trying.release()


def _create(socket: Any, schema: str) -> None:
    """Creates the tables that are missing, in a transaction of their own.

    Of several services that start at once one creates and the others wait; where nothing is
    missing, no right to create is needed. Raises StateUnreadable for tables of another version.
    """
    tables = ["version", *_TABLE.findall(schema)]
    if any(_is_missing(socket, table) for table in tables):
        socket.execute("SELECT pg_advisory_xact_lock(%s, 0)", (_LOCKS,))
        if socket.execute("SELECT to_regnamespace('footnote')").fetchone()[0] is None:
            socket.execute("CREATE SCHEMA footnote")
        if _is_missing(socket, "version"):
            socket.execute("CREATE TABLE version (number BIGINT PRIMARY KEY)")
            socket.execute("INSERT INTO version VALUES (%s)", (VERSION,))
        if any(_is_missing(socket, table) for table in tables):  # no other service was faster
            socket.execute(_types(schema))
    rows = socket.execute("SELECT number FROM version").fetchall()
    if rows != [(VERSION,)]:
        found = ", ".join(str(number)[:20] for (number,) in rows) or "none"
        message = f"its tables have version {found}, and this release needs {VERSION}"
        raise StateUnreadable(NAME, message)
    socket.execute("COMMIT")
    socket.execute(_BEGIN)


def _is_missing(socket: Any, table: str) -> bool:
    found = socket.execute("SELECT to_regclass(%s)", (f"footnote.{table}",)).fetchone()
    return bool(found[0] is None)


def _close_all(sockets: list[Any]) -> None:
    while sockets:
        sockets.pop().close()


def describe(error: Any) -> str:
    """Returns the first line of a psycopg.Error, without values of rows and without a password."""
    text = error.diag.message_primary or str(error) or type(error).__name__
    return redact(text.strip().partition("\n")[0])
