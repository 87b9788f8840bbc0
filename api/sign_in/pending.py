"""A sign-in that has begun: bound to one browser by a cookie, ten minutes long, used once.

The cookie holds a random id, signed with where to go afterwards. State, nonce and PKCE verifier are
derived from that id with the service's secret, so nothing is stored for who only begins, and
neither the address of the callback nor the cookie alone is enough to complete it.
"""

import base64
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..state.sessions import SIGN_IN_S
from ..wire.signed_links import LinkSigner

MAX_NEXT_CHARS = 1_000
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9]{1,12})\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What begins with `/sign-in` and ends with the callback."""

    id: str
    next: str
    """Where to go afterwards: a path of this service."""
    state: str
    nonce: str
    verifier: str


def begin_sign_in(links: LinkSigner, next_path: str) -> tuple[PendingSignIn, str]:
    """Returns a new sign-in and its cookie."""
    sign_in_id, expires = secrets.token_urlsafe(32), str(int(time.time() + SIGN_IN_S))
    path = base64.urlsafe_b64encode(next_path.encode()).decode().rstrip("=")
    signature = links.sign("sign-in", sign_in_id, expires, path)
    return _pending(links, sign_in_id, next_path), f"{sign_in_id}.{expires}.{path}.{signature}"


def resume_sign_in(links: LinkSigner, cookie: str | None) -> PendingSignIn | None:
    """Returns the sign-in of a cookie; None if that is missing, altered or too old."""
    match = _COOKIE.fullmatch(cookie or "")
    if match is None:
        return None
    sign_in_id, expires, path, signature = match.groups()
    expected = links.sign("sign-in", sign_in_id, expires, path)
    if not hmac.compare_digest(expected, signature) or int(expires) <= time.time():
        return None
    next_path = base64.urlsafe_b64decode(path + "=" * (-len(path) % 4)).decode()
    return _pending(links, sign_in_id, next_path)


def _pending(links: LinkSigner, sign_in_id: str, next_path: str) -> PendingSignIn:
    state, nonce, verifier = (
        links.sign(f"sign-in {purpose}", sign_in_id) for purpose in ("state", "nonce", "verifier")
    )
    return PendingSignIn(sign_in_id, next_path, state, nonce, verifier)


def safe_next(path: str | None, *, root_path: str) -> str:
    """Returns a path of this service to go to; its page where `path` leads anywhere else."""
    home = f"{root_path}/"
    if path is None or len(path) > MAX_NEXT_CHARS or not path.isascii() or not path.isprintable():
        return home
    if not path.startswith(home) or path.startswith("//") or "\\" in path or " " in path:
        return home
    parts = urlsplit(path)
    is_odd = parts.scheme or parts.netloc or parts.path.startswith("//") or "/." in parts.path
    is_signing = parts.path.removeprefix(root_path).startswith(("/sign-in", "/sign-out"))
    return home if is_odd or is_signing else path
