"""`/`: a page on which one can ask; its script and styles are files of our own, under `/pages`."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

FOLDER = Path(__file__).parent.parent / "pages"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> Response:
    """The page itself holds no data; its script asks for them."""
    headers = {"content-security-policy": _POLICY, "cache-control": "no-cache"}
    return FileResponse(FOLDER / "ask.html", headers=headers)
