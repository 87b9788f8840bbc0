"""Widget tokens: ten minutes of reading for pages of one origin, signed and not kept.

A token is `fw_CLAIMS.SIGNATURE`: the origin, the collections, the end, and the key it was made
with, if one was; it ends with that key.
"""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Collection
from dataclasses import dataclass

from ..wire.signed_links import Links

PREFIX = "fw_"
TTL_S = 600
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says."""

    origin: str
    collections: frozenset[str]
    expires_s: int
    key_id: str | None


class Tokens:
    """Makes and reads the tokens of one service, by the secret of its links."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def make(
        self,
        origin: str,
        collections: Collection[str],
        *,
        key_id: str | None = None,
        ends_in_s: int = TTL_S,
    ) -> str:
        """Returns a token, whose maker has checked that all of this may be."""
        claims = [origin, sorted(collections), int(time.time()) + ends_in_s, key_id]
        text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"{PREFIX}{text}.{self._links.sign('widget', text)}"

    def read(self, token: str, *, origin: str | None) -> Claims | None:
        """Returns what a token says where it is ours, has not ended and is of this origin."""
        text, _, signature = token.removeprefix(PREFIX).partition(".")
        if len(token) > _LONGEST or not token.startswith(PREFIX):
            return None
        expected = self._links.sign("widget", text).encode()
        if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape")):
            return None
        claims = _claims(text)
        same = claims.origin == origin and claims.expires_s > time.time()
        return claims if same else None


def _claims(text: str) -> Claims:
    try:
        said = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise AssertionError("we signed what we cannot read") from error
    origin, collections, expires_s, key_id = said
    return Claims(origin, frozenset(collections), expires_s, key_id)
