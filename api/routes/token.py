"""`POST /v1/widget/token`: ten minutes of reading for a page of an allowed origin."""

from fastapi import APIRouter, Request

from ..errors import NotFound, OriginNotAllowed
from ..security.auth import Caller
from ..security.widget_tokens import TTL_S
from ..service.service import Service
from ..wire.problem_details import problem_responses
from ..wire.schemas import TokenAsked, TokenMade
from .deps import Asking, Given

router = APIRouter(tags=["widget"])


@router.post(
    "/v1/widget/token", responses=problem_responses(400, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503)
)
async def create_widget_token(
    body: TokenAsked, request: Request, service: Given, caller: Asking
) -> TokenMade:
    """Make a token for a page of an allowed origin: the one that asks, or with a key any of them.

    It is bound to that origin, which the browser sends; outside a browser an Origin can be forged.
    """
    security = request.app.state.security
    by_key = "read" in caller.scopes and not caller.is_widget
    origin = (body.origin if by_key else None) or request.headers.get("origin", "")
    if not security.origins.may_request_token(origin, request.url.scheme, request.headers["host"]):
        raise OriginNotAllowed(origin)
    await security.limiter.count_token(request.scope)
    collections = _collections(body, caller if by_key else None, service)
    token = security.tokens.issue(origin, collections, key_id=caller.key_id if by_key else None)
    return TokenMade(token=token, expires_in_s=TTL_S)


def _collections(body: TokenAsked, maker: Caller | None, service: Service) -> set[str]:
    """Returns what the token shall open: not more than its maker, or pages in general, may see."""
    public = frozenset(service.settings.widget_collections)
    seen = maker.collections if maker else public or frozenset({service.chosen(None, seen=None)})
    wanted = set(body.collections or seen or service.visible(None))
    if foreign := set(body.collections or ()) - set(service.visible(seen)):
        raise NotFound("collection", min(foreign))
    return wanted
