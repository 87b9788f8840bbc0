"""Who is calling, and whether the table lets them: the one place where access is decided.

ASGI middleware, because a FastAPI dependency does not guard mounts. It runs before a body is read,
so a caller without a right costs a hash and a look-up.
"""

import asyncio
import ipaddress
import sqlite3
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import (
    ApiError,
    Forbidden,
    LinkRefused,
    MethodUnknown,
    RouteUnknown,
    StateUnreadable,
    Unauthenticated,
    verdict,
)
from ..wire.problem_details import respond
from ..wire.signed_links import Links
from ..wire.source_page import refused
from .keys import SCOPES, Keys
from .keys import Scope as KeyScope
from .permissions import Access, Who, route_path
from .widget_tokens import PREFIX, Tokens


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: what they may do, in which collections (None: every one)."""

    scopes: frozenset[KeyScope]
    collections: frozenset[str] | None = None
    key_id: str | None = None
    is_widget: bool = False
    """By a widget token, which opens less than a key; `key_id` is then who made it."""


NOBODY = Caller(frozenset(), frozenset())
EVERYBODY = Caller(frozenset(SCOPES))
"""Whoever asks a service without keys, on loopback or with `insecure`."""
HOLDER = Caller(frozenset())
"""Who came by a signed link, to the one page it opens."""


def caller_of(scope: Scope) -> Caller:
    """Returns who sent this request, as the guard found; a request that it did not see: nobody."""
    caller = scope.get("state", {}).get("caller", NOBODY)
    assert isinstance(caller, Caller)
    return caller


def is_loopback(host: str) -> bool:
    """Returns whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets a request pass to the app with its Caller, or answers 401, 403, 404 or 405."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        keys: Keys,
        links: Links,
        tokens: Tokens,
        open_without_keys: bool,
    ) -> None:
        """`open_without_keys`: where no key was ever made, everybody may do everything."""
        self.app = app
        self._access, self._keys, self._links, self._tokens = access, keys, links, tokens
        self._open_without_keys = open_without_keys
        self._reading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decides."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            caller = await self._allowed(scope)
        except LinkRefused as error:  # a person clicked it
            await refused(str(error), verdict(error).status)(scope, receive, send)
            return
        except ApiError as error:
            await respond(error, scope)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)

    async def _allowed(self, scope: Scope) -> Caller:
        rules = self._access.rules(route_path(scope))
        who = rules.get(scope["method"]) if rules else None
        presented = _bearer(scope)
        try:
            caller = await self._caller(presented, scope)
        except StateUnreadable:
            if who is None or who.scope:
                raise
            caller = None
        if who and who.scope is None:
            return caller or NOBODY
        if (
            who
            and who.link
            and self._is_link(scope, or_key=bool(caller and who.scope in caller.scopes))
        ):
            return HOLDER
        if caller is None:
            raise Unauthenticated(given=presented is not None)
        if rules is None:
            raise RouteUnknown
        if who is None:
            raise MethodUnknown(sorted(rules))
        _check_right(who, caller)
        return caller

    def _is_link(self, scope: Scope, *, or_key: bool) -> bool:
        """Returns whether a link opens this; raises LinkRefused where neither it nor a key does."""
        try:
            return self._links.check(route_path(scope), scope["query_string"].decode("latin-1"))
        except LinkRefused:
            if or_key:
                return False
            raise

    async def _caller(self, presented: str | None, scope: Scope) -> Caller | None:
        await self._keep_fresh(presented or "")
        if not self._keys.any_defined and self._open_without_keys:
            return EVERYBODY
        if presented is None:
            return None
        if presented.startswith(PREFIX):
            return self._bearer_of(presented, scope)
        key = self._keys.find(presented)
        return Caller(key.scopes, key.collections, key.id) if key else None

    def _bearer_of(self, token: str, scope: Scope) -> Caller | None:
        said = self._tokens.read(token, origin=Headers(scope=scope).get("origin"))
        if said is None or (said.key_id and not self._keys.is_valid(said.key_id)):
            return None
        return Caller(frozenset({"read"}), said.collections, said.key_id, is_widget=True)

    async def _keep_fresh(self, presented: str) -> None:
        if not (self._keys.is_stale or self._keys.may_be_new(presented)):
            return
        async with self._reading:  # whoever comes meanwhile waits, and need not read
            if self._keys.is_stale or self._keys.may_be_new(presented):
                try:
                    await asyncio.to_thread(self._keys.refresh)
                except (sqlite3.Error, OSError) as error:
                    raise StateUnreadable(str(error)) from error


def _check_right(who: Who, caller: Caller) -> None:
    if who.scope not in caller.scopes:
        raise Forbidden(f"this key does not have the scope {who.scope!r}")
    if caller.is_widget and not who.widget:
        raise Forbidden("a widget token does not open this")


def _bearer(scope: Scope) -> str | None:
    kind, _, value = Headers(scope=scope).get("authorization", "").strip().partition(" ")
    return value.strip() if kind.lower() == "bearer" else None
