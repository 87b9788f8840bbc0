"""The Model Context Protocol: `search` and `ask` as tools, each source's text as a resource.

For agents, over HTTP at `/mcp` and over stdio; needs the extra `mcp`. The caller and the links'
base URL depend on the transport; everything else is as in the HTTP routes.
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

from .errors import SourceNotFound
from .http.middleware import MAX_BODY_BYTES
from .routes.answers import whole
from .routes.deps import absolute, validate_question
from .security.auth import UNRESTRICTED, Caller, get_caller
from .service.service import Service
from .wire import serializers
from .wire.problem_details import build_problem
from .wire.schemas import AnswerBody, HitsBody, Text, Whole
from .wire.signed_links import LinkSigner

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

TopK = Annotated[Whole, Field(ge=1, le=50, description="How many passages to use")]
CollectionName = Annotated[Text | None, Field(description="Collection; omitted: the default one")]

_INSTRUCTIONS = (
    "Answers questions about a collection of articles. `ask` gives an answer whose every citation "
    "is an exact quote, or says why there is none; `search` gives passages; source://{id} is the "
    "whole text that a citation's offsets point into."
)


def build_server(
    service: Service, caller: "Callable[[Context], tuple[Caller, LinkSigner]]"
) -> "MCPServer":
    """Returns the server; `caller` identifies a request's caller, and the signer of their links."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context
    from mcp_types import ToolAnnotations

    logging.getLogger("mcp").setLevel(logging.WARNING)  # at INFO it logs questions
    mcp_server = MCPServer(
        "footnote", instructions=_INSTRUCTIONS, version=version("footnote"), log_level="WARNING"
    )
    tools = _Tools(service, caller)

    async def search(
        query: Text, ctx: Context, top_k: TopK = 5, collection: CollectionName = None
    ) -> HitsBody:
        return await tools.search(query, ctx, top_k, collection)

    async def ask(
        question: Text, ctx: Context, top_k: TopK = 5, collection: CollectionName = None
    ) -> AnswerBody:
        return await tools.ask(question, ctx, top_k, collection)

    async def source(source_id: str, ctx: Context) -> str:
        return await tools.source(source_id, ctx)

    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool, description in (
        (search, "Find the passages of the articles that match the query best, best first."),
        (ask, "Answer a question from the articles; every citation is an exact quote."),
    ):
        mcp_server.add_tool(
            tool, description=description, annotations=hints, structured_output=True
        )
    text = "The text of one article; citations have offsets into it."
    mcp_server.resource("source://{source_id}", description=text, mime_type="text/plain")(source)
    return mcp_server


class _Tools:
    """The tools, for either transport."""

    def __init__(
        self, service: Service, caller: "Callable[[Context], tuple[Caller, LinkSigner]]"
    ) -> None:
        self._service, self._caller = service, caller

    async def search(
        self, query: str, ctx: "Context", top_k: int, collection: str | None
    ) -> HitsBody:
        """Returns the best passages."""
        caller, links = self._caller(ctx)

        def run() -> HitsBody:
            text = validate_question("query", query, self._service)
            with self._service.lease(collection, seen=caller.collections) as (parts, generation):
                hits = parts.pipeline.search(generation, text, top_k=top_k)
                passages = [serializers.passage(hit, links) for hit in hits]
                return HitsBody(hits=passages, index=serializers.index(generation.info))

        try:
            return await asyncio.to_thread(run)
        except Exception as error:  # the tool's edge: clients see public messages only
            _refuse(error)

    async def ask(
        self, question: str, ctx: "Context", top_k: int, collection: str | None
    ) -> AnswerBody:
        """Returns the answer without passages, for which there is `search`."""
        caller, links = self._caller(ctx)
        try:
            asked = Ask(validate_question("question", question, self._service), top_k=top_k)
            lease = self._service.lease(collection, seen=caller.collections)
            made = await whole(asked, lease, None, self._service)
            return serializers.answer(made, links, include_passages=False)
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
        except SourceNotFound as error:
            raise ResourceNotFoundError(str(error)) from error
        except Exception as error:  # as above
            _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    """Raises the public message of an error; the rest is logged."""
    from mcp.server.mcpserver.exceptions import ToolError

    shown, _ = build_problem(error, {})
    raise ToolError(f"{shown.code}: {shown.detail}") from error


def stdio_server(service: Service) -> "MCPServer":
    """Returns the server for stdio, whose user may do everything."""
    return build_server(service, lambda ctx: (UNRESTRICTED, service.links))


class McpEndpoint:
    """`/mcp` as an ASGI app; it starts with the first request, since importing `mcp` is slow."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._route = Route("/mcp", self)
        """The name for log and metrics, since a plain ASGI app has no FastAPI route."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serves while the block runs."""
        self._first_request = asyncio.Event()
        self._session_manager: asyncio.Future[StreamableHTTPSessionManager] = asyncio.Future()
        task = asyncio.create_task(self._serve())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _serve(self) -> None:
        await self._first_request.wait()
        try:
            manager = await asyncio.to_thread(self._create_session_manager)
        except Exception as error:  # raised in the requests that wait
            self._session_manager.set_exception(error)
            return
        with suppress(asyncio.CancelledError):
            async with manager.run():
                self._session_manager.set_result(manager)
                await asyncio.Event().wait()

    def _create_session_manager(self) -> "StreamableHTTPSessionManager":
        from mcp.server.transport_security import TransportSecuritySettings

        mcp_server = build_server(self._service, self._caller)
        mcp_server.streamable_http_app(
            json_response=True,
            stateless_http=True,
            max_request_body_size=MAX_BODY_BYTES,
            # OriginMiddleware checks Host and Origin of every route and mount
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return mcp_server.session_manager

    def _caller(self, ctx: "Context") -> tuple[Caller, LinkSigner]:
        request = ctx.request_context.request
        assert request is not None  # always set over HTTP
        return get_caller(request.scope), absolute(self._service, request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope["route"] = self._route
        self._first_request.set()
        manager = await asyncio.shield(self._session_manager)
        await manager.handle_request(scope, receive, send)
