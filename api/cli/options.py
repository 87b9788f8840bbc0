"""Options that several commands share, and how what was said becomes settings."""

import json as json_module
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Filters

Corpus = Annotated[Path | None, typer.Argument(help="Folder of articles.", show_default=False)]
Collection = Annotated[str | None, typer.Option(help="Name of the index.", show_default=False)]
OwnCollection = Annotated[
    bool, typer.Option("--own-collection", help="Name the index after the corpus folder.")
]
DataDir = Annotated[
    Path | None, typer.Option(help="Where everything built is kept.", show_default=False)
]
Model = Annotated[
    str | None, typer.Option(help="Model that words the answers.", show_default=False)
]
Url = Annotated[
    str | None, typer.Option(help="Ask this running service instead.", show_default=False)
]
Key = Annotated[
    str | None,
    typer.Option(help="Key for that service.", envvar="FOOTNOTE_KEY", show_default=False),
]
Source = Annotated[
    list[str] | None,
    typer.Option("--source", help="Search this file, or folder/, alone.", show_default=False),
]
Tag = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Search articles with this tag alone.", show_default=False),
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Articles from this day on.", show_default=False),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Articles up to this day.", show_default=False),
]
TopK = Annotated[int, typer.Option(min=1, max=50, help="How many passages to use.")]
Watch = Annotated[
    bool, typer.Option("--watch", help="Sync again whenever an article changes, until stopped.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings(**said: object) -> "Settings":
    """Returns the settings with what the command line said on top; raises SettingRefused.

    Names are the settings' own, with `__` for the dot of a group. They are those of the one
    collection that is meant, unless `every`.
    """
    from ..bootstrap import collection_for, only
    from ..settings import load_settings

    own, every = said.pop("own_collection", False), said.pop("every", False)
    flags = {name.replace("__", "."): value for name, value in said.items()}
    found = load_settings(flags)
    if own and not said.get("collection"):
        found = load_settings({**flags, "collection": collection_for(found.corpus)})
    return found if every else only(found)


def writable(settings: "Settings") -> None:
    """Makes the data folder; raises SettingRefused where nothing can be written into it."""
    from ..errors import SettingRefused

    folder = settings.data_dir.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        cause = f"{folder} cannot be written ({error.strerror}): name another with --data-dir"
        raise SettingRefused("data_dir", cause) from error


def filters(
    source: list[str] | None, tag: list[str] | None, since: datetime | None, until: datetime | None
) -> "Filters":
    """Returns the filters that were said, in their shape on the wire."""
    from ..wire.schemas import Filters

    return Filters(
        source=source or [],
        tags=tag or [],
        since=since and since.date(),
        until=until and until.date(),
    )


def print_json(value: object) -> None:
    """Prints `value` on stdout; on a terminal in ASCII, so that nothing in it steers the screen."""
    typer.echo(json_module.dumps(value, indent=2, ensure_ascii=sys.stdout.isatty()))
