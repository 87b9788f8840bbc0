"""`footnote ask` without a question: a prompt, where each question may follow from those before."""

from collections.abc import Callable
from contextlib import suppress

import typer

from ...exit_codes import exit_code_of, one_line
from .sources import AnswerSource, Json

PROMPT = "> "
MAX_MESSAGES = 40
"""The newest messages that go with a question; a service takes 100."""
MAX_MESSAGE_CHARS = 20_000


def converse(source: AnswerSource, show: Callable[[Json], str]) -> None:
    """Answers each question that is typed until Ctrl-D; an error of one does not end it."""
    with suppress(ImportError):
        import readline  # noqa: F401  # `input` then has editing and the arrow keys' history
    typer.echo(f"Ask {source.description}; Ctrl-D ends.", err=True)
    history: list[dict[str, str]] = []
    while question := _read_question():
        try:
            answer = source.answer(question, history)
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            continue
        except Exception as error:
            if exit_code_of(error) is None:
                raise  # a bug
            typer.echo(f"footnote: {one_line(error)}", err=True)
            continue
        typer.echo(f"\n{show(answer)}\n")
        messages = ("user", question), ("assistant", answer["answer"])
        history += [{"role": role, "content": text[:MAX_MESSAGE_CHARS]} for role, text in messages]
        del history[:-MAX_MESSAGES]


def _read_question() -> str | None:
    """Returns the next line that is not empty; None at the end. Ctrl-C begins the line again."""
    while True:
        try:
            if line := input(PROMPT).strip():
                return line
        except KeyboardInterrupt:
            typer.echo()
        except EOFError:
            typer.echo()
            return None
