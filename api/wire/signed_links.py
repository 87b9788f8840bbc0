"""Signed links: where a passage can be seen, for a while, by whoever holds the link.

The only place that builds and checks them. A link names the source, the span, the file's version
and a mark of the quoted words, and opens exactly that view; RFC 2104's HMAC with SHA-256.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets
import sqlite3
import time
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from ..errors import LinkRefused
from ..state.db import opened
from .quotes import mark_of

log = logging.getLogger("footnote")

VERSION_CHARS = 12
"""How much of a file's sha256 a link carries, to notice that the file has changed since."""
STEP_S = 3_600
"""Links end on whole hours, so that a passage's link is the same for a while."""

_VIEW = re.compile(r"/v1/sources/([^/]+)/view")
_SIGNED = ("start", "end", "v", "q", "exp")
_SCHEMA = "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);"


class Links:
    """Makes and checks the links of one service; all its workers share the secret."""

    def __init__(self, state: Path, *, base: str, ttl_s: int) -> None:
        """`base` is what a link begins with: `public_url`, or only a path; reads nothing yet."""
        self._state, self._base, self._ttl_s = state, base.rstrip("/"), ttl_s

    @cached_property
    def secret(self) -> bytes:
        """The secret of `state.sqlite3`; blocks. Where it cannot be kept, it ends with us."""
        made = secrets.token_bytes(32)
        try:
            with opened(self._state, _SCHEMA) as base:
                base.execute("INSERT OR IGNORE INTO secrets VALUES ('links', ?)", (made,))
                rows = base.execute("SELECT value FROM secrets WHERE name = 'links'")
                kept: bytes = rows.fetchone()[0]
                return kept
        except (sqlite3.Error, OSError) as error:
            log.warning("links will end with this process, no secret can be kept: %s", error)
            return made

    def beginning(self, base: str) -> "Links":
        """Returns what makes the same links beginning with `base`."""
        made = Links(self._state, base=base, ttl_s=self._ttl_s)
        made.secret = self.secret
        return made

    def view(self, source_id: str, sha256: str, *, start: int, end: int, quote: str) -> str:
        """Returns the address of the page that shows `start:end` of the source, marked."""
        version = sha256[:VERSION_CHARS]
        ends_s = (int(time.time()) + self._ttl_s) // STEP_S * STEP_S + STEP_S
        values = (str(start), str(end), version, mark_of(quote), str(ends_s))
        query = dict(zip(_SIGNED, values, strict=True)) | {
            "sig": self.sign("view", source_id, *values)
        }
        return f"{self.article(source_id)}?{urlencode(query)}#cite"

    def article(self, source_id: str) -> str:
        """Returns the address of the page of a whole article; it is not signed."""
        return f"{self._base}/v1/sources/{source_id}/view"

    def check(self, path: str, query: str) -> bool:
        """Returns whether a valid signed link to the page at `path` was asked; False: unsigned.

        Raises LinkRefused for one that was altered, has expired or is of another page.
        """
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        if "sig" not in given:
            return False
        asked = _VIEW.fullmatch(path)
        values = tuple(given.get(name, "") for name in _SIGNED)
        expected = self.sign("view", asked[1] if asked else "", *values)
        signature = given["sig"].encode("utf-8", "surrogateescape")
        if len(pairs) != len(given) or not hmac.compare_digest(expected.encode(), signature):
            raise LinkRefused("this link was altered, or is not one of ours")
        if int(given["exp"]) <= time.time():
            raise LinkRefused("this link has expired; ask again for a new one")
        return True

    def sign(self, purpose: str, *parts: str) -> str:
        """Returns the signature of `parts`, none of which holds a line break, for one purpose."""
        signed = "\n".join((purpose, *parts)).encode("utf-8", "surrogateescape")
        made = hmac.digest(self.secret, signed, hashlib.sha256)
        return base64.urlsafe_b64encode(made).decode().rstrip("=")
