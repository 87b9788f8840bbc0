"""The security middleware of every request, in order: origin, then authentication, then rate limit.

OriginMiddleware, which is here, checks Host and Origin and answers CORS preflights. Starlette's
TrustedHostMiddleware and CORSMiddleware are not used: they answer in plain text instead of
problems, cannot tell routes apart, and let requests of foreign origins through, whose responses
only the browser then hides.
"""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import OriginNotAllowed, RequestError
from ..origins import OriginPolicy
from ..settings import Settings
from ..wire.problem_details import error_response
from ..wire.signed_links import LinkSigner
from .auth import AuthMiddleware, People, is_loopback
from .keys import KeyStore
from .permissions import PERMISSIONS, MethodPermissions, PermissionTable, route_path
from .rate_limit import RATE_LIMIT_HEADERS, RateLimiter, RateLimitMiddleware
from .widget_tokens import WidgetTokens

PROBES = frozenset({"/livez", "/readyz"})
"""Routes that answer under any Host, since probes use whatever address a pod has; under one that is
not allowed they say nothing but their status."""

_EXPOSED_HEADERS = ", ".join((*RATE_LIMIT_HEADERS, "Retry-After", "X-Request-Id"))


@dataclass(frozen=True, slots=True)
class Security:
    """The parts that decide; `app.state.security` has them for the routes that need them."""

    keys: KeyStore
    permissions: PermissionTable
    origins: OriginPolicy
    tokens: WidgetTokens
    limiter: RateLimiter


def add_security_middleware(
    app: FastAPI, settings: Settings, *, keys: KeyStore, links: LinkSigner, people: People | None
) -> None:
    """Adds the middleware before every route and mount of `app`; the last one added runs first."""
    security = app.state.security = Security(
        keys,
        PermissionTable(PERMISSIONS),
        OriginPolicy.create(
            listen_host=settings.host,
            hosts=settings.allowed_hosts,
            origins=settings.widget_origins,
            public_url=settings.public_url,
            public_page=settings.public_page,
        ),
        WidgetTokens(links),
        RateLimiter(settings.rate_limit_storage, per_minute=settings.rate_limit_per_minute),
    )
    permissions, is_local = security.permissions, is_loopback(settings.host)
    app.add_middleware(
        RateLimitMiddleware,
        permissions=permissions,
        limiter=security.limiter,
        exempt_unrestricted=is_local,
    )
    app.add_middleware(
        AuthMiddleware,
        permissions=permissions,
        keys=keys,
        links=links,
        tokens=security.tokens,
        origins=security.origins,
        people=people,
        open_without_keys=people is None and (settings.insecure or is_local),
    )
    app.add_middleware(OriginMiddleware, permissions=permissions, origins=security.origins)


class OriginMiddleware:
    """Refuses foreign Hosts and Origins, answers preflights, adds the CORS headers."""

    def __init__(
        self, app: ASGIApp, *, permissions: PermissionTable, origins: OriginPolicy
    ) -> None:
        self.app = app
        self._permissions, self._origins = permissions, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on requests without an origin, of the same origin and of an allowed one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, headers = route_path(scope), Headers(scope=scope)
        host = headers.get("host", "")
        is_known_host = self._origins.is_allowed_host(headers.getlist("host"))
        scope.setdefault("state", {})["is_known_host"] = is_known_host
        if path not in PROBES and not is_known_host:
            message = f"host {host[:100]!r} is not allowed; add it to FOOTNOTE_ALLOWED_HOSTS"
            await error_response(RequestError("host_unknown", message), scope)(scope, receive, send)
            return
        origins = headers.getlist("origin")
        origin = origins[0] if len(origins) == 1 else "null"
        methods = self._permissions.find(path) or {}
        if not origins or self._origins.is_same_origin(origin, scope["scheme"], host):
            await self.app(scope, receive, send)
        elif origin in self._origins.origins and any(p.allows_widget for p in methods.values()):
            await self._answer_allowed_origin(origin, methods, scope, receive, send)
        elif _is_public(methods, scope["method"]):
            await self.app(scope, receive, send)
        else:
            await error_response(OriginNotAllowed(origin), scope)(scope, receive, send)

    async def _answer_allowed_origin(
        self, origin: str, methods: MethodPermissions, scope: Scope, receive: Receive, send: Send
    ) -> None:
        app = _preflight_response(methods) if scope["method"] == "OPTIONS" else self.app

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = _EXPOSED_HEADERS
                headers["cross-origin-resource-policy"] = "cross-origin"
                headers.add_vary_header("Origin")
            await send(message)

        await app(scope, receive, send_with_headers)


def _preflight_response(methods: MethodPermissions) -> Response:
    allowed = [method for method, permission in methods.items() if permission.allows_widget]
    headers = {
        "access-control-allow-methods": ", ".join(allowed),
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers=headers)


def _is_public(methods: MethodPermissions, method: str) -> bool:
    """Returns whether anyone may read this, so that it does not matter which page does."""
    permission = methods.get("GET") if method == "GET" else None
    return permission is not None and permission.scope is None and not permission.needs_caller
