"""The command line: `footnote COMMAND`, with heavy imports inside each command.

Data goes to stdout, logs and progress to stderr; `api/exit_codes.py` defines the exit codes.
"""

import os
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from index.redact import guard_stderr

from ..exit_codes import USAGE, exit_code_of, one_line
from . import add, ask, doctor, feedback, generations, keys, mcp, serve, sync, widget
from . import eval as evaluation

app = typer.Typer(
    name="footnote",
    help="Answer questions about a folder of articles, with exact citations.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich would add a third to the time of --help
)
for _command in (
    serve.serve,
    sync.sync,
    add.add,
    ask.ask,
    ask.search,
    generations.status,
    generations.verify,
    generations.rollback,
    mcp.mcp,
    feedback.replay,
    doctor.doctor,
):
    app.command()(_command)
app.add_typer(evaluation.app, name="eval")
app.add_typer(keys.app, name="keys")
app.add_typer(feedback.app, name="feedback")
app.add_typer(widget.app, name="widget")


def main() -> None:
    """Runs the command line and exits with its code.

    What it creates (keys, texts, answers, runs) is its user's alone, whatever the umask was.
    """
    os.umask(0o077)
    guard_stderr()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Returns the exit code of a command; prints an error as one line on stderr."""
    if not arguments:
        run(["--help"])
        return USAGE
    try:
        result = app(list(arguments), prog_name="footnote", standalone_mode=False)
    except TyperException as error:
        message = error.format_message().rstrip(".")
        typer.echo(f"footnote: {message}; see footnote --help", err=True)
        return error.exit_code
    except Exception as error:
        exit_code = exit_code_of(error)
        if exit_code is None:
            raise  # a bug: print the traceback and exit with 1
        typer.echo(f"footnote: {one_line(error)}", err=True)
        return exit_code
    return result if isinstance(result, int) else 0
