"""API keys: created, listed and revoked in the state, looked up in memory.

A key is `fn_ID_SECRET` with 256 random bits, so a SHA-256 is stored and no slow hash. Rows are
never deleted: after the last key is revoked the service stays closed.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from ..errors import KeyInvalid, StateUnreadable
from ..state.db import Database, copy_rows

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

MAX_AGE_S = 1.0
"""Keys that were read longer ago than this are read again."""
SHARED_MAX_AGE_S = 5.0
"""In a shared database, keys that were read longer ago than this decide no request."""
UNKNOWN_KEY_AGE_S = 0.05
"""The same for an unknown key, which may be new; one read serves all requests that wait for it."""

_KEY = re.compile(r"fn_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, scopes TEXT NOT NULL,
    collections TEXT, created_s REAL NOT NULL, expires_s REAL, revoked_s REAL
);
CREATE TABLE IF NOT EXISTS key_groups (id TEXT PRIMARY KEY, names TEXT NOT NULL);
"""
_NO_DIGEST = bytes(32)
_NOT_A_KEY = "not a key created by `footnote keys create`, or its id is already in use"


@dataclass(frozen=True, slots=True)
class Key:
    """A stored key; times are seconds since 1970, `collections` None means all of them."""

    id: str
    name: str
    sha256: bytes
    scopes: frozenset[Scope]
    collections: frozenset[str] | None
    created_s: float
    expires_s: float | None
    revoked_s: float | None
    groups: frozenset[str] = frozenset()
    """Those of its holder, whose articles it may read besides those for everybody."""

    def status(self, now_s: float) -> Literal["valid", "expired", "revoked"]:
        """Returns the key's status at `now_s`."""
        if self.revoked_s is not None:
            return "revoked"
        return "expired" if self.expires_s is not None and self.expires_s <= now_s else "valid"


class KeyStore:
    """The keys of one service; `refresh` reads them, `find` looks them up in memory."""

    def __init__(self, database: Database) -> None:
        """Reads nothing yet."""
        self._database = database
        self.is_readable = True
        """Whether the last `refresh` succeeded."""
        self._keys: Mapping[str, Key] = {}
        self._read_at: float | None = None

    def create(
        self,
        *,
        scopes: Collection[Scope],
        name: str = "",
        collections: Collection[str] = (),
        groups: Collection[str] = (),
        expires_s: float | None = None,
        key: str | None = None,
    ) -> str:
        """Returns a new key, which is stored only as a hash; blocks.

        `key` is one that was created elsewhere; if it is stored already, nothing changes, even if
        it was revoked. Raises KeyInvalid if it was not created by this method.
        """
        if key is None:
            key = f"fn_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
        match = _KEY.fullmatch(key)
        if match is None:
            raise KeyInvalid(_NOT_A_KEY)
        key_id, digest = match[1], _digest(key)
        collections_json = json.dumps(sorted(collections)) if collections else None
        row = (key_id, name, digest, json.dumps(sorted(scopes)), collections_json, time.time())
        with self._database.connect(_SCHEMA) as db:
            db.lock("keys")
            stored = db.execute("SELECT sha256 FROM keys WHERE id = ?", (key_id,)).fetchone()
            if stored is None:
                insert = "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
                db.execute(insert, (*row, expires_s))
                if groups:
                    names = json.dumps(sorted(groups))
                    db.execute("INSERT INTO key_groups VALUES (?, ?)", (key_id, names))
            elif stored[0] != digest:
                raise KeyInvalid(_NOT_A_KEY)
        return key

    def all(self) -> list[Key]:
        """Returns every key that was ever created, the oldest first; blocks."""
        if not self._database.exists():
            return []
        with self._database.connect(_SCHEMA) as db:
            rows = db.execute("SELECT * FROM keys ORDER BY created_s").fetchall()
            groups = dict(db.execute("SELECT id, names FROM key_groups").fetchall())
        return [
            Key(
                key_id,
                name,
                sha256,
                frozenset(json.loads(scopes)),
                frozenset(json.loads(collections)) if collections else None,
                created_s,
                expires_s,
                revoked_s,
                frozenset(json.loads(groups.get(key_id, "[]"))),
            )
            for key_id, name, sha256, scopes, collections, created_s, expires_s, revoked_s in rows
        ]

    def revoke(self, key_id: str) -> None:
        """Revokes a key, also for running services within seconds; raises KeyInvalid."""
        update = "UPDATE keys SET revoked_s = coalesce(revoked_s, ?) WHERE id = ?"
        with self._database.connect(_SCHEMA) as db:
            if not db.execute(update, (time.time(), key_id)).rowcount:
                # shortened, since somebody may have pasted a whole key
                raise KeyInvalid(
                    f"no key has the id {key_id[:8]!r}; `footnote keys list` shows all ids"
                )

    def copy_to(self, target: Database) -> int:
        """Returns how many keys were copied to another database; blocks."""
        copy_rows(self._database, target, _SCHEMA, "key_groups")
        return copy_rows(self._database, target, _SCHEMA, "keys")

    def needs_refresh(self, credentials: str) -> bool:
        """Returns whether `refresh` is due, for a key that is not known yet almost at once."""
        return self._are_older(UNKNOWN_KEY_AGE_S if self._may_be_new(credentials) else MAX_AGE_S)

    def may_decide(self, credentials: str) -> bool:
        """Returns whether a request needs no wait for the `refresh` that is due.

        So an outage of a shared database, or a slow one, is not noticed for some seconds.
        """
        is_lenient = self._database.is_shared and not self._may_be_new(credentials)
        return is_lenient and not self._are_older(SHARED_MAX_AGE_S)

    def _may_be_new(self, credentials: str) -> bool:
        match = _KEY.fullmatch(credentials)
        return match is not None and match[1] not in self._keys

    def _are_older(self, max_age_s: float) -> bool:
        return self._read_at is None or time.monotonic() - self._read_at > max_age_s

    def refresh(self) -> None:
        """Reads the keys again; blocks. Raises StateUnreadable."""
        started_at = time.monotonic()
        try:
            self._keys = {key.id: key for key in self.all()}
        except StateUnreadable:
            self.is_readable = False
            raise
        self._read_at, self.is_readable = started_at, True

    @property
    def any_exist(self) -> bool:
        """Whether a key was ever created, valid or not."""
        return bool(self._keys)

    @property
    def none_existed(self) -> bool:
        """Whether there was no key when those of a shared database were last read."""
        return self._database.is_shared and self._read_at is not None and not self._keys

    def find(self, credentials: str) -> Key | None:
        """Returns the valid key that equals `credentials`, compared in constant time, or None."""
        match = _KEY.fullmatch(credentials)
        key = self._keys.get(match[1]) if match else None
        is_equal = hmac.compare_digest(_digest(credentials), key.sha256 if key else _NO_DIGEST)
        return key if key and is_equal and self.is_valid(key.id) else None

    def is_valid(self, key_id: str) -> bool:
        """Returns whether the key with this id is neither expired nor revoked."""
        key = self._keys.get(key_id)
        return key is not None and key.status(time.time()) == "valid"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def format_utc(seconds: float | None) -> str | None:
    """Returns a time as ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
