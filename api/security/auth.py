"""Authentication and authorization: who sends a request, and whether the permission table lets it.

The one place where access is decided. ASGI middleware, because FastAPI dependencies do not guard
mounts; it runs before the body is read, so a refused request costs one hash and one lookup.
"""

import asyncio
import ipaddress
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import ApiError, LinkInvalid, RequestError, StateUnreadable, error_info
from ..service.access import Access
from ..wire.problem_details import error_response
from ..wire.signed_links import LinkSigner
from ..wire.source_page import render_access_denied
from .keys import SCOPES, KeyStore
from .keys import Scope as KeyScope
from .permissions import Permission, PermissionTable, route_path
from .widget_tokens import TOKEN_PREFIX, WidgetTokens


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: their scopes, collections and groups (None: all of them)."""

    scopes: frozenset[KeyScope]
    collections: frozenset[str] | None = None
    groups: frozenset[str] | None = frozenset()
    key_id: str | None = None
    is_widget: bool = False
    """Uses a widget token, which allows less than a key; `key_id` is the key that issued it."""
    origin: str = ""
    """The origin whose pages may use that token."""

    @property
    def access(self) -> Access:
        """What they may see."""
        return Access(self.collections, self.groups)

    @property
    def identity(self) -> str:
        """Who this is, as far as it is known: an answer's id is valid for the same one only."""
        if self.is_widget:
            return f"widget:{self.key_id or ''}:{self.origin}"
        return f"key:{self.key_id}" if self.key_id else "anyone"


ANONYMOUS = Caller(frozenset(), frozenset())
UNRESTRICTED = Caller(frozenset(SCOPES), groups=None)
"""Every caller of a service without keys, on loopback or with `insecure`."""


def get_caller(scope: Scope) -> Caller:
    """Returns the caller that AuthMiddleware identified; without it ANONYMOUS."""
    caller = scope.get("state", {}).get("caller", ANONYMOUS)
    assert isinstance(caller, Caller)
    return caller


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class AuthMiddleware:
    """Passes a permitted request on with its Caller, or answers 401, 403, 404 or 405."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        permissions: PermissionTable,
        keys: KeyStore,
        links: LinkSigner,
        tokens: WidgetTokens,
        open_without_keys: bool,
    ) -> None:
        """`open_without_keys`: until the first key is created, everybody may do everything."""
        self.app = app
        self._permissions, self._keys, self._links = permissions, keys, links
        self._tokens, self._open_without_keys = tokens, open_without_keys
        self._refreshing = asyncio.Lock()
        self._background: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decides on a request; closes WebSockets, which no route accepts."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            caller = await self._authorize(scope)
        except LinkInvalid as error:  # a person clicked the link, so the answer is a page
            page = render_access_denied(str(error), error_info(error).status)
            await page(scope, receive, send)
            return
        except ApiError as error:
            await error_response(error, scope)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)

    async def _authorize(self, scope: Scope) -> Caller:
        methods = self._permissions.find(route_path(scope))
        permission = methods.get(scope["method"]) if methods else None
        credentials, unreadable = _bearer(scope), None
        try:
            caller = await self._authenticate(credentials, scope)
        except StateUnreadable as error:  # what needs no key goes on
            caller, unreadable = None, error
        if permission and permission.scope is None:
            return caller or ANONYMOUS
        if permission and permission.allows_link:
            has_key = caller is not None and permission.scope in caller.scopes
            has_key = has_key or (unreadable is not None and credentials is not None)
            if self._has_valid_link(scope, has_key=has_key):
                groups = self._links.groups(scope["query_string"].decode("latin-1"))
                # its holder sees what its maker could
                return caller if caller is UNRESTRICTED else Caller(frozenset(), groups=groups)
        if unreadable:
            raise unreadable
        if caller is None:
            cause = (
                "a key is required" if credentials is None else "invalid, expired or revoked key"
            )
            message = f"{cause}: send Authorization: Bearer KEY"
            raise RequestError("unauthenticated", message, headers={"www-authenticate": "Bearer"})
        if methods is None:
            raise RequestError("not_found", "Not Found")
        if permission is None:
            headers = {"allow": ", ".join(sorted(methods))}
            raise RequestError("method_not_allowed", "Method Not Allowed", headers=headers)
        _check_permission(permission, caller)
        return caller

    def _has_valid_link(self, scope: Scope, *, has_key: bool) -> bool:
        """Returns whether a signed link opens this page; raises LinkInvalid if no key does."""
        try:
            return self._links.verify(route_path(scope), scope["query_string"].decode("latin-1"))
        except LinkInvalid:
            if has_key:
                return False
            raise

    async def _authenticate(self, credentials: str | None, scope: Scope) -> Caller | None:
        try:
            await self._refresh_keys(credentials or "")
        except StateUnreadable:
            if caller := self._keyless_caller(credentials, scope):
                return caller
            raise
        if not self._keys.any_exist and self._open_without_keys:
            return UNRESTRICTED
        if credentials is None:
            return None
        if credentials.startswith(TOKEN_PREFIX):
            return self._widget_caller(credentials, scope)
        key = self._keys.find(credentials)
        if key is None:
            return None
        reads_all = "admin" in key.scopes and not key.groups
        return Caller(key.scopes, key.collections, None if reads_all else key.groups, key.id)

    def _keyless_caller(self, credentials: str | None, scope: Scope) -> Caller | None:
        """Returns the caller of a request that no key decides; None where keys are needed."""
        if self._open_without_keys and self._keys.none_existed:
            return UNRESTRICTED
        is_token = credentials is not None and credentials.startswith(TOKEN_PREFIX)
        caller = self._widget_caller(credentials or "", scope) if is_token else None
        return caller if caller and caller.key_id is None else None

    def _widget_caller(self, token: str, scope: Scope) -> Caller | None:
        claims = self._tokens.verify(token, origin=Headers(scope=scope).get("origin"))
        if claims is None or (claims.key_id and not self._keys.is_valid(claims.key_id)):
            return None
        return Caller(
            frozenset({"read"}),
            claims.collections,
            claims.groups,
            claims.key_id,
            is_widget=True,
            origin=claims.origin,
        )

    async def _refresh_keys(self, credentials: str) -> None:
        if not self._keys.needs_refresh(credentials):
            return
        if not self._keys.may_decide(credentials):
            await self._refresh_once(credentials)
        elif self._background is None or self._background.done():
            self._background = asyncio.create_task(self._refresh_quietly())

    async def _refresh_once(self, credentials: str) -> None:
        async with self._refreshing:  # concurrent requests wait for one refresh
            if self._keys.needs_refresh(credentials):
                await asyncio.to_thread(self._keys.refresh)

    async def _refresh_quietly(self) -> None:
        with suppress(StateUnreadable):  # reported, and requests fail once the keys are too old
            await self._refresh_once("")


def _check_permission(permission: Permission, caller: Caller) -> None:
    if permission.scope not in caller.scopes:
        raise RequestError("forbidden", f"this key lacks the scope {permission.scope!r}")
    if caller.is_widget and not permission.allows_widget:
        raise RequestError("forbidden", "a widget token is not allowed here; use a key")


def _bearer(scope: Scope) -> str | None:
    scheme, _, value = Headers(scope=scope).get("authorization", "").strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None
