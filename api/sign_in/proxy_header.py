"""Who a proxy says is signed in: a header that counts from `trusted_proxies` alone.

Runs before everything else, since the proxy's own address is known only here: what forwards
requests then replaces it by the client's. From anybody else the headers are removed, so that
nothing further in can take them for the proxy's; one that is there twice counts for nothing.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from .failure import SignInFailed
from .people import Person, check_groups, clean_name, subject_id

MAX_CHARS = 255
STATE = "proxy_person"


class ProxyPersonMiddleware:
    """Takes the person of a trusted proxy's header into the request's state."""

    def __init__(
        self, app: ASGIApp, *, header: str, groups_header: str | None, proxies: Sequence[str]
    ) -> None:
        """`proxies` are addresses or networks."""
        self.app = app
        self._header = header.encode()
        self._groups_header = groups_header.encode() if groups_header else None
        self._networks = [ip_network(proxy) for proxy in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, always without the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        names = {self._header, self._groups_header}
        given = [(name, value) for name, value in scope["headers"] if name in names]
        if given:
            kept = [pair for pair in scope["headers"] if pair[0] not in names]
            scope = {**scope, "headers": kept, "state": dict(scope.get("state", {}))}
            if self._is_trusted(scope) and (person := self._person(given)):
                scope["state"][STATE] = person
        await self.app(scope, receive, send)

    def _is_trusted(self, scope: Scope) -> bool:
        client = scope.get("client")
        try:
            address = ip_address(str(client[0]) if client else "")
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def _person(self, given: Sequence[tuple[bytes, bytes]]) -> Person | None:
        users = [value for name, value in given if name == self._header]
        groups = [value for name, value in given if name == self._groups_header]
        if len(users) != 1 or len(groups) > 1:
            return None
        try:
            user, names = users[0].decode().strip(), b"".join(groups).decode()
            memberships = [name.strip() for name in names.split(",") if name.strip()]
            checked = check_groups(memberships)
        except (UnicodeDecodeError, SignInFailed):
            return None
        if not 0 < len(user) <= MAX_CHARS or not user.isprintable():
            return None
        return Person(subject_id("proxy", user), clean_name(user), checked)
