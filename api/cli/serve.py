"""`footnote serve [CORPUS]`: binds the port, syncs in the background, answers over HTTP.

The port is bound before anything slow, so that a port in use is reported at once; `/livez` answers
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

from ..errors import PortTaken
from ..exit_codes import OK
from ..wire.escape import escape, pluralize
from . import options

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Ready

BACKLOG = 128
KEEP_ALIVE_S = 75
"""Longer than a proxy keeps an idle connection (nginx: 60 s), else it may reuse a closed one."""
DRAIN_S = 5.0
"""Probes come every few seconds, and a load balancer needs one or two failures."""


def serve(
    corpus: options.Corpus = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free port.")] = None,
    no_sync: Annotated[bool, typer.Option("--no-sync", help="Serve the existing index.")] = False,
    workers: Annotated[int | None, typer.Option(help="Worker processes.")] = None,
    watch: options.Watch = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow other machines access without API keys.")
    ] = False,
    collection: options.Collection = None,
    own_collection: options.OwnCollection = False,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    shared: options.Shared = None,
    role: Annotated[
        str | None, typer.Option(help="`replica`: only answer, from the shared index.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log each request, also on a terminal.")
    ] = False,
    json: options.Json = False,
    as_worker: Annotated[
        tuple[int, int, int, bool] | None,
        typer.Option(
            hidden=True,
            help="Worker number, listener fd, parent pid, whether to wait for an index.",
        ),
    ] = None,
) -> int:
    """Sync the index and answer over HTTP."""
    settings = options.load_settings(
        corpus=corpus,
        host=host,
        port=port,
        workers=workers,
        insecure=insecure or None,
        collection=collection,
        own_collection=own_collection,
        data_dir=data_dir,
        llm__model=model,
        shared=shared,
        role=role,
        log_level="info" if verbose else None,
        all_collections=True,
    )
    if watch and no_sync:
        raise typer.BadParameter("--watch and --no-sync exclude each other")
    if watch and settings.role == "replica":
        raise typer.BadParameter("a replica does not sync, so there is nothing to --watch")
    _check_state(settings)
    from ..security.startup import warn_of_own_counters
    from ..telemetry.logs import configure_logging

    worker, listener_fd, parent_pid, waits = as_worker or (0, -1, -1, False)
    bound = socket.socket(fileno=listener_fd) if as_worker else bind(settings.host, settings.port)
    with bound as listener:
        if not no_sync:
            options.check_data_dir(settings)
        configure_logging(sys.stderr, log_content=settings.log_content, level=settings.log_level)
        exposure, is_anybody = options.find_exposure(settings)
        if not as_worker:
            warn_of_own_counters(settings)
        if is_anybody and not as_worker:
            logging.getLogger("footnote").warning("%s", exposure)
        if settings.workers > 1 and not as_worker:
            from ..server.workers import WorkerSupervisor
            from ..telemetry.metrics import metrics_server, multiprocess_metrics

            with multiprocess_metrics() as figures, metrics_server(settings.metrics_port, figures):
                return WorkerSupervisor(settings.workers, listener).run()
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(OK))  # a clean end
        if as_worker:
            call_when_orphaned(parent_pid, lambda: os.kill(os.getpid(), signal.SIGTERM))
        try:
            _run(
                settings,
                listener,
                sync=not no_sync and settings.role != "replica",
                watch=watch,
                worker=worker,
                waits=waits,
                json=json,
            )
        finally:
            signal.signal(signal.SIGTERM, before)
    return OK


def _check_state(settings: "Settings") -> None:
    """Raises SettingRefused if keys or a shared state are needed and missing."""
    from ..bootstrap import open_state
    from ..security import startup
    from ..security.keys import KeyStore

    keys = KeyStore(open_state(settings).main)
    startup.require_shared_state(settings, keys)
    startup.require_keys(settings, keys)


def drain_s(settings: "Settings") -> float:
    """Returns how long /readyz returns 503 before the port closes; on loopback nobody polls it."""
    from ..security.auth import is_loopback

    if settings.drain_s is not None:
        return settings.drain_s
    return 0.0 if is_loopback(settings.host) else DRAIN_S


def bind(host: str, port: int) -> socket.socket:
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
    from ..server.protocol import LimitedProtocol
    from ..server.uvicorn_server import GracefulServer
    from ..service.service import Hooks
    from ..telemetry.metrics import metrics_server

    fatal: list[Exception] = []
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"

    def on_fatal(error: Exception) -> None:
        fatal.append(error)
        server.should_exit = True
        server.service.stop_answers()

    def on_ready(ready: "Ready", example: str) -> None:
        if worker:  # the first worker prints it
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
    with metrics_server(own_port, app.state.metrics.collector()):
        server.run(sockets=[listener])
    if fatal:
        raise fatal[0]


def _banner(url: str, ready: "Ready", model: str | None, example: str) -> str:
    """Returns the URL of the page and a curl command to copy."""
    from ..service.service import default_collection

    if not ready.sources:
        return f"\nFootnote is running; its index has no articles yet.\n  page   {url}/\n"
    question, index = {"question": example}, f"generation {ready.generation}"
    if ready.collections:
        question["collection"] = default_collection(ready.collections)
        index = f"collections {', '.join(ready.collections)}"
    body = escape(json_module.dumps(question, ensure_ascii=False))
    header = "Content-Type: application/json"
    return (
        f"\nFootnote serves {pluralize(ready.sources, 'article')} ({index}); "
        f"answers {f'written by {model}' if model else 'quote the sources (no model is set)'}.\n"
        f"  page   {url}/\n"
        f"  ask    curl -s {url}/v1/answers -H {shlex.quote(header)} -d {shlex.quote(body)}\n"
    )
