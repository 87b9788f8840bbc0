"""The terminal: `footnote COMMAND`; a module for each command, heavy imports inside them.

Data goes to stdout, log and progress to stderr; `exits.py` holds the exit codes.
"""

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from ..exit_codes import USAGE, code_of, name_of
from . import (
    ask,
    doctor,
    feedback,
    keys,
    mcp,
    replay,
    rollback,
    search,
    serve,
    status,
    sync,
    verify,
    widget,
)
from . import eval as evaluation

app = typer.Typer(
    name="footnote",
    help="Answers questions about a folder of articles, and proves every sentence.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich would cost the help a third of its time
)
app.command()(serve.serve)
app.command()(sync.sync)
app.command()(ask.ask)
app.command()(search.search)
app.command()(status.status)
app.command()(verify.verify)
app.command()(rollback.rollback)
app.command()(mcp.mcp)
app.command()(replay.replay)
app.command()(doctor.doctor)
app.add_typer(evaluation.app, name="eval")
app.add_typer(keys.app, name="keys")
app.add_typer(feedback.app, name="feedback")
app.add_typer(widget.app, name="widget")


def main() -> None:
    """Runs the command line and exits with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Returns the exit code of a command line; says in one line what went wrong."""
    if not arguments:
        run(["--help"])
        return USAGE
    try:
        result = app(list(arguments), prog_name="footnote", standalone_mode=False)
    except TyperException as error:
        said = error.format_message().rstrip(".")
        typer.echo(f"footnote: {said}; see footnote --help", err=True)
        return error.exit_code
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise  # a bug: its traceback, and exit code 1
        typer.echo(f"footnote: {name_of(error)}", err=True)
        return code
    return result if isinstance(result, int) else 0
