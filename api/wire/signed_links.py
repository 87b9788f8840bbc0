"""Signed links: they show one cited passage to anyone who has them, until they expire.

The only place that builds and verifies them. A link names the source, the span, the file's version
and a fingerprint of the quoted text, and opens exactly that page (HMAC-SHA-256, RFC 2104) and, with
the same parameters, the source's original file and its pages. Where there are rules of who may
read what it names its maker's groups, and is refused once they may not read the source. If the
file has changed since, the fingerprint finds the quoted text in its new version.
"""

import asyncio
import base64
import copy
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode

import numpy as np
from numpy.typing import NDArray

from ..errors import LinkInvalid, StateUnreadable
from ..state.db import Database, copy_rows

log = logging.getLogger("footnote")

VERSION_CHARS = 12
"""How much of a file's SHA-256 a link contains, to detect that the file has changed."""
TTL_S = 7 * 86_400
"""How long a link opens its page without a key: a week."""
STEP_S = 3_600
"""Links expire on the hour, so that repeated answers have the same link for a while."""

RETRY_S = 5.0
"""How often the secret is looked for while a shared database is unreachable."""

_VIEW = re.compile(r"/v1/sources/([^/]+)/(?:view|original|pages/[0-9]+\.png)")
_SIGNED = ("start", "end", "v", "q", "exp")
_GROUPS = "groups"
_SCHEMA = "CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);"
_HASH_CHARS = 16
SEARCH_CHARS = 1_000_000
"""How far from its old place a quote is searched for, in characters to either side."""
_MAX_CANDIDATES = 1_000
_MAX_HASHED_CHARS = 1_000_000
"""Bound a search: in a text of one repeated letter every position is a candidate."""


