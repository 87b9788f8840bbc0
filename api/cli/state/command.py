"""`footnote state import`: what a data folder's SQLite files hold, copied into PostgreSQL.

Jobs stay behind: they are short-lived. What is in the database already stays as it is.
"""

from typing import TYPE_CHECKING

import typer

from ...errors import SettingRefused
from ...exit_codes import OK
from ...wire.escape import pluralize
from .. import options

if TYPE_CHECKING:
    from ...state.databases import State

app = typer.Typer(help="Keys, feedback and logged answers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keys, feedback and logged answers."""


@app.command("import")
def import_(data_dir: options.DataDir = None, json: options.Json = False) -> int:
    """Copy the data folder's keys, link secret, feedback and answers into the database.

    Run it before services start with FOOTNOTE_STATE: then keys, links and widget tokens stay valid.
    """
    from ...bootstrap import open_state

    settings = options.load_settings(data_dir=data_dir, all_collections=True)
    if settings.state is None:
        raise SettingRefused("state", "there is nothing to copy to; set FOOTNOTE_STATE")
    files = open_state(settings.model_copy(update={"state": None}))
    copied = _copy(files, open_state(settings))
    if json:
        options.print_json(copied)
    else:
        rows = (pluralize(copied["keys"], "key"), pluralize(copied["feedback"], "rating"))
        secret = "the link secret" if copied["secrets"] else "no link secret"
        typer.echo(f"copied {', '.join(rows)}, {pluralize(copied['answers'], 'answer')}, {secret}")
    return OK


def _copy(source: "State", target: "State") -> dict[str, int]:
    """Returns how many rows were copied, by table."""
    from ...security.keys import KeyStore
    from ...state.answer_log import AnswerLog
    from ...state.feedback import FeedbackStore
    from ...wire.signed_links import LinkSigner

    answers = AnswerLog(source.answers)
    return {
        "keys": KeyStore(source.main).copy_to(target.main),
        "secrets": LinkSigner(source.main, base="").copy_to(target.main),
        "answers": answers.copy_to(target.answers),
        "feedback": FeedbackStore(source.feedback, answers).copy_to(target.feedback),
    }
