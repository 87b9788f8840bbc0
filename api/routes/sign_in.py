"""`/sign-in`, its callback, `/sign-out`, also by the provider, and `GET /v1/me`: who am I?

The first two are for browsers: they redirect, and answer a failure with a page in plain words,
while the cause is in the log. Without `auth.issuer` they do not exist.
"""

import logging
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ..errors import BodyTooLarge, OriginNotAllowed, RequestError
from ..security.own_pages import comes_from_own_page
from ..sign_in.failure import SignInFailed
from ..sign_in.page import render_sign_in_failed
from ..sign_in.service import parse_callback
from ..wire.problem_details import problem_responses
from ..wire.schemas import Me, SignedOut
from .deps import CallerDep, SecurityDep, SignInDep

log = logging.getLogger("footnote")

router = APIRouter()
_HEADERS = {"cache-control": "no-store"}
MAX_FORM_BYTES = 20_000


@router.get("/sign-in", include_in_schema=False)
async def begin_sign_in(request: Request, sign_in: SignInDep, security: SecurityDep) -> Response:
    """Redirect to the provider; `next` is a path of this service to come back to."""
    await security.limiter.count_sign_in(request.scope)
    next_path = request.query_params.get("next")
    try:
        url, cookie = await sign_in.begin(request.scope, next_path)
    except SignInFailed as error:
        return _failed(request, sign_in.home_path, error)
    return RedirectResponse(url, 303, _HEADERS | {"set-cookie": cookie})


@router.get("/sign-in/callback", include_in_schema=False)
async def complete_sign_in(request: Request, sign_in: SignInDep, security: SecurityDep) -> Response:
    """Start a session for the provider's redirect, and redirect to where the person came from."""
    await security.limiter.count_sign_in(request.scope)
    try:
        signed_in = await sign_in.complete(request.scope)
    except SignInFailed as error:
        return _failed(request, sign_in.home_path, error)
    response = RedirectResponse(signed_in.next, 303, _HEADERS)
    for cookie in signed_in.cookies:
        response.headers.append("set-cookie", cookie)
    return response


@router.post("/sign-out", include_in_schema=False)
async def sign_out(
    request: Request, response: Response, sign_in: SignInDep, security: SecurityDep
) -> SignedOut:
    """End the session, and return where to go; for the service's own pages alone."""
    if not comes_from_own_page(request.scope, security.origins):
        raise OriginNotAllowed(request.headers.get("origin", ""))
    url, cookie = await sign_in.sign_out(request.scope)
    response.headers["set-cookie"] = cookie
    response.headers["cache-control"] = "no-store"
    return SignedOut(url=url)


@router.post("/sign-out/back-channel", include_in_schema=False)
async def sign_out_by_provider(
    request: Request, sign_in: SignInDep, security: SecurityDep
) -> Response:
    """End the sessions that the provider names in a signed logout token."""
    await security.limiter.count_sign_in(request.scope)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise BodyTooLarge(MAX_FORM_BYTES)
    try:
        await sign_in.end_by_provider(parse_callback(bytes(body)).get("logout_token", ""))
    except SignInFailed as error:
        log.info("a logout token was refused: %s", error.cause)
        raise RequestError("bad_request", "the logout token is not valid") from error
    return Response(status_code=200, headers=_HEADERS)


@router.get("/v1/me", tags=["health"], responses=problem_responses(401, 403, 421, 429, 500, 503))
async def me(caller: CallerDep) -> Me:
    """Return who the caller is: a person, a key or anybody, and what they may do."""
    key = f"key:{caller.key_id}" if caller.key_id else None
    expires_at = None
    if caller.expires_s is not None:
        expires_at = datetime.fromtimestamp(int(caller.expires_s), UTC)
    return Me(
        subject=caller.subject or key,
        name=caller.name or None,
        groups=None if caller.groups is None else sorted(caller.groups),
        scopes=sorted(caller.scopes),
        collections=None if caller.collections is None else sorted(caller.collections),
        session=caller.session_id,
        expires_at=expires_at,
    )


def _failed(request: Request, root_path: str, error: SignInFailed) -> Response:
    log.info("a sign-in failed (%s): %s", error.kind, error.cause)
    languages = request.headers.get("accept-language", "")
    return render_sign_in_failed(error.kind, accept_language=languages, root_path=root_path)
