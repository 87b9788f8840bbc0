"""`footnote keys create|list|revoke`: the API keys of a service, their scopes and expiry."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import OK, CliError
from ..wire.escape import escape
from . import options

if TYPE_CHECKING:
    from ..security.keys import Key, KeyStore

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

DAY_S = 86_400


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="read (the default), write or admin; repeatable.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this collection; repeatable.")
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="Also read the articles of this group; repeatable."),
    ] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Expires after so many days.")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Register the key in this file, created elsewhere.")
    ] = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Create an API key and print it once; only its hash is stored."""
    from ..security.keys import SCOPES

    scopes = set(scope or ["read"])
    if unknown := scopes - set(SCOPES):
        raise CliError(f"unknown scope {min(unknown)!r}; choose from {', '.join(SCOPES)}")
    key = _open_store(data_dir).create(
        scopes=[one for one in SCOPES if one in scopes],
        name=name,
        collections=collection or (),
        groups=group or (),
        expires_s=None if days is None else time.time() + days * DAY_S,
        key=_read_key(key_file) if key_file else None,
    )
    key_id = key[3:11]
    if json:
        options.print_json({"id": key_id} if key_file else {"key": key, "id": key_id})
    elif key_file:
        typer.echo(f"The key's id is {key_id}.", err=True)
    else:
        typer.echo(key)
        typer.echo(f"Store the key now: it is not shown again. Its id is {key_id}.", err=True)
    return OK


@app.command("list")
def list_(data_dir: options.DataDir = None, json: options.Json = False) -> int:
    """List all API keys, without the keys themselves."""
    rows = [_row(key) for key in _open_store(data_dir).all()]
    if json:
        options.print_json({"keys": rows})
    elif not rows:
        typer.echo("There are no API keys; create one with `footnote keys create`.", err=True)
    for row in [] if json else rows:
        collections = ",".join(row["collections"]) if row["collections"] else "all collections"
        expiry = f", until {row['expires_at']}" if row["expires_at"] else ""
        scopes = ",".join(row["scopes"])
        collections += f", groups {','.join(row['groups'])}" if row["groups"] else ""
        line = f"{row['id']}  {row['status']:<7}  {scopes:<16}  {collections}{expiry}"
        typer.echo(escape(f"{line}  {row['name']}").rstrip())
    return OK


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as listed.")],
    data_dir: options.DataDir = None,
) -> int:
    """Revoke an API key for good; running services notice within seconds."""
    _open_store(data_dir).revoke(key_id)
    return OK


def _open_store(data_dir: Path | None) -> "KeyStore":
    from ..bootstrap import open_state
    from ..security.keys import KeyStore

    settings = options.load_settings(data_dir=data_dir, all_collections=True)
    return KeyStore(open_state(settings).main)


def _read_key(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise CliError(f"cannot read {path}: {type(error).__name__}") from error


def _row(key: "Key") -> dict[str, Any]:
    from ..security.keys import format_utc

    return {
        "id": key.id,
        "name": key.name,
        "status": key.status(time.time()),
        "scopes": sorted(key.scopes),
        "collections": sorted(key.collections) if key.collections is not None else None,
        "groups": sorted(key.groups),
        "created_at": format_utc(key.created_s),
        "expires_at": format_utc(key.expires_s),
        "revoked_at": format_utc(key.revoked_s),
    }
