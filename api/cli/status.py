"""`footnote status`: which generation serves, how old and large it is, and what it left out."""

from datetime import UTC, datetime

import typer

from ..exit_codes import OK
from ..wire.amount import amount
from ..wire.escape import screen
from . import options


def status(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Say what is indexed, without opening it."""
    settings = options.settings(collection=collection, data_dir=data_dir)
    from index.sync.status import status_of

    from ..bootstrap import collection_folder

    found = status_of(collection_folder(settings), settings.collection)
    if json:
        options.print_json(found.as_json())
        return OK
    info = found.info
    age = datetime.now(UTC) - datetime.fromisoformat(info.built_at)
    whole = ", vectors compared one by one" if info.exact else ""
    whole = whole if info.complete else ", by words alone so far"
    lines = [
        f"{info.collection}: generation {info.generation}, {amount(info.sources, 'article')}, "
        f"{amount(info.chunks, 'passage')}{whole}",
        f"corpus    {found.corpus}",
        f"built     {_age(age.total_seconds())} ago, {found.size / 1e6:,.1f} MB",
        f"before    {found.before or 'none to go back to'}",
        f"skipped   {len(found.skipped)}",
        *(f"  {entry.path}: {entry.cause}" for entry in found.skipped),
    ]
    typer.echo("\n".join(screen(line) for line in lines))
    return OK


def _age(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
