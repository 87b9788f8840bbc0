"""Middleware for what browsers send: foreign Hosts and Origins end here, allowed pages may read."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import HostUnknown, OriginRefused
from ..origins import Origins
from ..wire.problem_details import respond
from .permissions import Access, Rules, route_path

PROBED = frozenset({"/livez", "/readyz"})
"""Probes come by whatever address a pod has."""

_READABLE = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"


class Browsers:
    """Refuses foreign Hosts and Origins, answers preflights, lets allowed pages read answers."""

    def __init__(self, app: ASGIApp, *, origins: Origins, access: Access) -> None:
        self.app = app
        self._origins, self._access = origins, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what comes by our names, from no page, our own, or one that is allowed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, headers = route_path(scope), Headers(scope=scope)
        host = headers.get("host", "")
        if path not in PROBED and not self._origins.is_ours(headers.getlist("host")):
            await respond(HostUnknown(host), scope)(scope, receive, send)
            return
        given = headers.getlist("origin")
        origin = given[0] if len(given) == 1 else "null"
        if not given or self._origins.is_own(origin, scope["scheme"], host):
            await self.app(scope, receive, send)
            return
        rules = self._access.rules(path) or {}
        if origin in self._origins.pages and any(who.widget for who in rules.values()):
            await self._answer(origin, rules, scope, receive, send)
        elif _is_harmless(rules, scope["method"]):
            await self.app(scope, receive, send)
        else:
            await respond(OriginRefused(origin), scope)(scope, receive, send)

    async def _answer(
        self, origin: str, rules: Rules, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["method"] == "OPTIONS":
            allowed = [method for method, who in rules.items() if who.widget]
            headers = {
                "access-control-allow-methods": ", ".join(allowed),
                "access-control-allow-headers": "authorization, content-type",
                "access-control-max-age": "600",
            }
            app: ASGIApp = Response(status_code=204, headers=headers)
        else:
            app = self.app

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = _READABLE
                headers["cross-origin-resource-policy"] = "cross-origin"
                headers.add_vary_header("Origin")
            await send(message)

        await app(scope, receive, readable)


def _is_harmless(rules: Rules, method: str) -> bool:
    """Returns whether anyone may read this, so that it does not matter which page does."""
    who = rules.get("GET") if method == "GET" else None
    return who is not None and who.scope is None
