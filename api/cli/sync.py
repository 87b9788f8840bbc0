"""`footnote sync [CORPUS]`: updates the index to match its folder. `footnote worker` helps it."""

import json as json_module
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SettingRefused
from ..exit_codes import OK
from ..wire.escape import escape
from . import options

if TYPE_CHECKING:
    from index.sync.process import SyncReport, SyncRequest

Event = dict[str, object]


def sync(
    corpus: options.Corpus = None,
    collection: options.Collection = None,
    own_collection: options.OwnCollection = False,
    data_dir: options.DataDir = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Switch the index to another corpus folder.")
    ] = False,
    watch: options.Watch = False,
    shared: options.Shared = None,
    json: options.Json = False,
) -> int:
    """Update the index to match the folder of articles."""
    settings = options.load_settings(
        corpus=corpus,
        collection=collection,
        own_collection=own_collection,
        data_dir=data_dir,
        shared=shared,
        all_collections=True,
    )
    options.check_data_dir(settings)
    from index.sync.process import run_sync

    from ..bootstrap import sync_request

    if watch:
        _watch(sync_request(settings.single_collection(), replace=replace), json=json)
        return OK
    reports = {}
    for one in settings.per_collection():
        request = sync_request(one, replace=replace)
        with show_progress(json=json) as on_event:
            reports[one.collection] = run_sync(request, on_event)
        if not json:
            _show(reports[one.collection], request, json=False)
    if json:
        results = {name: asdict(report) for name, report in reports.items()}
        options.print_json(results if len(results) > 1 else results.popitem()[1])
    return OK


def _watch(request: "SyncRequest", *, json: bool) -> None:
    """Syncs now and after each change until interrupted; a failure of the first sync is raised."""
    from index.sync.process import error_from_event, report_from_event
    from index.sync.watch import CorpusWatcher

    has_succeeded = False

    def handle(event: Event) -> None:
        nonlocal has_succeeded
        if event["event"] == "done":
            has_succeeded = True
            _show(report_from_event(event), request, json=json)
        elif event["event"] == "failed" and not has_succeeded:
            raise error_from_event(event)
        else:
            on_event(event)

    with show_progress(json=json, bars=False) as on_event:
        CorpusWatcher(request, handle).run()


def _show(report: "SyncReport", request: "SyncRequest", *, json: bool) -> None:
    from ..service.background_sync import empty_index_warning, summarize_report

    if json:
        options.print_json(asdict(report))
        return
    typer.echo(summarize_report(report))
    sys.stdout.flush()
    if warning := empty_index_warning(report, request):
        typer.echo(warning, err=True)


def worker(
    pool: Annotated[str | None, typer.Option(help="Dask scheduler, `tcp://` or `tls://`.")] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Read files and embed passages for syncs on other machines, until stopped."""
    settings = options.load_settings(all_collections=True, pool=pool, data_dir=data_dir)
    if settings.pool is None:
        raise SettingRefused("pool", "name the Dask scheduler by --pool")
    options.check_data_dir(settings)
    from index.sync.pool.worker import run_worker

    from ..bootstrap import worker_request

    lines = {
        "serving": "working for {scheduler} at {address}",
        "waiting": "waiting for {scheduler}, which does not answer",
        "restart": "the worker ended (exit code {code}); starting another",
    }

    def print_line(event: Event) -> None:
        line = lines[str(event["event"])].format(**{"scheduler": settings.pool, **event})
        typer.echo(escape(line), err=True)

    run_worker(worker_request(settings, settings.pool), print_line)


@contextmanager
def show_progress(*, json: bool = False, bars: bool = True) -> Iterator[Callable[[Event], None]]:
    """Yields a hook that prints events on stderr: as JSON, as bars on a terminal, or as lines."""
    from ..service.background_sync import SyncEventFormatter

    lines = SyncEventFormatter()

    def print_line(event: Event) -> None:
        if line := json_module.dumps(event) if json else lines.format(event):
            typer.echo(line, err=True)

    if json or not bars or not sys.stderr.isatty():
        yield print_line
        return
    with _progress_bars() as draw:
        yield lambda event: draw(event) if event.get("total") else print_line(event)


@contextmanager
def _progress_bars() -> Iterator[Callable[[Event], None]]:
    """Yields a hook that draws a bar on stderr for each phase that has a total."""
    from rich import progress as bars
    from rich.console import Console

    label, counts = bars.TextColumn("{task.description:>6}"), bars.MofNCompleteColumn()
    columns = (label, bars.BarColumn(), counts, bars.TimeRemainingColumn())
    tasks: dict[str, bars.TaskID] = {}

    def draw(event: Event) -> None:
        phase, done, total = str(event["event"]), event.get("done"), event.get("total")
        if not isinstance(done, int) or not isinstance(total, int):
            return
        if phase not in tasks:
            tasks[phase] = progress.add_task(phase, total=total)
        progress.update(tasks[phase], completed=done, total=total)

    with bars.Progress(*columns, console=Console(stderr=True)) as progress:
        yield draw
