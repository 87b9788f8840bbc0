"""`footnote rollback`: lets the generation before serve again."""

import typer

from ..exit_codes import OK
from . import options


def rollback(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Go back to the generation before; once more undoes it."""
    settings = options.settings(collection=collection, data_dir=data_dir)
    from index.sync.publish import roll_back

    from ..bootstrap import collection_folder

    name = roll_back(collection_folder(settings), settings.collection)
    if json:
        options.print_json({"generation": name})
    else:
        typer.echo(f"generation {name} serves; the next sync brings it up to date with its folder")
    return OK
