"""The cookies of signing in: names, attributes, and the one value that a request has of each.

On https their names begin with `__Host-`: a browser then takes them from this host alone, over TLS,
for the whole host, so that no other host of the domain can plant one (RFC 6265bis, section 4.1.3).
"""

import re
from collections.abc import Iterable

HeaderPairs = Iterable[tuple[bytes, bytes]]

SESSION = "footnote-session"
SIGN_IN = "footnote-sign-in"
_VALUE = re.compile(r"[A-Za-z0-9_.~-]{1,3000}")


def read_cookie(headers: HeaderPairs, name: str, *, is_secure: bool) -> str | None:
    """Returns a cookie's value; None if it is missing, malformed or there twice."""
    wanted = _full_name(name, is_secure=is_secure)
    values = [
        value.strip()
        for header, line in headers
        if header == b"cookie"
        for part in line.decode("latin-1").split(";")
        for key, _, value in [part.partition("=")]
        if key.strip() == wanted
    ]
    is_one = len(values) == 1 and _VALUE.fullmatch(values[0])
    return values[0] if is_one else None


def write_cookie(name: str, value: str, *, is_secure: bool, max_age_s: int) -> str:
    """Returns the value of a `Set-Cookie` header; `max_age_s` 0 deletes the cookie."""
    secure = "; Secure" if is_secure else ""
    full_name = _full_name(name, is_secure=is_secure)
    return f"{full_name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"


def _full_name(name: str, *, is_secure: bool) -> str:
    return f"__Host-{name}" if is_secure else name
