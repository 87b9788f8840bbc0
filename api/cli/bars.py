"""Progress bars for a sync on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bars() -> Iterator[Callable[[dict[str, object]], None]]:
    """Yields a hook that draws a bar on stderr for each phase that has a total."""
    columns = (
        TextColumn("{task.description:>6}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, object] = {}

        def draw(event: dict[str, object]) -> None:
            phase = str(event["event"])
            done, total = event.get("done"), event.get("total")
            if not isinstance(done, int) or not isinstance(total, int):
                return
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase, total=total)
            progress.update(tasks[phase], completed=done, total=total)  # type: ignore[arg-type]  # rich's own id

        yield draw
