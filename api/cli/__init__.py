"""The command line: `footnote COMMAND`, with heavy imports inside each command.

Data goes to stdout, logs and progress to stderr; `api/exit_codes.py` defines the exit codes.
"""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from index.redact import guard_stderr

from ..exit_codes import USAGE, exit_code_of, one_line
from . import (
    add,
    ask,
    doctor,
    feedback,
    generations,
    keys,
    mcp,
    serve,
    sessions,
    state,
    sync,
    widget,
)
from . import eval as evaluation
from .help import CONTEXT, GroupedCommands, add_examples

app = typer.Typer(
    name="footnote",
    cls=GroupedCommands,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich would add a third to the time of --help
)
_COMMANDS = {
    "Ask": (ask.ask, ask.search, serve.serve, mcp.mcp),
    "Articles and index": (
        *(sync.sync, add.add),
        *(generations.status, generations.verify, generations.rollback),
    ),
    "Operation": (doctor.doctor, sync.worker),
    "Quality": (feedback.replay,),
}
_GROUPS = {
    "eval": (evaluation.app, "Quality"),
    "keys": (keys.app, "Operation"),
    "state": (state.app, "Operation"),
    "sessions": (sessions.app, "Operation"),
    "feedback": (feedback.app, "Quality"),
    "questions": (feedback.questions_app, "Quality"),
    "widget": (widget.app, "Operation"),
}
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
for _name, (_group, _panel) in _GROUPS.items():
    add_examples(_group, _name)
    app.add_typer(_group, name=_name, cls=GroupedCommands, rich_help_panel=_panel)
add_examples(app)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"footnote {version('footnote')}")
        raise typer.Exit


@app.callback()
def footnote(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Answer questions about a folder of articles, with exact citations."""


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
        return _report_usage(error)
    except Exception as error:
        exit_code = exit_code_of(error)
        if exit_code is None:
            raise  # a bug: print the traceback and exit with 1
        typer.echo(f"footnote: {one_line(error)}", err=True)
        return exit_code
    return result if isinstance(result, int) else 0


def _report_usage(error: TyperException) -> int:
    """Prints what is wrong and where help is; of a group without a command, the help itself."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    path = context.command_path if context else "footnote"
    if message.startswith("Usage: "):
        typer.echo(message)
    else:
        typer.echo(f"footnote: {message.rstrip('.')}; see {path} --help", err=True)
    return error.exit_code
