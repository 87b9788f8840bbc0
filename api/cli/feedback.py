"""`footnote feedback`, `questions` and `replay ID`: what is stored about questions and answers.

Rated answers become cases for `footnote eval`; a stored answer is compared with today's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import OK, USAGE, CliError
from ..wire.escape import escape, pluralize
from . import client, options
from .eval.cases import write_lines

if TYPE_CHECKING:
    from ..settings import Settings
    from ..state.answer_log import AnswerLog
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


questions_app = typer.Typer(help="The questions that are kept.", no_args_is_help=True)


@questions_app.callback()
def _questions() -> None:
    """The questions that are kept."""


State = Annotated[str | None, typer.Option(help="Only these: answered, refused or tentative.")]


@questions_app.command("list")
def list_questions(
    state: State = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """List the questions that are kept, newest first."""
    from ..operations.questions.listing import question_line

    lines = [question_line(row) for row in _chosen(state, collection, data_dir)[1]]
    if json:
        options.print_json({"questions": lines})
    elif not lines:
        typer.echo("No questions are kept; FOOTNOTE_KEEP_QUESTIONS_DAYS keeps them.", err=True)
    for line in [] if json else lines:
        reason = f" ({line['reason']})" if line["reason"] else ""
        rating = f", rated {line['rating']}" if line["rating"] else ""
        ended = f"{line['state']}{reason}{rating}"
        typer.echo(_one_line(f"{line['time']}  {line['id']}  {ended}  {line['question']}"))
    return OK


@questions_app.command("export")
def export_questions(
    format_: Annotated[
        str, typer.Option("--format", help="csv, or jsonl: draft cases for people to check.")
    ] = "csv",
    out: Annotated[Path | None, typer.Option(help="File; default: stdout.")] = None,
    state: State = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
) -> int:
    """Export the questions that are kept, as a table or as draft cases."""
    from rag.evaluation.run import write_atomic

    from ..operations.questions.listing import to_cases, to_csv

    if format_ not in ("csv", "jsonl"):
        raise CliError(f"unknown format {format_!r}; choose from csv, jsonl", USAGE)
    log, rows = _chosen(state, collection, data_dir)
    text = "".join(to_csv(rows) if format_ == "csv" else to_cases(rows, log))
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_atomic(out, text)
    return OK


def _chosen(
    state: str | None, collection: str | None, data_dir: Path | None
) -> "tuple[AnswerLog, list[Row]]":
    from ..bootstrap import answer_log
    from ..operations.questions.listing import Chosen, chosen_questions

    if state not in (None, "answered", "refused", "tentative"):
        raise CliError(f"unknown state {state!r}; see --help", USAGE)
    settings = options.load_settings(collection=collection, data_dir=data_dir)
    log = answer_log(settings)
    return log, list(chosen_questions(log, Chosen(settings.collection, state)))


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