class LinkSigner:
    """Builds and verifies the links of one service; its workers share the secret."""

    def __init__(
        self,
        database: Database,
        *,
        base: str,
        ttl_s: int = TTL_S,
        groups: frozenset[str] | None = None,
    ) -> None:
        """`base` is the prefix of all links: `public_url` or just a path. Reads nothing yet.

        The links open what callers of the `groups` may read; None: everything.
        """
        self._database, self.base, self._ttl_s = database, base.rstrip("/"), ttl_s
        self._groups = groups
        self._secret: bytes | None = None
        self._own_secret: bytes | None = None
        """Of this process alone, as long as the stored one cannot be read."""

    @property
    def secret(self) -> bytes:
        """The stored secret, or one for this process where that fails; blocks the first time."""
        if self._secret is None and self._own_secret is None:
            self.load()
        secret = self._secret or self._own_secret
        assert secret  # `load` sets one of them
        return secret

    def load(self) -> bool:
        """Returns whether the stored secret could be read, or a new one stored; blocks."""
        new_secret = secrets.token_bytes(32)
        insert = "INSERT INTO secrets VALUES ('links', ?) ON CONFLICT DO NOTHING"
        try:
            with self._database.connect(_SCHEMA) as db:
                db.execute(insert, (new_secret,))
                row = db.execute("SELECT value FROM secrets WHERE name = 'links'").fetchone()
                self._secret = row[0]
        except StateUnreadable as error:
            if self._own_secret is None:
                message = "signed links expire with this process, no secret can be saved: %s"
                log.warning(message, error)
            self._own_secret = self._own_secret or new_secret
        return self._secret is not None

    def copy_to(self, target: Database) -> int:
        """Returns how many secrets were copied to another database, 0 or 1; blocks."""
        return copy_rows(self._database, target, _SCHEMA, "secrets")

    @asynccontextmanager
    async def loaded(self) -> AsyncIterator[None]:
        """Loads the secret before the block; in a shared database tries until that succeeds."""
        is_loaded = await asyncio.to_thread(self.load)
        is_retried = self._database.is_shared and not is_loaded
        retries = asyncio.create_task(self._load_until_done()) if is_retried else None
        try:
            yield
        finally:
            if retries:
                retries.cancel()
                await asyncio.wait({retries})

    async def _load_until_done(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S)
            if await asyncio.to_thread(self.load):
                return

    def with_base(self, base: str, groups: frozenset[str] | None) -> "LinkSigner":
        """Returns a signer of links for callers of these groups, with the same secret."""
        signer = copy.copy(self)
        signer.base, signer._groups = base.rstrip("/"), groups
        return signer

    def view_url(self, source_id: str, sha256: str, *, start: int, end: int, quote: str) -> str:
        """Returns the signed URL of the page that shows `start:end` of the source, highlighted."""
        expires_s = (int(time.time()) + self._ttl_s) // STEP_S * STEP_S + STEP_S
        fingerprint = fingerprint_quote(quote)
        values = (str(start), str(end), sha256[:VERSION_CHARS], fingerprint, str(expires_s))
        query = dict(zip(_SIGNED, values, strict=True))
        if self._groups is not None:
            query[_GROUPS] = json.dumps(sorted(self._groups), ensure_ascii=False)
        query["sig"] = self.sign("view", source_id, *query.values())
        return f"{self.source_url(source_id)}?{urlencode(query)}#cite"

    def source_url(self, source_id: str) -> str:
        """Returns the URL of the page of a whole source; it is not signed."""
        return f"{self.base}/v1/sources/{source_id}/view"

    def verify(self, path: str, query: str) -> bool:
        """Returns whether the request has a valid signed link to `path`; False if not signed.

        Raises LinkInvalid if the link was altered, has expired or belongs to another page.
        """
        pairs = parse_qsl(query, keep_blank_values=True)
        parameters = dict(pairs)
        if "sig" not in parameters:
            return False
        match = _VIEW.fullmatch(path)
        values = [parameters.get(name, "") for name in _SIGNED]
        values += [parameters[_GROUPS]] if _GROUPS in parameters else []
        expected = self.sign("view", match[1] if match else "", *values)
        signature = parameters["sig"].encode("utf-8", "surrogateescape")
        has_duplicates = len(pairs) != len(parameters)
        if has_duplicates or not hmac.compare_digest(expected.encode(), signature):
            raise LinkInvalid("this link was altered or was not issued by this service")
        if int(parameters["exp"]) <= time.time():
            raise LinkInvalid("this link has expired; ask again for a new one")
        return True

    def groups(self, query: str) -> frozenset[str] | None:
        """Returns the groups of a verified link; None: it opens everything."""
        text = dict(parse_qsl(query, keep_blank_values=True)).get(_GROUPS)
        return None if text is None else frozenset(json.loads(text))

    def sign(self, purpose: str, *parts: str) -> str:
        """Returns the signature of `parts`, which must not contain line breaks, for a purpose."""
        message = "\n".join((purpose, *parts)).encode("utf-8", "surrogateescape")
        digest = hmac.digest(self.secret, message, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def fingerprint_quote(quote: str) -> str:
    """Returns 20 characters that identify a quote: a sum of its code points, then a hash.

    The sums of all windows of a text are one subtraction of running totals, so `find_quote` hashes
    only the windows whose sum matches. An empty quote has an empty fingerprint.
    """
    return f"{_running_sums(quote)[-1]:04x}{_hash(quote)}" if quote else ""


def find_quote(fingerprint: str, text: str, *, length: int, near: int) -> int | None:
    """Returns where the quote of `length` characters starts, nearest to `near`, or None.

    Looks `SEARCH_CHARS` around `near`, and at the nearest candidates of equal sum only.
    """
    if not fingerprint or not 0 < length <= len(text):
        return None
    try:
        expected_sum = int(fingerprint[:4], 16)
    except ValueError:
        return None
    near = min(near, len(text))
    offset = max(0, near - SEARCH_CHARS)
    sums = _running_sums(text[offset : near + SEARCH_CHARS + length])
    starts = np.flatnonzero(sums[length:] - sums[:-length] == expected_sum) + offset
    limit = min(_MAX_CANDIDATES, _MAX_HASHED_CHARS // length + 1)
    middle = int(np.searchsorted(starts, near))
    nearest = starts[max(0, middle - limit) : middle + limit]
    order = np.argsort(np.abs(nearest - near), kind="stable")[:limit]
    matches = (at for at in nearest[order] if _hash(text[at : at + length]) == fingerprint[4:])
    return next((int(at) for at in matches), None)


def _running_sums(text: str) -> NDArray[np.uint16]:
    """Returns the sums of the first 0, 1, … code points, modulo 65,536."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return np.concatenate((np.zeros(1, np.uint16), np.cumsum(points, dtype=np.uint16)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
