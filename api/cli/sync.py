"""`footnote sync [CORPUS]`: brings the index up to date with its folder."""

import json as json_module
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import OK
from . import options

if TYPE_CHECKING:
    from index.sync.process import SyncReport, SyncRequest


def sync(
    corpus: options.Corpus = None,
    collection: options.Collection = None,
    own_collection: options.OwnCollection = False,
    data_dir: options.DataDir = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the index change over to this corpus.")
    ] = False,
    watch: options.Watch = False,
    json: options.Json = False,
) -> int:
    """Bring the index up to date with the folder of articles."""
    settings = options.settings(
        corpus=corpus,
        collection=collection,
        own_collection=own_collection,
        data_dir=data_dir,
        every=True,
    )
    options.writable(settings)
    from index.sync.process import run_sync

    from ..bootstrap import each, only, sync_request

    if watch:
        _keep_synced(sync_request(only(settings), replace=replace), json=json)
        return OK
    reports = {}
    for one in each(settings):
        request = sync_request(one, replace=replace)
        with progress(json=json) as on_event:
            reports[one.collection] = run_sync(request, on_event)
        if not json:
            _show(reports[one.collection], request, json=False)
    if json and len(reports) > 1:
        options.print_json({name: asdict(report) for name, report in reports.items()})
    elif json:
        _show(reports.popitem()[1], request, json=True)
    return OK


def _keep_synced(request: "SyncRequest", *, json: bool) -> None:
    """Syncs now and after each change, until it is interrupted; the first sync has to succeed."""
    from index.sync.process import rebuilt, report_from
    from index.sync.watch import Watch

    succeeded = False

    def hear(event: dict[str, object]) -> None:
        nonlocal succeeded
        if event["event"] == "done":
            succeeded = True
            _show(report_from(event), request, json=json)
        elif event["event"] == "failed" and not succeeded:
            raise rebuilt(event)
        else:
            on_event(event)

    with progress(json=json, bars=False) as on_event:
        Watch(request, hear).run()


def _show(report: "SyncReport", request: "SyncRequest", *, json: bool) -> None:
    from ..service.background_sync import emptiness, summary

    if json:
        options.print_json(asdict(report))
        return
    typer.echo(summary(report))
    sys.stdout.flush()
    if said := emptiness(report, request):
        typer.echo(said, err=True)


@contextmanager
def progress(
    *, json: bool = False, bars: bool = True
) -> Iterator[Callable[[dict[str, object]], None]]:
    """Yields a hook that shows events on stderr: as JSON, as bars on a terminal, or as lines."""
    from ..service.background_sync import Lines

    lines = Lines()

    def line(event: dict[str, object]) -> None:
        said = json_module.dumps(event) if json else lines.of(event)
        if said:
            typer.echo(said, err=True)

    if json or not bars or not sys.stderr.isatty():
        yield line
        return
    from .bars import bars as drawn

    with drawn() as bar:
        yield lambda event: bar(event) if event.get("total") else line(event)
