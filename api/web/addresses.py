"""Which URLs may be fetched: http and https, without a password, at public addresses only.

A name is resolved once, every address is checked, and the connection is made to a checked address
(`connection.py`), so that a second look-up cannot lead elsewhere. That is done again for each
redirect. `add_networks` (a setting) names further networks, such as an intranet's.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpx

from ..errors import FetchFailed, UrlRefused

PORTS = frozenset({80, 443, 8080, 8443})
"""Other ports are refused outside `add_networks`: few pages are there, and many other services."""
MAX_URL_CHARS = 2_000
MAX_ADDRESSES = 3
"""Addresses of one name that are tried."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "2001::/32", "2002::/16", "3fff::/20"),
    )
)
"""Protocols, Teredo and 6to4 (which contain an IPv4 address), and documentation, which older
versions of `ipaddress` take for global."""


def parse_url(text: str) -> httpx.URL:
    """Returns the URL of a page without its fragment; raises UrlRefused."""
    shown = text[:200]
    if len(text) > MAX_URL_CHARS:
        raise UrlRefused(shown, f"has more than {MAX_URL_CHARS:,} characters")
    if not text.isprintable() or " " in text or "\\" in text:
        raise UrlRefused(shown, "contains a character that URLs do not have")
    try:
        url = httpx.URL(text).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlRefused(shown, f"is no URL: {str(error)[:100]}") from None
    if url.scheme not in ("http", "https"):
        raise UrlRefused(shown, "must begin with http:// or https://")
    if not url.host:
        raise UrlRefused(shown, "has no host")
    if url.port is not None and not 0 < url.port < 65_536:
        raise UrlRefused(shown, f"port {url.port} does not exist")
    if url.userinfo or "@" in url.netloc.decode("ascii"):
        raise UrlRefused(_without_user(url), "contains a user name or a password")
    return url


def _without_user(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.host}"


class AddressRules:
    """Resolves host names to addresses that may be connected to."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        """`networks` are allowed on every port, although they are not public."""
        self._networks = tuple(networks)

    async def resolve(self, url: httpx.URL) -> list[Address]:
        """Returns the addresses of the URL's host, in order; raises UrlRefused, FetchFailed.

        Refused is a host of which any address is not public.
        """
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await self.look_up(url.raw_host.decode("ascii"), port)
        if not addresses:
            raise FetchFailed(str(url), f"host {url.host!r} has no address")
        others = [one for one in addresses if not any(one in net for net in self._networks)]
        if not all(map(is_public, others)):
            cause = f"host {url.host!r} is at no public address (see FOOTNOTE_ADD_NETWORKS)"
            raise UrlRefused(str(url), cause)
        if others and port not in PORTS:
            raise UrlRefused(str(url), f"port {port} is not one of {sorted(PORTS)}")
        return addresses[:MAX_ADDRESSES]

    async def look_up(self, host: str, port: int) -> list[Address]:
        """Returns the distinct addresses of a host; raises FetchFailed."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            cause = f"host {host[:200]!r} cannot be resolved"
            raise FetchFailed(host[:200], cause) from error
        texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
        return [ipaddress.ip_address(text) for text in texts]


def is_public(address: Address) -> bool:
    """Returns whether an address is one of the internet's.

    IPv6 outside of global unicast is not: mapped and translated IPv4, local and multicast.
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if any(address in network for network in _SPECIAL):
        return False
    return isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_UNICAST
