"""`footnote keys create|list|revoke`: who may ask a service, and for what."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import OK, USAGE, ServiceRefused
from ..wire.escape import screen
from . import options

if TYPE_CHECKING:
    from ..security.keys import Key

app = typer.Typer(help="Keys: made, listed and revoked.", no_args_is_help=True)

DAY_S = 86_400


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What it is for.", show_default=False)] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="read (the default), write, admin; repeatable.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this collection; repeatable.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0, help="Ends after so many days.", show_default=False)
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="Take the key in this file, made elsewhere.", show_default=False),
    ] = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Make a key and print it, this once; only its hash is kept."""
    from ..bootstrap import keys
    from ..errors import KeyMalformed
    from ..security.keys import SCOPES

    known = {scope: scope for scope in SCOPES}
    wanted = set(scope or ["read"])
    if unknown := wanted - known.keys():
        raise ServiceRefused(f"no scope {min(unknown)!r}: there are {', '.join(SCOPES)}", USAGE)
    try:
        key = keys(options.settings(data_dir=data_dir, every=True)).create(
            scopes=[known[name] for name in SCOPES if name in wanted],
            name=name,
            collections=collection or (),
            expires_s=None if days is None else time.time() + days * DAY_S,
            given=_read(key_file) if key_file else None,
        )
    except KeyMalformed as error:
        raise ServiceRefused(str(error), USAGE) from error
    said = {"id": key[3:11]} if key_file else {"key": key, "id": key[3:11]}
    if json:
        options.print_json(said)
    elif key_file:
        typer.echo(f"Its id is {key[3:11]}.", err=True)
    else:
        typer.echo(key)
        typer.echo(f"Keep it: it is not shown again. Its id is {key[3:11]}.", err=True)
    return OK


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise ServiceRefused(f"{path} cannot be read: {type(error).__name__}", USAGE) from error


@app.command("list")
def list_(data_dir: options.DataDir = None, json: options.Json = False) -> int:
    """List every key ever made, without the keys themselves."""
    from ..bootstrap import keys

    rows = [_row(key) for key in keys(options.settings(data_dir=data_dir, every=True)).all()]
    if json:
        options.print_json({"keys": rows})
    elif not rows:
        typer.echo("No key was made; footnote keys create makes one.", err=True)
    for row in [] if json else rows:
        where = ",".join(row["collections"]) if row["collections"] else "every collection"
        ends = f", until {row['expires_at']}" if row["expires_at"] else ""
        line = f"{row['id']}  {row['status']:<7}  {','.join(row['scopes']):<16}  {where}{ends}"
        typer.echo(screen(f"{line}  {row['name']}").rstrip())
    return OK


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As in the list.")],
    data_dir: options.DataDir = None,
) -> int:
    """Close a key for good; running services notice within seconds."""
    from ..bootstrap import keys
    from ..errors import KeyUnknown

    try:
        keys(options.settings(data_dir=data_dir, every=True)).revoke(key_id)
    except KeyUnknown as error:
        raise ServiceRefused(str(error), USAGE) from error
    return OK


def _row(key: "Key") -> dict[str, Any]:
    from ..security.keys import as_date

    return {
        "id": key.id,
        "name": key.name,
        "status": key.status(time.time()),
        "scopes": sorted(key.scopes),
        "collections": sorted(key.collections) if key.collections is not None else None,
        "created_at": as_date(key.created_s),
        "expires_at": as_date(key.expires_s),
        "revoked_at": as_date(key.revoked_s),
    }
