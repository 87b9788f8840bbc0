"""`footnote feedback export` and `footnote replay ID`: what is stored about answers.

Rated answers become cases for `footnote eval`; a stored answer is compared with today's.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..exit_codes import OK, CliError
from ..wire.escape import escape, pluralize
from . import client, options
from .eval.cases import write_lines

app = typer.Typer(help="User feedback on answers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """User feedback on answers."""


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="File of cases; default: stdout.")] = None,
    data_dir: options.DataDir = None,
) -> int:
    """Export rated answers as evaluation cases, one JSON object per line.

    A case whose question or gold is a client's words, and not this service's, has the tag
    `unverified`: read it before you measure with it.
    """
    from rag.evaluation.importing import import_feedback

    from ..bootstrap import open_state
    from ..state.answer_log import AnswerLog
    from ..state.feedback import FeedbackStore

    state = open_state(options.load_settings(data_dir=data_dir))
    imported = import_feedback(FeedbackStore(state.feedback, AnswerLog(state.answers)).all())
    for reason in imported.skipped:
        typer.echo(escape(f"skipped: {reason}"), err=True)
    write_lines([case.to_json() for case in imported.cases], out)
    cases = pluralize(len(imported.cases), "case")
    typer.echo(f"{cases}, {len(imported.skipped)} skipped", err=True)
    return OK


def replay(
    answer_id: Annotated[str, typer.Argument(metavar="ID", help="The answer's id.")],
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
) -> int:
    """Show a stored answer, ask its question again and list what differs."""
    settings = options.load_settings(collection=collection, data_dir=data_dir, llm__model=model)
    from ..bootstrap import open_state
    from ..state.answer_log import AnswerLog, ask_from_record, differences, record_of

    then = AnswerLog(open_state(settings).answers).get(answer_id)
    if then is None:
        raise CliError(
            f"no stored answer {answer_id[:64]!r}; the service stores answers "
            "with FOOTNOTE_KEEP_ANSWERS=true"
        )
    ask = ask_from_record(then)
    now = record_of(ask, client.answer_locally(settings, ask))
    changes = differences(then, now)
    if json:
        options.print_json({"then": then, "now": now, "differs": changes})
    else:
        typer.echo(_format_replay(then, now, changes))
    return OK


def _format_replay(then: dict[str, Any], now: dict[str, Any], changes: list[str]) -> str:
    lines = [f"question  {then['ask']['question']}", f"searched  {then['standalone_question']}"]
    for passage in then["passages"]:
        span = f"{passage['source']} {passage['start']}:{passage['end']}"
        lines.append(f"  {passage['rank']}. {span}, score {passage['score']:.2f}")
    lines += [f"then      {then['answer']}"]
    if "answer" in changes:
        lines += [f"now       {now['answer']}"]
    lines += [f"differs   {', '.join(changes) or 'nothing'}"]
    return "\n".join(escape(line).replace("\n", "\\n") for line in lines)
