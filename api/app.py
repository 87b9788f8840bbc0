"""`create_app(settings)`: the HTTP service, whole."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from . import bootstrap as wiring
from .http.middleware import BodyLimitMiddleware, RequestContextMiddleware
from .http.openapi import install_openapi
from .mcp import McpEndpoint
from .routes import (
    answers,
    chat,
    feedback,
    files,
    health,
    metrics,
    page,
    search,
    sources,
    token,
    widget,
)
from .security.middleware import add_security_middleware
from .service.service import Hooks, Service
from .settings import Settings
from .telemetry.observer import Telemetry
from .wire.problem_details import add_exception_handlers


def create_app(
    settings: Settings,
    *,
    sync: bool = False,
    watch: bool = False,
    worker: int = 0,
    waits: bool = False,
    hooks: Hooks | None = None,
) -> FastAPI:
    """Returns the service; it opens its index once it is started.

    With `sync` it also builds it, and with `watch` again after each change. Of several workers the
    first, 0, builds it for all. One that `waits` takes no connection before it can answer.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(lambda: links.secret)  # read before the first answer needs it
        service = app.state.service
        changing = writes.run() if writes else nullcontext()
        async with changing, telemetry.following(service), service.run(), agents.run():
            if waits:
                await service.can_answer()
            yield

    telemetry = Telemetry(settings)
    app = FastAPI(
        title="Footnote",
        summary="Answers questions about a folder of articles, and proves every sentence.",
        version=version("footnote"),
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
        telemetry=telemetry.for_fastapi,
        lifespan=lifespan,
    )
    links = wiring.links(settings)
    requests = {
        one.collection: wiring.sync_request(one) if sync and worker == 0 else None
        for one in wiring.each(settings)
    }
    app.state.metrics = telemetry.metrics
    open_parts = partial(wiring.open_parts, watch=telemetry.ended)
    service = app.state.service = Service(
        settings, open_parts, links, requests, watch=watch, hooks=hooks
    )
    writes = app.state.writes = wiring.writes(settings, service.turn)
    for one in service.collections.values():
        one.syncing.elsewhere = sync and worker > 0
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    add_security_middleware(app, settings, keys=wiring.keys(settings), links=links)
    app.add_middleware(
        RequestContextMiddleware,
        on_request_end=telemetry.over,
        root_path=settings.root_path,
        frame_ancestors=settings.widget_origins,
    )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    # the last one added is the outermost
    add_exception_handlers(app)
    for part in (
        answers,
        feedback,
        chat,
        search,
        sources,
        files,
        health,
        metrics,
        page,
        widget,
        token,
    ):
        app.include_router(part.router)
    app.mount("/pages", StaticFiles(directory=page.FOLDER), name="pages")
    agents = McpEndpoint(app.state.service)
    if importlib.util.find_spec("mcp"):
        for path in ("/mcp", "/mcp/"):  # without the second, the first would be a redirect
            route = Route(path, agents, methods=["POST"], include_in_schema=False)
            app.router.routes.append(route)
    install_openapi(app)
    return app
