"""HTML and scripts for browsers: the pages `/` and `/console`, their bundles, and widget tokens.

`/widget/v1.js` is revalidated every few minutes, so that a site keeps up with the service; the
bundle at an address with a version never changes, and only this version's exists.
"""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from ..errors import NotFound, OriginNotAllowed, RequestError
from ..security.auth import ANONYMOUS, UNRESTRICTED, Caller
from ..security.widget_tokens import TTL_S
from ..service.access import ALL, Access
from ..service.service import Service
from ..wire.problem_details import problem_responses
from ..wire.schemas import TokenAsked, TokenMade
from .deps import CallerDep, SecurityDep, ServiceDep

PAGES_FOLDER = Path(__file__).parent.parent / "pages"
WIDGET_FOLDER = Path(__file__).parent.parent / "widget"
BUNDLE = WIDGET_FOLDER / "dist" / "widget.js"
CONSOLE_BUNDLE = WIDGET_FOLDER / "dist" / "console.js"
TYPES = WIDGET_FOLDER / "v1.d.ts"

_PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-cache",
}
_CONSOLE_HEADERS = {
    **_PAGE_HEADERS,
    "content-security-policy": (
        f"{_PAGE_HEADERS['content-security-policy']}; "
        "require-trusted-types-for 'script'; trusted-types lit-html"
    ),
}
_BUNDLE_HEADERS = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "content-type": "text/javascript; charset=utf-8",
}

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """Return the page, which contains no data: its script requests them."""
    return FileResponse(PAGES_FOLDER / "ask.html", headers=_PAGE_HEADERS)


@router.get("/console", include_in_schema=False)
async def console() -> Response:
    """Return the page of those who run the service; its script requests the data, with a key."""
    return FileResponse(PAGES_FOLDER / "console.html", headers=_CONSOLE_HEADERS)


@router.get("/console/v1.js", include_in_schema=False)
async def console_bundle() -> Response:
    """Return the console's script, for this service's own page only."""
    headers = {"cache-control": "no-cache", "content-type": "text/javascript; charset=utf-8"}
    return FileResponse(CONSOLE_BUNDLE, headers=headers)


@cache
def _bundle() -> tuple[bytes, str]:
    script = BUNDLE.read_bytes()
    return script, f'"{hashlib.sha256(script).hexdigest()[:16]}"'


@router.get("/widget/v1.js", include_in_schema=False)
def current_bundle(request: Request) -> Response:
    """Return the widget's bundle of this service, whatever its version."""
    return _bundle_response(request, "public, max-age=300")


@router.get("/widget/v1.d.ts", include_in_schema=False)
def types() -> Response:
    """Return the types of the widget's element for TypeScript."""
    headers = {**_BUNDLE_HEADERS, "cache-control": "no-cache"}
    return FileResponse(TYPES, headers=headers | {"content-type": "text/plain; charset=utf-8"})


@router.get("/widget/{version}/widget.js", include_in_schema=False)
def versioned_bundle(version: str, request: Request) -> Response:
    """Return the widget's bundle of this version; 404 for another version."""
    if version != request.app.version:
        raise RequestError("not_found", "Not Found")
    return _bundle_response(request, "public, max-age=31536000, immutable")


def _bundle_response(request: Request, cache_control: str) -> Response:
    script, etag = _bundle()
    headers = {**_BUNDLE_HEADERS, "etag": etag, "cache-control": cache_control}
    if_none_match = request.headers.get("if-none-match", "").split(",")
    cached = {value.strip().removeprefix("W/") for value in if_none_match}
    if cached & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(script, headers=headers)


@router.post(
    "/v1/widget/token",
    tags=["widget"],
    responses=problem_responses(400, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503),
)
async def create_widget_token(
    body: TokenAsked,
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    security: SecurityDep,
) -> TokenMade:
    """Create a token for pages of an allowed origin: the request's, or with a key any of them.

    The service's own page at `/` gets one without a key only with the setting `public_page`.
    A token is bound to that origin, which browsers send; other clients can forge an Origin.
    """
    has_key = "read" in caller.scopes and not caller.is_widget
    if caller.subject and caller.session_id is None:
        message = "a token for a page needs a key or a session; this caller can ask without one"
        raise RequestError("forbidden", message)
    origin = (body.origin if has_key else None) or request.headers.get("origin", "")
    scheme, host = request.url.scheme, request.headers["host"]
    if not security.origins.may_hold_token(origin, scheme, host, has_key=has_key):
        raise OriginNotAllowed(origin)
    await security.limiter.count_token(request.scope)
    collections = _token_collections(body, caller if has_key else None, service)
    issuer = caller if has_key else ANONYMOUS
    token = security.tokens.issue(
        origin,
        collections,
        groups=_token_groups(body, issuer, service),
        key_id=issuer.key_id,
        session_id=issuer.session_id,
    )
    return TokenMade(token=token, expires_in_s=TTL_S)


def _token_groups(body: TokenAsked, issuer: Caller, service: Service) -> frozenset[str] | None:
    """Returns the groups of a token: those asked for, else the issuer's, of which rules name any.

    A token is for somebody else, so none that reads everything is made with a key.
    """
    if body.groups is None:
        is_open = issuer is UNRESTRICTED
        return None if is_open else service.named_groups(issuer.access) or frozenset()
    asked = frozenset(body.groups)
    if issuer.groups is not None and (others := asked - issuer.groups):
        raise RequestError("forbidden", f"the issuer of this token is not in {min(others)!r}")
    return asked


def _token_collections(body: TokenAsked, issuer: Caller | None, service: Service) -> set[str]:
    """Returns the collections of a token: no more than its issuer, or pages in general, have."""
    allowed = issuer.collections if issuer else frozenset(service.settings.widget_collections)
    if not issuer and not allowed:
        allowed = frozenset({service.resolve_collection(None, access=ALL)})
    groups = issuer.groups if issuer else frozenset[str]()
    visible = set(service.visible_collections(Access(allowed, groups)))
    if forbidden := set(body.collections or ()) - visible:
        raise NotFound("collection", min(forbidden))
    return set(body.collections or visible)
