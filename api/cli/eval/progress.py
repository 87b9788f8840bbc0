"""A run's progress on stderr: a bar with score and time left on a terminal, else some lines."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ...wire.amount import amount

if TYPE_CHECKING:
    from rag.evaluation.run import Progress

LINES = 10
"""How many lines a whole run takes where there is no terminal."""


@contextmanager
def watched() -> "Iterator[Callable[[Progress], None]]":
    """Yields the hook that shows how far a run is."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("cases"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("right {task.fields[share]:.1%}"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("cases", total=None, share=0.0)

        def show(progress: "Progress") -> None:
            bar.update(task, completed=progress.done, total=progress.total, share=progress.share)

        yield show


class _Lines:
    """Says a line whenever another tenth is done."""

    def __init__(self) -> None:
        self._said = -1

    def show(self, progress: "Progress") -> None:
        tenth = progress.done * LINES // max(progress.total, 1)
        if tenth == self._said:
            return
        self._said = tenth
        left = "" if progress.left_s is None else f", {progress.left_s:.0f} s left"
        done = f"{progress.done} of {amount(progress.total, 'case')}"
        typer.echo(f"{done}, {progress.share:.1%} right{left}", err=True)
