"""Allowed hosts and origins: the names the service may be called by, the pages that may call it.

Exact lists, no patterns. Another Host means DNS rebinding: a foreign page whose name now resolves
to this address. Only browsers send a reliable Origin; other clients can forge it, so it never
replaces a key.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def normalize_origin(value: str) -> str:
    """Returns an origin as browsers send it; raises ValueError if it is not one."""
    origin = value.strip().rstrip("/").lower()
    origin = origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], "/"))
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("must be like https://docs.example.org, in ASCII, without a path")
    return origin


def normalize_host(value: str) -> str:
    """Returns a host as it appears in a Host header; raises ValueError for one with a port."""
    host = value.strip().lower()
    match = _HOST.fullmatch(host)
    if not match or match[2]:
        raise ValueError("must be a name or an address, without a port")
    return host


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """The allowed hosts and origins, as browsers send them."""

    hosts: frozenset[str]
    origins: frozenset[str]
    """`widget_origins`."""
    public_origin: str | None
    """The origin of `public_url`."""
    is_page_public: bool
    """Whether everybody may ask on the service's own pages."""
    allows_any_address: bool
    """The service listens on every address, so any IP address may be its own."""

    @classmethod
    def create(
        cls,
        *,
        listen_host: str,
        hosts: Iterable[str],
        origins: Iterable[str],
        public_url: str | None,
        public_page: bool,
    ) -> "OriginPolicy":
        """Returns the policy of these settings."""
        url = urlsplit(public_url) if public_url else None
        bound = f"[{listen_host}]" if ":" in listen_host else listen_host
        public_hosts = {url.hostname or ""} if url else set()
        public_origin = f"{url.scheme}://{url.netloc.rpartition('@')[2]}" if url else None
        return cls(
            hosts=LOOPBACK | {bound.lower(), *hosts, *public_hosts},
            origins=frozenset(origins),
            public_origin=normalize_origin(public_origin) if public_origin else None,
            is_page_public=public_page,
            allows_any_address=listen_host in ("0.0.0.0", "::", ""),
        )

    def is_allowed_host(self, host_headers: list[str]) -> bool:
        """Returns whether a request has exactly one Host header, and that names this service."""
        match = _HOST.fullmatch(host_headers[0].lower()) if len(host_headers) == 1 else None
        if not match or int(match[2] or 0) > 65_535:
            return False
        return match[1] in self.hosts or (self.allows_any_address and _is_address(match[1]))

    def is_same_origin(self, origin: str, scheme: str, host: str) -> bool:
        """Returns whether an origin is the service's own; `host` must be an allowed one."""
        own_origin = f"{scheme}://{host.lower()}".removesuffix(_DEFAULT_PORTS.get(scheme, "/"))
        return origin in (self.public_origin, own_origin)

    def may_hold_token(self, origin: str, scheme: str, host: str, *, has_key: bool) -> bool:
        """Returns whether pages of this origin may hold a widget token.

        The service's own pages may if `public_page` says so, or if a key requests it for them:
        otherwise a forged Origin would replace a key.
        """
        if origin in self.origins:
            return True
        opens_own_pages = self.is_page_public or has_key
        return opens_own_pages and self.is_same_origin(origin, scheme, host)


def is_loopback_name(host: str) -> bool:
    """Returns whether a host's name or address is of this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False
