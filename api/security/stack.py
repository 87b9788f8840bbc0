"""What a request passes before any route: by which name, from which page, who, how often."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import bootstrap as wiring
from ..errors import RateExceeded
from ..origins import Origins
from ..settings import Settings
from ..wire.problem_details import respond
from ..wire.signed_links import Links
from .auth import EVERYBODY, Guard, caller_of, is_loopback
from .origins_middleware import Browsers
from .permissions import TABLE, Access, route_path
from .rate_limit import Rates, address
from .widget_tokens import Tokens


@dataclass(frozen=True, slots=True)
class Gate:
    """What decides; a route that itself lets somebody in finds it at `app.state.gate`."""

    access: Access
    origins: Origins
    tokens: Tokens
    rates: Rates


def add_gate(app: FastAPI, settings: Settings, links: Links) -> None:
    """Puts the gate before every route and mount of `app`; what is added later stands before it."""
    origins = Origins.of(
        host=settings.host,
        hosts=settings.allowed_hosts,
        pages=settings.widget_origins,
        public_url=settings.public_url,
    )
    access, tokens = Access(TABLE), Tokens(links)
    rates = Rates(settings.rate_limit_storage, per_minute=settings.rate_limit_per_minute)
    app.state.gate = Gate(access, origins, tokens, rates)
    here = is_loopback(settings.host)
    app.add_middleware(Paced, access=access, rates=rates, spare_everybody=here)
    app.add_middleware(
        Guard,
        access=access,
        keys=wiring.keys(settings),
        links=links,
        tokens=tokens,
        open_without_keys=settings.insecure or here,
    )
    app.add_middleware(Browsers, origins=origins, access=access)


class Paced:
    """Lets a caller pass no more often than allowed, and tells how it stands."""

    def __init__(
        self, app: ASGIApp, *, access: Access, rates: Rates, spare_everybody: bool
    ) -> None:
        """`spare_everybody`: without keys on loopback the limit would only stop its owner."""
        self.app = app
        self._access, self._rates, self._spare_everybody = access, rates, spare_everybody

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counts what is not for anyone, adds the headers, or answers 429."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        who = (self._access.rules(route_path(scope)) or {}).get(scope["method"])
        caller = caller_of(scope)
        if (who is None or who.scope is None) or (caller is EVERYBODY and self._spare_everybody):
            await self.app(scope, receive, send)
            return
        by_key = caller.key_id is not None and not caller.is_widget
        counted = f"key:{caller.key_id}" if by_key else f"address:{address(scope)}"
        try:
            standing = await self._rates.take(counted)
        except RateExceeded as error:
            await respond(error, scope)(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if standing and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        await self.app(scope, receive, told)
