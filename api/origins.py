"""By which names the service may be called, and which pages may call it: exact lists, no patterns.

A name that is not ours means DNS rebinding: a foreign page whose name now points here. An Origin
holds only in browsers; anything else can forge one, so it never replaces a key.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:[0-9]{1,5})?")
_PORTS = {"http": ":80", "https": ":443"}


def exact_origin(value: str) -> str:
    """Returns an origin as browsers send it; raises ValueError for all that is none."""
    origin = value.strip().rstrip("/").lower()
    origin = origin.removesuffix(_PORTS.get(origin.partition(":")[0], "/"))
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("must be like https://docs.example.org, in ASCII, without a path")
    return origin


def exact_host(value: str) -> str:
    """Returns a host's name as it stands before the port; raises ValueError for all others."""
    host = value.strip().lower()
    found = _HOST.fullmatch(host)
    if not found or found[2]:
        raise ValueError("must be a name or an address, without a port")
    return host


@dataclass(frozen=True, slots=True)
class Origins:
    """The names and the pages that are allowed, in the form in which browsers send them."""

    hosts: frozenset[str]
    pages: frozenset[str]
    """`widget_origins`."""
    own: str | None
    """The origin of `public_url`."""
    any_address: bool
    """We listen on every address, so any that is written in digits may be ours."""

    @classmethod
    def of(
        cls, *, host: str, hosts: Iterable[str], pages: Iterable[str], public_url: str | None
    ) -> "Origins":
        """Returns what the settings say; `host` is where we listen."""
        url = urlsplit(public_url) if public_url else None
        bound = f"[{host}]" if ":" in host else host
        named = {url.hostname or ""} if url else set()
        return cls(
            hosts=LOOPBACK | {bound.lower(), *hosts, *named},
            pages=frozenset(pages),
            own=exact_origin(f"{url.scheme}://{url.netloc.rpartition('@')[2]}") if url else None,
            any_address=host in ("0.0.0.0", "::", ""),
        )

    def is_ours(self, given: list[str]) -> bool:
        """Returns whether the Host headers of a request are one that names us."""
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        if not found or int(found[2] or 0) > 65_535:
            return False
        return found[1] in self.hosts or (self.any_address and _is_address(found[1]))

    def is_own(self, origin: str, scheme: str, host: str) -> bool:
        """Returns whether an origin is the service's; `host` was found to be ours by `is_ours`."""
        here = f"{scheme}://{host.lower()}".removesuffix(_PORTS.get(scheme, "/"))
        return origin in (self.own, here)

    def may_ask(self, origin: str, scheme: str, host: str) -> bool:
        """Returns whether pages of this origin may hold a widget token.

        Our own may where the widget is in use at all: else a forged Origin would replace a key.
        """
        return origin in self.pages or (bool(self.pages) and self.is_own(origin, scheme, host))


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False
