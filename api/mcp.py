"""The Model Context Protocol: `search` and `ask` as tools, the text of each source as a resource.

For agents, over HTTP at `/mcp` and over stdio; needs the extra `mcp`. The transports differ in who
the caller is and in the base URL of links; the rest is what the HTTP routes do.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rag.types import Ask

from .errors import RequestInvalid, SourceNotFound
from .routes.answers import get_answer
from .routes.deps import absolute_links, validate_question
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

TopK = Annotated[Whole, Field(ge=1, le=50, description="Number of passages")]
CollectionName = Annotated[Text | None, Field(description="Collection; unset: the default one")]
Identify = Callable[["Context"], tuple[Caller, LinkSigner]]
"""Returns the caller of a tool, and the signer of their links."""

MAX_REQUEST_BYTES = 65_536
"""A question has 4,000 characters; the SDK repeats parts of a request in its errors."""
MAX_RESOURCE_CHARS = 1_000_000
"""An agent reads a longer text in parts, over HTTP."""
_TOO_LONG = (
    f"the text has more than {MAX_RESOURCE_CHARS:,} characters; "
    "read parts of it with GET /v1/sources/{id}/text?start=…&end=…"
)
_INSTRUCTIONS = (
    "Answers questions about a collection of articles. `ask` gives an answer whose every citation "
    "is an exact quote, or says why there is none; `search` gives passages; source://{id} is the "
    "whole text that a citation's offsets point into."
)


def build_server(service: Service, identify: Identify) -> "MCPServer":
    """Returns the MCP server of a service."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context
    from mcp_types import ToolAnnotations

    logging.getLogger("mcp").setLevel(logging.WARNING)  # below that it logs questions
    server = MCPServer(
        "footnote", instructions=_INSTRUCTIONS, version=version("footnote"), log_level="WARNING"
    )
    tools = _Tools(service)

    async def search(
        query: Text, ctx: Context, top_k: TopK = 5, collection: CollectionName = None
    ) -> HitsBody:
        return await tools.search(query, top_k, collection, *identify(ctx))

    async def ask(
        question: Text, ctx: Context, top_k: TopK = 5, collection: CollectionName = None
    ) -> AnswerBody:
        return await tools.ask(question, top_k, collection, *identify(ctx))

    async def source(source_id: str, ctx: Context) -> str:
        return await tools.source(source_id, identify(ctx)[0])

    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool, description in (
        (search, "Find the passages of the articles that are nearest to the query, best first."),
        (ask, "Answer a question from the articles; every citation is an exact, verified quote."),
    ):
        server.add_tool(tool, description=description, annotations=hints, structured_output=True)
    text = "The text of one article; the offsets of citations point into it."
    server.resource("source://{source_id}", description=text, mime_type="text/plain")(source)
    return server


class _Tools:
    """The tools, for any transport."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def search(
        self, query: str, top_k: int, collection: str | None, caller: Caller, links: LinkSigner
    ) -> HitsBody:
        """Returns the nearest passages."""

        def find() -> HitsBody:
            text = validate_question("query", query)
            lease = self._service.lease(collection, access=caller.access)
            with lease as (components, generation):
                hits = components.pipeline.search(generation, text, top_k=top_k)
                passages = serializers.passages(hits, links)
                return HitsBody(hits=passages, index=serializers.index(generation.info))

        with _tool_errors():
            return await asyncio.to_thread(find)

    async def ask(
        self, question: str, top_k: int, collection: str | None, caller: Caller, links: LinkSigner
    ) -> AnswerBody:
        """Returns the answer without passages; `search` returns those."""
        with _tool_errors():
            ask = Ask(validate_question("question", question), top_k=top_k)
            lease = self._service.lease(collection, access=caller.access)
            answer = await get_answer(ask, lease, None, self._service, caller)
            return serializers.answer(answer, links, include_passages=False)

    async def source(self, source_id: str, caller: Caller) -> str:
        """Returns a source's text."""
        from mcp.server.mcpserver.exceptions import ResourceNotFoundError

        def read() -> str:
            lease = self._service.lease_source(source_id, access=caller.access)
            with lease as (found, generation):
                if found.length > MAX_RESOURCE_CHARS:
                    raise RequestInvalid("source_id", _TOO_LONG)
                return generation.text(source_id)

        with _tool_errors():
            try:
                return await asyncio.to_thread(read)
            except SourceNotFound as error:
                raise ResourceNotFoundError(str(error)) from error


@contextmanager
def _tool_errors() -> Iterator[None]:
    """Replaces an error by what clients may read of it; the rest is logged."""
    from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError

    try:
        yield
    except ResourceNotFoundError:
        raise
    except Exception as error:  # the tool's edge: the SDK would send any message to the client
        problem, _ = build_problem(error, {})
        raise ToolError(f"{problem.code}: {problem.detail}") from error


def stdio_server(service: Service) -> "MCPServer":
    """Returns the server for stdio, where the caller, who started it, has no restrictions."""
    return build_server(service, lambda ctx: (UNRESTRICTED, service.links))


class McpEndpoint:
    """`/mcp` as an ASGI app; imports the SDK at its first request, not at startup."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._route = Route("/mcp", self)
        """The route's name in logs and metrics; only FastAPI's own routes set it themselves."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Accepts requests while the block runs."""
        self._first_request = asyncio.Event()
        self._manager: asyncio.Future[StreamableHTTPSessionManager] = asyncio.Future()
        task = asyncio.create_task(self._run_manager())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _run_manager(self) -> None:
        await self._first_request.wait()
        try:
            manager = await asyncio.to_thread(self._create_manager)
        except Exception as error:  # raised in the requests that wait for it
            self._manager.set_exception(error)
            return
        with suppress(asyncio.CancelledError):
            async with manager.run():
                self._manager.set_result(manager)
                await asyncio.Event().wait()

    def _create_manager(self) -> "StreamableHTTPSessionManager":
        from mcp.server.transport_security import TransportSecuritySettings

        server = build_server(self._service, self._identify)
        server.streamable_http_app(
            json_response=True,
            stateless_http=True,
            max_request_body_size=MAX_REQUEST_BYTES,
            # our middleware checks Host and Origin, for every route and mount
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return server.session_manager

    def _identify(self, ctx: "Context") -> tuple[Caller, LinkSigner]:
        request = ctx.request_context.request
        assert request is not None  # over HTTP there is one
        return get_caller(request.scope), absolute_links(self._service, request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request."""
        scope["route"] = self._route
        self._first_request.set()
        manager = await asyncio.shield(self._manager)
        await manager.handle_request(scope, receive, send)
