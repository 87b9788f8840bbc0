"""Authentication and authorization: who sends a request, and whether the permission table lets it.

The one place where access is decided. ASGI middleware, because FastAPI dependencies do not guard
mounts; it runs before the body is read, so a refused request costs one hash and one lookup.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import (
    ApiError,
    LinkInvalid,
    RequestError,
    SignInUnavailable,
    StateUnreadable,
    error_info,
)
from ..origins import OriginPolicy, is_loopback_name
from ..service.access import Access
from ..wire.problem_details import error_response
from ..wire.signed_links import LinkSigner
from ..wire.source_page import render_access_denied
from .keys import SCOPES, KeyStore
from .keys import Scope as KeyScope
from .own_pages import comes_from_own_page, is_safe_method
from .permissions import Permission, PermissionTable, route_path
from .widget_tokens import TOKEN_PREFIX, Claims, WidgetTokens


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
    subject: str | None = None
    """A person or program that signed in: an id from which nothing personal can be read."""
    name: str = ""
    """What that person is called, for themselves alone."""
    session_id: str | None = None
    expires_s: float | None = None
    """When the session or token ends, in seconds since 1970."""

    @property
    def access(self) -> Access:
        """What they may see."""
        return Access(self.collections, self.groups)

    @property
    def identity(self) -> str:
        """Who this is, as far as it is known: an answer's id is valid for the same one only."""
        if self.subject:
            return self.subject
        if self.is_widget:
            return f"widget:{self.key_id or ''}:{self.origin}"
        return f"key:{self.key_id}" if self.key_id else "anyone"


ANONYMOUS = Caller(frozenset(), frozenset())
UNRESTRICTED = Caller(frozenset(SCOPES), groups=None)
"""Every caller of a service without keys, on loopback or with `insecure`."""


class People(Protocol):
    """People who sign in: the methods of `sign_in.SignIn` that decide who sends a request."""

    def has_credentials(self, scope: Scope) -> bool:
        """Returns whether a browser sent something by itself that says who uses it."""

    async def identify(self, scope: Scope) -> Caller | None:
        """Returns the person of that, if there is one."""

    async def find_session(self, session_id: str) -> Caller | None:
        """Returns the person of an open session."""

    async def verify_token(self, token: str) -> Caller | None:
        """Returns the person or program of a JWT."""


def get_caller(scope: Scope) -> Caller:
    """Returns the caller that AuthMiddleware identified; without it ANONYMOUS."""
    caller = scope.get("state", {}).get("caller", ANONYMOUS)
    assert isinstance(caller, Caller)
    return caller


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach an address."""
    return is_loopback_name(host)


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
        origins: OriginPolicy,
        people: People | None,
        open_without_keys: bool,
    ) -> None:
        """`open_without_keys`: until the first key is created, everybody may do everything.

        Without `people` nobody can sign in.
        """
        self.app = app
        self._origins, self._people = origins, people
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
        cookie = scope["state"].get("set_cookie")
        await self.app(scope, receive, send if cookie is None else _with_cookie(send, cookie))

    async def _authorize(self, scope: Scope) -> Caller:
        methods = self._permissions.find(route_path(scope))
        permission = methods.get(scope["method"]) if methods else None
        is_open = permission is not None and permission.scope is None
        is_open = is_open and not (permission and permission.needs_caller)
        credentials, unreadable = _bearer(scope), None
        try:
            caller = await self._authenticate(credentials, scope)
        except (StateUnreadable, SignInUnavailable) as error:  # what needs no key goes on
            caller, unreadable = None, error
        if is_open:
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
            if self._people:
                message += ", or sign in"
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
            if caller := await self._keyless_caller(credentials, scope):
                return caller
            raise
        if not self._keys.any_exist and self._open_without_keys:
            return UNRESTRICTED
        if credentials is None:
            return await self._person(scope)
        if credentials.startswith(TOKEN_PREFIX):
            return await self._widget_caller(credentials, scope)
        key = self._keys.find(credentials)
        if key is None:
            return await self._people.verify_token(credentials) if self._people else None
        reads_all = "admin" in key.scopes and not key.groups
        return Caller(key.scopes, key.collections, None if reads_all else key.groups, key.id)

    async def _keyless_caller(self, credentials: str | None, scope: Scope) -> Caller | None:
        """Returns the caller of a request that no key decides; None where keys are needed."""
        if self._open_without_keys and self._keys.none_existed:
            return UNRESTRICTED
        is_token = credentials is not None and credentials.startswith(TOKEN_PREFIX)
        caller = await self._widget_caller(credentials or "", scope) if is_token else None
        return caller if caller and not (caller.key_id or caller.session_id) else None

    async def _person(self, scope: Scope) -> Caller | None:
        """Returns who uses the browser, for requests of the service's own pages alone.

        A browser sends its cookie whichever page causes a request, so a request that may change
        something must say that it comes from here (OWASP: CSRF, verifying the origin).
        """
        if self._people is None or not self._people.has_credentials(scope):
            return None
        if comes_from_own_page(scope, self._origins):
            return await self._people.identify(scope)
        if is_safe_method(scope):
            return None
        message = "signed-in people may send this from the service's own pages only; use a key"
        raise RequestError("origin_refused", message)

    async def _widget_caller(self, token: str, scope: Scope) -> Caller | None:
        claims = self._tokens.verify(token, origin=Headers(scope=scope).get("origin"))
        if claims is None or (claims.key_id and not self._keys.is_valid(claims.key_id)):
            return None
        if claims.session_id is not None:
            person = self._people and await self._people.find_session(claims.session_id)
            return _widget_of(person, claims) if person else None
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


def _widget_of(person: Caller, claims: Claims) -> Caller | None:
    """Returns the caller of a token that a person's page holds: they may still read, or None."""
    if "read" not in person.scopes:
        return None
    collections = claims.collections
    if person.collections is not None:
        collections &= person.collections
    groups = person.groups
    if groups is not None and claims.groups is not None:
        groups &= claims.groups
    scopes: frozenset[KeyScope] = frozenset({"read"})
    return replace(
        person,
        scopes=scopes,
        collections=collections,
        groups=groups,
        is_widget=True,
        origin=claims.origin,
    )


def _with_cookie(send: Send, cookie: str) -> Send:
    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return send_with_cookie


def _check_permission(permission: Permission, caller: Caller) -> None:
    if permission.scope is not None and permission.scope not in caller.scopes:
        owner = "this key" if caller.subject is None else "this account"
        raise RequestError("forbidden", f"{owner} lacks the scope {permission.scope!r}")
    if caller.is_widget and not permission.allows_widget:
        raise RequestError("forbidden", "a widget token is not allowed here; use a key")


def _bearer(scope: Scope) -> str | None:
    scheme, _, value = Headers(scope=scope).get("authorization", "").strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None
