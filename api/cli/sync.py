"""`footnote sync [CORPUS]`: brings the index up to date with its folder."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from . import options
from .exits import OK


def sync(
    corpus: options.Corpus = None,
    collection: options.Collection = None,
    own_collection: options.OwnCollection = False,
    data_dir: options.DataDir = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the index change over to this corpus.")
    ] = False,
    json: options.Json = False,
) -> int:
    """Bring the index up to date with the folder of articles."""
    settings = options.settings(
        corpus=corpus, collection=collection, own_collection=own_collection, data_dir=data_dir
    )
    from index.worker import run_sync

    from ..syncing import summary
    from ..wiring import sync_request

    with progress() as on_event:
        report = run_sync(sync_request(settings, replace=replace), on_event)
    if json:
        options.print_json(asdict(report))
    else:
        typer.echo(summary(report))
    return OK


@contextmanager
def progress() -> Iterator[Callable[[dict[str, object]], None]]:
    """Yields a hook that shows events on stderr: bars on a terminal, plain lines elsewhere."""
    from ..syncing import Lines

    lines = Lines()

    def line(event: dict[str, object]) -> None:
        if said := lines.of(event):
            typer.echo(said, err=True)

    if not sys.stderr.isatty():
        yield line
        return
    from .bars import bars

    with bars() as bar:
        yield lambda event: bar(event) if event.get("total") else line(event)
