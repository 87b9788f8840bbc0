"""`footnote feedback export`: what readers thought of answers, as cases for `footnote eval`."""

from pathlib import Path
from typing import Annotated

import typer

from ..exit_codes import OK
from ..wire.amount import amount
from ..wire.escape import screen
from . import options
from .eval.cases import write_lines

app = typer.Typer(help="What readers thought of answers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """What readers thought of answers."""


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option(help="File of cases; else they go to stdout.", show_default=False)
    ] = None,
    data_dir: options.DataDir = None,
) -> int:
    """Write what was praised or corrected as evaluation cases, one JSON line each."""
    from rag.evaluation.cases import as_line
    from rag.evaluation.importing import from_feedback

    from ..bootstrap import feedback

    made = from_feedback(feedback(options.settings(data_dir=data_dir)).all())
    for said in made.left_out:
        typer.echo(screen(f"left out: {said}"), err=True)
    write_lines([as_line(case) for case in made.cases], out)
    typer.echo(f"{amount(len(made.cases), 'case')}, {len(made.left_out)} left out", err=True)
    return OK
