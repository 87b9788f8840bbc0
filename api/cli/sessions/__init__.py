"""`footnote sessions list|revoke`: who is signed in, and ending a session."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...exit_codes import OK, CliError
from ...wire.escape import escape, pluralize
from .. import options

if TYPE_CHECKING:
    from ...state.sessions import SessionStore

app = typer.Typer(help="List and revoke the sessions of people.", no_args_is_help=True)


@app.command("list")
def list_(data_dir: options.DataDir = None, json: options.Json = False) -> int:
    """List the open sessions; people are named by an id, and by the name that they go by."""
    from ...security.keys import format_utc

    rows = [
        {
            "id": session.id,
            "subject": session.subject,
            "name": session.name,
            "groups": sorted(session.groups),
            "created_at": format_utc(session.created_s),
            "used_at": format_utc(session.used_s),
            "expires_at": format_utc(session.expires_s),
        }
        for session in _open_store(data_dir).all()
    ]
    if json:
        options.print_json({"sessions": rows})
    elif not rows:
        typer.echo("Nobody is signed in.", err=True)
    for row in [] if json else rows:
        times = f"since {row['created_at']}, used {row['used_at']}"
        typer.echo(escape(f"{row['id']}  {row['subject']}  {times}  {row['name']}").rstrip())
    return OK


@app.command()
def revoke(
    session: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="A session's id, or a subject for all of theirs."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="End every session.")] = False,
    data_dir: options.DataDir = None,
) -> int:
    """End sessions; running services notice within seconds."""
    if bool(session) == everybody:
        raise CliError("name sessions, or use --all; `footnote sessions list` shows their ids")
    store = _open_store(data_dir)
    wanted = set(session or ())
    ended = [one for one in store.all() if everybody or {one.id, one.subject} & wanted]
    if unknown := wanted - {name for one in ended for name in (one.id, one.subject)}:
        raise CliError(f"no open session {min(unknown)[:40]!r}; `footnote sessions list` shows all")
    store.delete([one.id for one in ended])
    typer.echo(f"ended {pluralize(len(ended), 'session')}", err=True)
    return OK


def _open_store(data_dir: Path | None) -> "SessionStore":
    from ...bootstrap import open_state
    from ...state.sessions import SessionStore

    settings = options.load_settings(data_dir=data_dir, all_collections=True)
    return SessionStore(open_state(settings).main)
