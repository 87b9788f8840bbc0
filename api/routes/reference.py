"""The API reference at `/docs`: Swagger UI over `/openapi.json`, from an installed package's files.

Nothing is loaded from elsewhere: the package `fastapi-offline` holds Swagger UI's two files, of
which none of its code is used, and the page's policy forbids every other origin.
"""

import importlib.util
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from ..errors import RequestError
from .pages import PAGES_FOLDER

PACKAGE = "fastapi_offline"
FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-cache",
}

router = APIRouter()


@router.get("/docs", include_in_schema=False)
async def reference() -> Response:
    """Return the page, which contains nothing of this service: its script loads the document."""
    return FileResponse(PAGES_FOLDER / "docs.html", headers=_HEADERS)


@router.get("/docs/{name}", include_in_schema=False)
async def reference_file(name: str) -> Response:
    """Return a file of Swagger UI; 404 for any other name."""
    folder = _package_folder()
    if folder is None or name not in FILES:
        raise RequestError("not_found", "Not Found")
    headers = {"content-type": FILES[name], "cache-control": "public, max-age=86400"}
    return FileResponse(folder / "static" / name, headers=headers)


@cache
def _package_folder() -> Path | None:
    """Returns the package's folder without importing it; None if it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) if folders else None
