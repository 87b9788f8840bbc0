"""Sessions of people who are signed in, with the keys; their cookies are stored as hashes.

A row is deleted when its session is revoked or has ended, so that what is found is still open. A
cookie is replaced now and then: until the new one comes back, both are valid, since the response
that carried it may have been lost.
"""

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from .db import Connection, Database

IDLE_S = 2 * 3_600.0
"""A session that is not used for two hours ends."""
MAX_OF_ONE_PERSON = 20
"""Sessions of one person; the oldest ones end, so that signing in again cannot fill the disk."""
SIGN_IN_S = 600.0
"""How long a sign-in may take; also how long its use is remembered."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, previous_sha256 BLOB, subject TEXT NOT NULL,
    name TEXT NOT NULL, groups TEXT NOT NULL, created_s REAL NOT NULL, used_s REAL NOT NULL,
    rotated_s REAL NOT NULL, is_confirmed INTEGER NOT NULL, expires_s REAL NOT NULL,
    refresh_s REAL, fresh_until_s REAL, refresh_token TEXT, id_token TEXT, provider_session TEXT
);
CREATE INDEX IF NOT EXISTS sessions_previous ON sessions (previous_sha256);
CREATE INDEX IF NOT EXISTS sessions_subject ON sessions (subject);
CREATE TABLE IF NOT EXISTS sign_ins (id TEXT PRIMARY KEY, used_s REAL NOT NULL);
"""
_COLUMNS = (
    "id, sha256, previous_sha256, subject, name, groups, created_s, used_s, rotated_s, "
    "is_confirmed, expires_s, refresh_s, fresh_until_s, refresh_token, id_token, provider_session"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave for a session, and when to ask it again; never leaves the server."""

    refresh_s: float | None
    """When to refresh; None: never."""
    fresh_until_s: float | None
    """When the session ends unless it was refreshed."""
    refresh_token: str | None
    id_token: str | None
    provider_session: str | None
    """The provider's id of its own session (`sid`)."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session; times are seconds since 1970."""

    id: str
    sha256: bytes
    previous_sha256: bytes | None
    subject: str
    name: str
    groups: frozenset[str]
    created_s: float
    used_s: float
    rotated_s: float
    is_confirmed: bool
    """Whether the newest cookie came back."""
    expires_s: float
    tokens: Tokens

    def has_ended(self, now_s: float) -> bool:
        """Returns whether it is too old, was not used for long, or could not be refreshed."""
        fresh_until_s = self.tokens.fresh_until_s
        is_stale = fresh_until_s is not None and fresh_until_s <= now_s
        return self.expires_s <= now_s or self.used_s + IDLE_S <= now_s or is_stale


class SessionStore:
    """The sessions of one service; methods block and raise StateUnreadable."""

    def __init__(self, database: Database) -> None:
        """Opens nothing yet."""
        self._database = database

    def create(
        self,
        sha256: bytes,
        *,
        subject: str,
        name: str,
        groups: frozenset[str],
        expires_s: float,
        tokens: Tokens,
    ) -> str:
        """Stores a new session and returns its id."""
        now_s, session_id = time.time(), secrets.token_hex(8)
        person = (subject, name, json.dumps(sorted(groups)))
        row = (session_id, sha256, None, *person, now_s, now_s, now_s, 1, expires_s)
        with self._database.connect(_SCHEMA) as db:
            self._delete_ended(db, now_s)
            db.execute(
                "DELETE FROM sessions WHERE subject = ? AND id NOT IN (SELECT id FROM sessions "
                "WHERE subject = ? ORDER BY created_s DESC LIMIT ?)",
                (subject, subject, MAX_OF_ONE_PERSON - 1),
            )
            marks = ", ".join("?" * 16)
            db.execute(f"INSERT INTO sessions VALUES ({marks})", (*row, *_token_values(tokens)))
        return session_id

    def find(self, sha256: bytes) -> Session | None:
        """Returns the session of a cookie, the newest or the one before; it may have ended."""
        return self._one("sha256 = ? OR previous_sha256 = ?", (sha256, sha256))

    def get(self, session_id: str) -> Session | None:
        """Returns a session by its id; it may have ended."""
        return self._one("id = ?", (session_id,))

    def all(self) -> list[Session]:
        """Returns the open sessions, the oldest first."""
        if not self._database.exists():
            return []
        with self._database.connect(_SCHEMA) as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM sessions ORDER BY created_s").fetchall()
        sessions, now_s = map(_session, rows), time.time()
        return [session for session in sessions if not session.has_ended(now_s)]

    def touch(self, session: Session, sha256: bytes) -> None:
        """Records that a session is used by a cookie, which may be its newest."""
        is_confirmed = "is_confirmed = CASE WHEN sha256 = ? THEN 1 ELSE is_confirmed END"
        with self._database.connect(_SCHEMA) as db:
            update = f"UPDATE sessions SET used_s = ?, {is_confirmed} WHERE id = ?"
            db.execute(update, (time.time(), sha256, session.id))

    def rotate(self, session: Session, old: bytes, new: bytes) -> bool:
        """Gives a session another cookie beside the `old` one; False if another worker just did."""
        update = (
            "UPDATE sessions SET sha256 = ?, previous_sha256 = ?, rotated_s = ?, is_confirmed = 0 "
            "WHERE id = ? AND rotated_s = ?"
        )
        with self._database.connect(_SCHEMA) as db:
            values = (new, old, time.time(), session.id, session.rotated_s)
            return bool(db.execute(update, values).rowcount)

    def claim_refresh(self, session: Session, next_s: float) -> bool:
        """Puts a session's refresh off until `next_s`; False if another worker just did.

        A refresh token may be used once: who claims it is the only one to send it.
        """
        update = "UPDATE sessions SET refresh_s = ? WHERE id = ? AND refresh_s = ?"
        with self._database.connect(_SCHEMA) as db:
            values = (next_s, session.id, session.tokens.refresh_s)
            return bool(db.execute(update, values).rowcount)

    def store_refreshed(
        self, session_id: str, *, name: str, groups: frozenset[str], tokens: Tokens
    ) -> None:
        """Stores what the provider says of a person by now."""
        update = (
            "UPDATE sessions SET name = ?, groups = ?, refresh_s = ?, fresh_until_s = ?, "
            "refresh_token = ?, id_token = ?, provider_session = ? WHERE id = ?"
        )
        with self._database.connect(_SCHEMA) as db:
            person = (name, json.dumps(sorted(groups)))
            db.execute(update, (*person, *_token_values(tokens), session_id))

    def delete(self, session_ids: Sequence[str]) -> int:
        """Ends sessions and returns how many there were."""
        with self._database.connect(_SCHEMA) as db:
            delete = "DELETE FROM sessions WHERE id = ?"
            return sum(db.execute(delete, (session_id,)).rowcount for session_id in session_ids)

    def use_sign_in(self, sign_in_id: str) -> bool:
        """Records that a sign-in was completed; False if it was before."""
        with self._database.connect(_SCHEMA) as db:
            now_s = time.time()
            db.execute("DELETE FROM sign_ins WHERE used_s < ?", (now_s - 2 * SIGN_IN_S,))
            insert = "INSERT INTO sign_ins VALUES (?, ?) ON CONFLICT DO NOTHING"
            return bool(db.execute(insert, (sign_in_id, now_s)).rowcount)

    def _one(self, where: str, values: tuple[object, ...]) -> Session | None:
        if not self._database.exists():
            return None
        with self._database.connect(_SCHEMA) as db:
            query = f"SELECT {_COLUMNS} FROM sessions WHERE {where}"
            row = db.execute(query, values).fetchone()
        return _session(row) if row else None

    def _delete_ended(self, db: Connection, now_s: float) -> None:
        ended = "expires_s <= ? OR used_s <= ? OR fresh_until_s <= ?"
        db.execute(f"DELETE FROM sessions WHERE {ended}", (now_s, now_s - IDLE_S, now_s))


def _token_values(tokens: Tokens) -> tuple[object, ...]:
    times = (tokens.refresh_s, tokens.fresh_until_s)
    return (*times, tokens.refresh_token, tokens.id_token, tokens.provider_session)


def _session(row: Sequence[object]) -> Session:
    values: dict[str, Any] = dict(zip(_COLUMNS.split(", "), row, strict=True))  # Any: the columns'
    values["groups"] = frozenset(json.loads(values["groups"]))
    values["is_confirmed"] = bool(values["is_confirmed"])
    tokens = Tokens(**{field.name: values.pop(field.name) for field in fields(Tokens)})
    return Session(**values, tokens=tokens)
