"""Notes each use of an API key, for the list of keys."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ..state.key_uses import KeyUses
from .auth import get_caller


class KeyUseMiddleware:
    """Notes the key of a request that was let in; runs after AuthMiddleware."""

    def __init__(self, app: ASGIApp, *, uses: KeyUses) -> None:
        self.app = app
        self._uses = uses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] == "http" and (key_id := get_caller(scope).key_id):
            self._uses.note(key_id)
        await self.app(scope, receive, send)
