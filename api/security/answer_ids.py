"""Answer ids: signed, so that feedback is stored only on answers that this service gave.

An id is `ans_` and 42 characters: its time and 88 random bits, then an HMAC over them, the
collection and who asked. Nothing is stored to recognise it, and all workers share the secret.
"""

import base64
import hmac
import secrets
import time
from collections.abc import Iterable

from ..wire.signed_links import LinkSigner

PREFIX = "ans_"
TTL_S = 30 * 86_400
"""How long an answer may be rated: 30 days."""

_TIME_BYTES, _RANDOM_BYTES = 4, 11
_PAYLOAD_CHARS = 20
_SIGNATURE_CHARS = 22
"""132 of the 256 bits of the HMAC."""


def issue_answer_id(links: LinkSigner, collection: str, asker: str) -> str:
    """Returns a new id for an answer from a collection to `asker` (`Caller.identity`)."""
    payload = int(time.time()).to_bytes(_TIME_BYTES) + secrets.token_bytes(_RANDOM_BYTES)
    text = base64.urlsafe_b64encode(payload).decode()
    return f"{PREFIX}{text}{_signature(links, text, collection, asker)}"


def answered_collection(
    links: LinkSigner, answer_id: str, collections: Iterable[str], asker: str
) -> str | None:
    """Returns which of the collections an id answered from; None if it is not valid.

    It is valid for `asker` alone, and for 30 days.
    """
    text = answer_id.removeprefix(PREFIX)[:_PAYLOAD_CHARS]
    given = answer_id.removeprefix(PREFIX + text).encode("utf-8", "surrogateescape")
    for collection in collections:
        if hmac.compare_digest(_signature(links, text, collection, asker).encode(), given):
            issued_s = int.from_bytes(base64.urlsafe_b64decode(text)[:_TIME_BYTES])
            return collection if time.time() < issued_s + TTL_S else None
    return None


def _signature(links: LinkSigner, text: str, collection: str, asker: str) -> str:
    return links.sign("answer", text, collection, asker)[:_SIGNATURE_CHARS]
