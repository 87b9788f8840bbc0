"""Widget tokens: signed, not stored; they let pages of one origin read for ten minutes.

A token is `fw_CLAIMS.SIGNATURE`: origin, collections, expiry, the groups of its holder, and the key
or the session that issued it, if any, with which it ends too. PyJWT is not used: a JWT adds a
header that chooses the algorithm, and the links' HMAC with its purpose is needed anyway (30 lines
here, and links must keep their format).
"""

import base64
import hmac
import json
import time
from collections.abc import Collection
from dataclasses import dataclass

from ..wire.signed_links import LinkSigner

TOKEN_PREFIX = "fw_"
TTL_S = 600
_MAX_CHARS = 4_000
PARTS = 6
"""Of a token: tokens of an older version, which had fewer, end with the update."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The content of a valid token."""

    origin: str
    collections: frozenset[str]
    expires_s: int
    key_id: str | None
    groups: frozenset[str] | None = frozenset()
    session_id: str | None = None


class WidgetTokens:
    """Issues and verifies the tokens of one service, with the secret of its signed links."""

    def __init__(self, links: LinkSigner) -> None:
        self._links = links

    def issue(
        self,
        origin: str,
        collections: Collection[str],
        *,
        groups: Collection[str] | None = (),
        key_id: str | None = None,
        session_id: str | None = None,
        ttl_s: int = TTL_S,
    ) -> str:
        """Returns a token; the route has checked that its requester may have all of this."""
        named = None if groups is None else sorted(groups)
        expires_s = int(time.time()) + ttl_s
        claims = [origin, sorted(collections), expires_s, key_id, named, session_id]
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"{TOKEN_PREFIX}{payload}.{self._links.sign('widget', payload)}"

    def verify(self, token: str, *, origin: str | None) -> Claims | None:
        """Returns a token's claims if it is ours, has not expired and is for this origin."""
        if len(token) > _MAX_CHARS or not token.startswith(TOKEN_PREFIX):
            return None
        payload, _, signature = token.removeprefix(TOKEN_PREFIX).partition(".")
        expected = self._links.sign("widget", payload).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape")):
            return None
        padding = "=" * (-len(payload) % 4)
        parts = json.loads(base64.urlsafe_b64decode(payload + padding))
        if len(parts) != PARTS:  # of another version
            return None
        origin_claim, collections, expires_s, key_id, groups, session_id = parts
        if origin_claim != origin or expires_s <= time.time():
            return None
        named = None if groups is None else frozenset(groups)
        return Claims(origin_claim, frozenset(collections), expires_s, key_id, named, session_id)
