"""`footnote feedback list|export` and `footnote replay ID`: what is stored about answers.

Rated answers become cases for `footnote eval`; a stored answer is compared with today's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import OK, CliError
from ..wire.escape import escape, pluralize
from . import client, options
from .eval.cases import write_lines

if TYPE_CHECKING:
    from ..settings import Settings
    from ..state.bounded_table import Row

app = typer.Typer(help="User feedback on answers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """User feedback on answers."""


@app.command("list")
def list_(
    rating: Annotated[str | None, typer.Option(help="Only these: up or down.")] = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """List the feedback, newest first, with its question and answer."""
    from ..operations.quality.cases import CaseFile, feedback_entry

    settings = options.load_settings(collection=collection, data_dir=data_dir)
    accepted = {case.id for case in CaseFile(settings.data_dir, settings.collection).all()}
    ratings = (row for row in _ratings(settings) if rating in (None, row.body.get("rating")))
    entries = [feedback_entry(row, accepted) for row in ratings]
    if json:
        options.print_json({"feedback": entries})
    elif not entries:
        typer.echo("There is no feedback yet.", err=True)
    for entry in [] if json else entries:
        typer.echo("\n".join(map(_one_line, _format_entry(entry))))
    return OK


def _format_entry(entry: dict[str, Any]) -> Iterator[str]:
    accepted = ", accepted as a case" if entry["accepted_as"] else ""
    yield f"{entry['time']}  {entry['rating']:<4}  {entry['answer_id']}  {entry['by']}{accepted}"
    for name in ("question", "answer", "comment", "correct_answer"):
        if text := entry[name]:
            yield f"  {name.replace('_', ' '):<14}  {text}"


def _one_line(text: str) -> str:
    return escape(text).replace("\n", "\\n")


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="File of cases; default: stdout.")] = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
) -> int:
    """Export accepted and praised or corrected answers as evaluation cases, one a line.

    A case whose question or gold is a client's words, and not this service's, has the tag
    `unverified`: read it before you measure with it.
    """
    from ..operations.quality.cases import CaseFile, feedback_cases

    settings = options.load_settings(collection=collection, data_dir=data_dir)
    accepted = CaseFile(settings.data_dir, settings.collection).all()
    imported = feedback_cases(_ratings(settings), accepted)
    for reason in imported.skipped:
        typer.echo(escape(f"skipped: {reason}"), err=True)
    write_lines([case.to_json() for case in imported.cases], out)
    cases = pluralize(len(imported.cases), "case")
    typer.echo(f"{cases}, {len(imported.skipped)} skipped", err=True)
    return OK


def _ratings(settings: "Settings") -> "Iterator[Row]":
    from ..bootstrap import answer_log, feedback_store
    from ..operations.quality.cases import ratings_of

    store = feedback_store(settings, answer_log(settings))
    return ratings_of(store, settings.collection)


def replay(
    answer_id: Annotated[str, typer.Argument(metavar="ID", help="The answer's id.")],
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
) -> int:
    """Show a stored answer, ask its question again and list what differs."""
    settings = options.load_settings(collection=collection, data_dir=data_dir, llm__model=model)
    from ..bootstrap import answer_log
    from ..state.answer_log import ask_from_record, differences, record_of

    then = answer_log(settings).get(answer_id)
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
