"""`/widget/…`: the chat component, one script that any site may load.

`v1.js` is checked again every few minutes, so a site keeps up with the service; the address with
the version in it never changes, and there is none for another version.
"""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from ..errors import RequestError

BUNDLE = Path(__file__).parent.parent / "widget" / "dist" / "widget.js"

_HEADERS = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "content-type": "text/javascript; charset=utf-8",
}

router = APIRouter(prefix="/widget", include_in_schema=False)


@cache
def _bundle() -> tuple[bytes, str]:
    script = BUNDLE.read_bytes()
    return script, f'"{hashlib.sha256(script).hexdigest()[:16]}"'


@router.get("/v1.js")
def current(request: Request) -> Response:
    """Give the component of this service, whichever version that is."""
    return _script(request, "public, max-age=300")


@router.get("/{version}/widget.js")
def pinned(version: str, request: Request) -> Response:
    """Give the component of this very version; another has none here."""
    if version != request.app.version:
        raise RequestError("not_found", "Not Found")
    return _script(request, "public, max-age=31536000, immutable")


def _script(request: Request, cache_control: str) -> Response:
    script, tag = _bundle()
    headers = {**_HEADERS, "etag": tag, "cache-control": cache_control}
    known = [name.strip().removeprefix("W/") for name in _listed(request)]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(script, headers=headers)


def _listed(request: Request) -> list[str]:
    return request.headers.get("if-none-match", "").split(",")
