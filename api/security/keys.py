"""Keys: made, listed, revoked in `state.sqlite3`; found in memory by what a request presents.

A key is `fn_ID_SECRET` with 256 random bits, so one SHA-256 of it is kept and no slow hash. Rows
are never deleted: where the last key is revoked, the service stays closed.
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
from pathlib import Path
from typing import Literal, get_args

from ..errors import KeyMalformed, KeyUnknown
from ..state.db import opened

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

RECHECK_S = 1.0
"""No request is decided by keys read longer ago than this."""

NEW_S = 0.05
"""A key that is not known yet is looked for again after this, once for all who present one."""

_SHAPE = re.compile(r"fn_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, scopes TEXT NOT NULL,
    collections TEXT, created_s REAL NOT NULL, expires_s REAL, revoked_s REAL
);
"""
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; times are seconds since 1970, `collections` None: every one."""

    id: str
    name: str
    sha256: bytes
    scopes: frozenset[Scope]
    collections: frozenset[str] | None
    created_s: float
    expires_s: float | None
    revoked_s: float | None

    def status(self, now_s: float) -> Literal["valid", "expired", "revoked"]:
        """Returns whether the key opens anything at `now_s`."""
        if self.revoked_s is not None:
            return "revoked"
        return "expired" if self.expires_s is not None and self.expires_s <= now_s else "valid"


class Keys:
    """The keys of one data folder; `refresh` reads them, `find` asks what was read."""

    def __init__(self, path: Path) -> None:
        """Reads nothing yet."""
        self._path = path
        self._known: Mapping[str, Key] = {}
        self._read_at: float | None = None

    def create(
        self,
        *,
        scopes: Collection[Scope],
        name: str = "",
        collections: Collection[str] = (),
        expires_s: float | None = None,
        given: str | None = None,
    ) -> str:
        """Returns a new key, which is not kept and cannot be shown again; blocks.

        `given` is one that was made elsewhere; where it is known already, nothing changes, even if
        it was revoked. Raises KeyMalformed for what no `create` made.
        """
        made = f"fn_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
        key = made if given is None else given
        shape = _SHAPE.fullmatch(key)
        if shape is None:
            raise KeyMalformed
        key_id = shape[1]
        listed = json.dumps(sorted(collections)) if collections else None
        row = (key_id, name, _digest(key), json.dumps(sorted(scopes)), listed, time.time())
        with opened(self._path, _SCHEMA) as base:
            known = base.execute("SELECT sha256 FROM keys WHERE id = ?", (key_id,)).fetchone()
            if known is None:
                insert = "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
                base.execute(insert, (*row, expires_s))
            elif known[0] != _digest(key):
                raise KeyMalformed
        return key

    def all(self) -> list[Key]:
        """Returns every key ever made, the oldest first; blocks."""
        if not self._path.exists():
            return []
        with opened(self._path, _SCHEMA) as base:
            rows = base.execute("SELECT * FROM keys ORDER BY created_s").fetchall()
        return [
            Key(
                key_id,
                name,
                sha256,
                frozenset(json.loads(scopes)),
                frozenset(json.loads(collections)) if collections else None,
                *times,
            )
            for key_id, name, sha256, scopes, collections, *times in rows
        ]

    def revoke(self, key_id: str) -> None:
        """Closes a key for good; raises KeyUnknown. Running services notice within seconds."""
        change = "UPDATE keys SET revoked_s = coalesce(revoked_s, ?) WHERE id = ?"
        with opened(self._path, _SCHEMA) as base:
            if not base.execute(change, (time.time(), key_id)).rowcount:
                raise KeyUnknown(key_id)

    @property
    def is_stale(self) -> bool:
        """Whether `refresh` is due."""
        return self._read_at is None or time.monotonic() - self._read_at > RECHECK_S

    def may_be_new(self, presented: str) -> bool:
        """Whether a text has a key's shape, and may have been made since the keys were read."""
        shape = _SHAPE.fullmatch(presented)
        known = shape is None or shape[1] in self._known
        return not known and (self._read_at or 0) < time.monotonic() - NEW_S

    def refresh(self) -> None:
        """Reads the keys anew; blocks. Raises sqlite3.Error."""
        began = time.monotonic()
        self._known = {key.id: key for key in self.all()}
        self._read_at = began

    @property
    def any_defined(self) -> bool:
        """Whether a key was ever made, usable or not."""
        return bool(self._known)

    def find(self, presented: str) -> Key | None:
        """Returns the valid key that was presented, None for any other text."""
        shape = _SHAPE.fullmatch(presented)
        key = self._known.get(shape[1]) if shape else None
        same = hmac.compare_digest(_digest(presented), key.sha256 if key else _NO_HASH)
        return key if key and same and self.is_valid(key.id) else None

    def is_valid(self, key_id: str) -> bool:
        """Returns whether the key with this id opens anything now."""
        key = self._known.get(key_id)
        return key is not None and key.status(time.time()) == "valid"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def as_date(seconds: float | None) -> str | None:
    """Returns a time as ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
