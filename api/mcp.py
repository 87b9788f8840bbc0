"""The Model Context Protocol: `search` and `ask` as tools, each source's text as a resource.

For agents, over HTTP at `/mcp` and over stdio; needs the extra `mcp`. Who asks and where links
begin depends on the way in; everything else is what the HTTP routes do.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, NoReturn

from pydantic import Field
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rag.types import Ask

from .errors import SourceMissing
from .routes.answers import whole
from .routes.deps import absolute, bearable
from .security.auth import EVERYBODY, Caller, caller_of
from .service.service import Service
from .wire import serializers as present
from .wire.problem_details import problem
from .wire.schemas import AnswerBody, HitsBody, Text, Whole
from .wire.signed_links import Links

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

TopK = Annotated[Whole, Field(ge=1, le=50, description="How many passages to use")]
Name = Annotated[Text | None, Field(description="Collection; omitted: the one that is served")]

_INSTRUCTIONS = (
    "Answers questions about a collection of articles. `ask` gives an answer whose every citation "
    "is an exact quote, or says why there is none; `search` gives passages; source://{id} is the "
    "whole text that a citation's offsets point into."
)


def server(service: Service, caller: "Callable[[Context], tuple[Caller, Links]]") -> "MCPServer":
    """Returns the server; `caller` says who asks, and what makes their links."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context
    from mcp_types import ToolAnnotations

    logging.getLogger("mcp").setLevel(logging.WARNING)  # below that it logs what was asked
    made = MCPServer(
        "footnote", instructions=_INSTRUCTIONS, version=version("footnote"), log_level="WARNING"
    )
    tools = _Tools(service, caller)

    async def search(
        query: Text, ctx: Context, top_k: TopK = 5, collection: Name = None
    ) -> HitsBody:
        return await tools.search(query, ctx, top_k, collection)

    async def ask(
        question: Text, ctx: Context, top_k: TopK = 5, collection: Name = None
    ) -> AnswerBody:
        return await tools.ask(question, ctx, top_k, collection)

    async def source(source_id: str, ctx: Context) -> str:
        return await tools.source(source_id, ctx)

    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool, does in (
        (search, "Find the passages of the articles that are nearest to the query, best first."),
        (ask, "Answer a question from the articles; every citation is an exact, proved quote."),
    ):
        made.add_tool(tool, description=does, annotations=hints, structured_output=True)
    text = "The text of one article, which citations' offsets point into."
    made.resource("source://{source_id}", description=text, mime_type="text/plain")(source)
    return made


class _Tools:
    """What the tools do, whichever way they are called."""

    def __init__(
        self, service: Service, caller: "Callable[[Context], tuple[Caller, Links]]"
    ) -> None:
        self._service, self._caller = service, caller

    async def search(
        self, query: str, ctx: "Context", top_k: int, collection: str | None
    ) -> HitsBody:
        """Returns what was found."""
        caller, links = self._caller(ctx)

        def found() -> HitsBody:
            words = bearable("query", query, self._service)
            with self._service.lease(collection, seen=caller.collections) as (parts, generation):
                hits = parts.pipeline.search(generation, words, top_k=top_k)
                passages = [present.passage(hit, links) for hit in hits]
                return HitsBody(hits=passages, index=present.index(generation.info))

        try:
            return await asyncio.to_thread(found)
        except Exception as error:  # the tool's edge: a client must not read what only the log may
            _refuse(error)

    async def ask(
        self, question: str, ctx: "Context", top_k: int, collection: str | None
    ) -> AnswerBody:
        """Returns the answer; passages are left out, there is `search` for them."""
        caller, links = self._caller(ctx)
        try:
            asked = Ask(bearable("question", question, self._service), top_k=top_k)
            lease = self._service.lease(collection, seen=caller.collections)
            made = await whole(asked, lease, None, self._service)
            return present.answer(made, links, include_passages=False)
        except Exception as error:  # as above
            _refuse(error)

    async def source(self, source_id: str, ctx: "Context") -> str:
        """Returns a source's text."""
        from mcp.server.mcpserver.exceptions import ResourceNotFoundError

        caller, _ = self._caller(ctx)

        def read() -> str:
            with self._service.holding(source_id, seen=caller.collections) as (_, generation):
                return generation.text(source_id)

        try:
            return await asyncio.to_thread(read)
        except SourceMissing as error:
            raise ResourceNotFoundError(str(error)) from error
        except Exception as error:  # as above
            _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    """Raises what a client may read of an error; the rest is logged."""
    from mcp.server.mcpserver.exceptions import ToolError

    known, _ = problem(error, {})
    raise ToolError(f"{known.code}: {known.detail}") from error


def local(service: Service) -> "MCPServer":
    """Returns the server for stdio, where whoever started it may do everything."""
    return server(service, lambda ctx: (EVERYBODY, service.links))


class Door:
    """`/mcp` as an ASGI app; opens at its first request, so that others do not pay for it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._route = Route("/mcp", self)
        """What log and figures call it; a route that is no FastAPI's names itself nowhere."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Answers while the block runs."""
        self._wanted = asyncio.Event()
        self._opened: asyncio.Future[StreamableHTTPSessionManager] = asyncio.Future()
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

    async def _keep(self) -> None:
        await self._wanted.wait()
        try:
            manager = await asyncio.to_thread(self._manager)
        except Exception as error:  # whoever waits for it hears of it
            self._opened.set_exception(error)
            return
        with suppress(asyncio.CancelledError):
            async with manager.run():
                self._opened.set_result(manager)
                await asyncio.Event().wait()

    def _manager(self) -> "StreamableHTTPSessionManager":
        from mcp.server.transport_security import TransportSecuritySettings

        made = server(self._service, self._caller)
        made.streamable_http_app(
            json_response=True,
            stateless_http=True,
            max_request_body_size=self._service.settings.max_body_bytes,
            # Host and Origin are checked before every route and mount, by one list
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return made.session_manager

    def _caller(self, ctx: "Context") -> tuple[Caller, Links]:
        request = ctx.request_context.request
        assert request is not None  # over HTTP there is one
        return caller_of(request.scope), absolute(self._service, request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope["route"] = self._route
        self._wanted.set()
        manager = await asyncio.shield(self._opened)
        await manager.handle_request(scope, receive, send)
