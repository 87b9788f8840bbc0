"""`footnote serve [CORPUS]`: takes the port, syncs what changed beside it, answers.

The port is bound before anything slow, so that a taken one is said at once; `/livez` answers
while the index is built.
"""

import json as json_module
import logging
import os
import shlex
import signal
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from index.sync.process import call_when_orphaned

from ..errors import PortTaken, SettingRefused
from ..exit_codes import OK
from ..wire.escape import escape, pluralize
from . import options

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Ready

BACKLOG = 128
KEEP_ALIVE_S = 75
"""Longer than a proxy keeps an idle connection (nginx: 60 s), else it may ask on a closed one."""
DRAIN_S = 5.0
"""Probes come every few seconds, and a balancer needs one or two that fail."""


def serve(
    corpus: options.Corpus = None,
    host: Annotated[str | None, typer.Option(help="Address.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0: any.", show_default=False)] = None,
    no_sync: Annotated[bool, typer.Option("--no-sync", help="Serve what is there.")] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes that answer.", show_default=False)
    ] = None,
    watch: options.Watch = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow an address that others can reach.")
    ] = False,
    collection: options.Collection = None,
    own_collection: options.OwnCollection = False,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
    as_worker: Annotated[
        tuple[int, int, int, bool] | None,
        typer.Option(
            hidden=True,
            help="Which worker, the listener's number, the parent's; whether to wait for an index.",
        ),
    ] = None,
) -> int:
    """Sync what changed, then answer over HTTP."""
    settings = options.settings(
        corpus=corpus,
        host=host,
        port=port,
        workers=workers,
        insecure=insecure or None,
        collection=collection,
        own_collection=own_collection,
        data_dir=data_dir,
        llm__model=model,
        every=True,
    )
    if watch and no_sync:
        raise typer.BadParameter("--watch syncs, --no-sync does not")
    refuse_exposure(settings)
    from ..telemetry.logs import start_log

    worker, fd, parent, waits = as_worker or (0, -1, -1, False)
    with socket.socket(fileno=fd) if as_worker else bound(settings.host, settings.port) as listener:
        if not no_sync:
            options.writable(settings)
        start_log(sys.stderr, log_content=settings.log_content)
        if settings.workers > 1 and not as_worker:
            from ..server.workers import WorkerSupervisor
            from ..telemetry.metrics import on_own_port, shared_by_workers

            with shared_by_workers() as figures, on_own_port(settings.metrics_port, figures):
                return WorkerSupervisor(settings.workers, listener).run()
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(OK))  # asked for: a clean end
        if as_worker:
            call_when_orphaned(parent, lambda: os.kill(os.getpid(), signal.SIGTERM))
        try:
            _run(
                settings,
                listener,
                sync=not no_sync,
                watch=watch,
                worker=worker,
                waits=waits,
                json=json,
            )
        finally:
            signal.signal(signal.SIGTERM, before)
    return OK


def refuse_exposure(settings: "Settings") -> None:
    """Raises SettingRefused where others could reach a service for which no key was made."""
    from ..bootstrap import keys
    from ..security.auth import is_loopback

    if settings.insecure or is_loopback(settings.host) or keys(settings).all():
        return
    raise SettingRefused(
        "host",
        f"others can reach {settings.host}, and no key was made: footnote keys create makes one, "
        "--insecure allows everybody everything",
    )


def drain_s(settings: "Settings") -> float:
    """Returns how long to be not ready before the port closes: at home nobody watches /readyz."""
    from ..security.auth import is_loopback

    if settings.drain_s is not None:
        return settings.drain_s
    return 0.0 if is_loopback(settings.host) else DRAIN_S


def bound(host: str, port: int) -> socket.socket:
    """Returns a socket bound to the address; raises PortTaken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from error
    return listener


def _run(
    settings: "Settings",
    listener: socket.socket,
    *,
    sync: bool,
    watch: bool,
    worker: int,
    waits: bool,
    json: bool,
) -> None:
    import uvicorn

    from ..app import create_app
    from ..server.graceful import GracefulServer
    from ..server.protocol import LimitedProtocol
    from ..service.service import Hooks
    from ..telemetry.metrics import on_own_port

    fatal: list[Exception] = []
    url = _url(settings.host, listener.getsockname()[1])

    def on_fatal(error: Exception) -> None:
        fatal.append(error)
        server.should_exit = True
        server.service.end()

    def on_ready(ready: "Ready", example: str) -> None:
        if worker:  # the first one says it
            return
        if json:
            typer.echo(json_module.dumps({"url": url, **ready.model_dump(exclude={"progress"})}))
        else:
            typer.echo(_banner(url, ready, settings.llm.model, example))

    hooks = Hooks(on_ready, on_fatal)
    app = create_app(settings, sync=sync, watch=watch, worker=worker, waits=waits, hooks=hooks)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,  # the middleware writes a line without the query string
        server_header=False,
        proxy_headers=False,
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = GracefulServer(config, app.state.service, drain_s=drain_s(settings))
    logging.getLogger("footnote").info("listening on %s", url)
    own_port = settings.metrics_port if settings.workers == 1 else None  # else the parent's
    with on_own_port(own_port, app.state.metrics.everyones()):
        server.run(sockets=[listener])
    if fatal:
        raise fatal[0]


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _banner(url: str, ready: "Ready", model: str | None, example: str) -> str:
    """Returns where to ask, with a line to copy."""
    from ..service.service import first

    if not ready.sources:
        return f"\nFootnote runs, and its index holds no article yet.\n  page   {url}/\n"
    question, held = {"question": example}, f"generation {ready.generation}"
    if ready.collections:
        question["collection"] = first(ready.collections)
        held = f"collections {', '.join(ready.collections)}"
    body = escape(json_module.dumps(question, ensure_ascii=False))
    header = "Content-Type: application/json"
    return (
        f"\nFootnote answers from {pluralize(ready.sources, 'article')}, {held}, "
        f"with {model or 'their own words (no model is set)'}.\n"
        f"  page   {url}/\n"
        f"  ask    curl -s {url}/v1/answers -H {shlex.quote(header)} -d {shlex.quote(body)}\n"
    )
