"""`create_app(settings)`: builds the whole HTTP service, once."""

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from rag.timing import Outcome

from .bootstrap import (
    access_policy,
    answer_log,
    feedback_store,
    job_runner,
    job_store,
    key_store,
    link_signer,
    open_components,
    open_follower,
    open_sign_in,
    open_state,
    page_fetcher,
    sync_request,
)
from .http.middleware import BodyLimitMiddleware, RequestContextMiddleware
from .http.openapi import install_openapi
from .mcp import McpEndpoint
from .operations.console import Console
from .operations.questions.counts import AnswerCounts
from .routes import (
    additions,
    answers,
    chat,
    files,
    health,
    pages,
    reference,
    sign_in,
    sources,
    views,
)
from .routes.console import OVERVIEW_ROUTERS
from .routes.console import ROUTERS as CONSOLE_ROUTERS
from .routes.deps import require_every_article
from .security.key_use import KeyUseMiddleware
from .security.keys import KeyStore
from .security.middleware import add_security_middleware
from .service.service import Hooks, Service
from .settings import Settings
from .sign_in.proxy_header import ProxyPersonMiddleware
from .state.key_uses import KeyUses
from .telemetry.observer import Telemetry
from .wire.problem_details import add_exception_handlers
from .wire.signed_links import LinkSigner


def create_app(
    settings: Settings,
    *,
    sync: bool = False,
    watch: bool = False,
    worker: int = 0,
    waits: bool = False,
    hooks: Hooks | None = None,
) -> FastAPI:
    """Returns the service, which opens its index when it is started.

    With `sync` it also builds the index, with `watch` again after each change; of several workers
    only the first, 0, does. With `waits` it accepts no connections until it is ready.
    """
    telemetry = Telemetry(settings)
    links = link_signer(settings)
    console = _open_console(settings)

    def observe(outcome: Outcome) -> None:
        telemetry.record_outcome(outcome)
        console.counts.record(outcome)

    service = Service(
        settings,
        partial(open_components, observer=observe),
        links,
        {
            one.collection: sync_request(one) if sync and worker == 0 else None
            for one in settings.per_collection()
        },
        policy=access_policy(settings),
        followers={
            one.collection: follower
            for one in settings.per_collection()
            if (follower := open_follower(one))
        },
        answer_log=console.answers if settings.keeps_questions else None,
        watch=watch,
        hooks=hooks,
    )
    for collection in service.collections.values():
        collection.sync.is_elsewhere = (sync and worker > 0) or settings.role == "replica"
    runner, mcp = job_runner(settings, service.sync_slots), McpEndpoint(service)
    fetcher = page_fetcher(settings) if runner else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        jobs = runner.run(warns=worker == 0) if runner else nullcontext()
        async with (
            links.loaded(),
            jobs,
            telemetry.run(service),
            service.run(),
            mcp.run(),
            console.run(),
        ):
            if waits:
                await service.wait_until_ready()
            yield
        if fetcher:
            await fetcher.close()

    app = FastAPI(
        title="Footnote",
        summary="Answers questions about a folder of articles, with exact citations.",
        version=version("footnote"),
        docs_url=None,  # FastAPI's own load scripts from a CDN; see routes/reference.py
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # method names of generated clients
        telemetry=telemetry.for_fastapi,
        lifespan=lifespan,
    )
    app.state.service, app.state.job_runner, app.state.fetcher = service, runner, fetcher
    app.state.metrics = telemetry.metrics
    app.state.feedback = console.feedback
    app.state.console = console
    app.add_middleware(KeyUseMiddleware, uses=console.key_uses)
    _add_middleware(app, settings, telemetry, links, console.keys)
    add_exception_handlers(app)
    _add_routes(app, mcp)
    install_openapi(app)
    return app


def _open_console(settings: Settings) -> Console:
    answers = answer_log(settings)
    return Console(
        answers=answers,
        feedback=feedback_store(settings, answers),
        counts=AnswerCounts(),
        keys=key_store(settings),
        key_uses=KeyUses(open_state(settings).main),
        jobs=job_store(settings),
    )


def _add_routes(app: FastAPI, mcp: McpEndpoint) -> None:
    # before those of paths that have more than one part
    for router in OVERVIEW_ROUTERS:
        app.include_router(router, dependencies=[Depends(require_every_article)])
    for router in CONSOLE_ROUTERS:
        app.include_router(router)
    for module in (
        *(answers, chat, sources, views, additions, files),
        *(health, pages, reference, sign_in),
    ):
        app.include_router(module.router)
    app.mount("/pages", StaticFiles(directory=pages.PAGES_FOLDER), name="pages")
    if importlib.util.find_spec("mcp"):
        for path in ("/mcp", "/mcp/"):  # without the second, the first would redirect
            app.router.routes.append(Route(path, mcp, methods=["POST"], include_in_schema=False))


def _add_middleware(
    app: FastAPI, settings: Settings, telemetry: Telemetry, links: LinkSigner, keys: KeyStore
) -> None:
    """Adds the middleware from the inside out: what is added last runs first."""
    people = app.state.sign_in = open_sign_in(settings, links)
    app.add_middleware(BodyLimitMiddleware)
    add_security_middleware(app, settings, keys=keys, links=links, people=people)
    app.add_middleware(
        RequestContextMiddleware,
        on_request_end=telemetry.record_request,
        root_path=settings.root_path,
        frame_ancestors=settings.widget_origins,
    )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    if settings.auth.trusted_header:
        app.add_middleware(
            ProxyPersonMiddleware,
            header=settings.auth.trusted_header,
            groups_header=settings.auth.trusted_groups_header,
            proxies=settings.trusted_proxies,
        )
