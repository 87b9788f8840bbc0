"""Options that several commands share, and the settings that result from them."""

import json as json_module
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..operations.health.data_folder import check_data_dir as check_data_dir
from ..operations.health.data_folder import find_exposure as find_exposure

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Filters

Corpus = Annotated[Path | None, typer.Argument(help="Folder of articles.")]
Collection = Annotated[str | None, typer.Option(help="Name of the index.")]
OwnCollection = Annotated[
    bool, typer.Option("--own-collection", help="Name the index after the corpus folder.")
]
DataDir = Annotated[Path | None, typer.Option(help="Folder of indexes, keys and models.")]
Shared = Annotated[
    str | None, typer.Option(help="Store through which machines share the index (s3://…).")
]
Model = Annotated[str | None, typer.Option(help="Chat model; without one, sources are quoted.")]
Url = Annotated[str | None, typer.Option(help="Ask a running service instead of the local index.")]
Key = Annotated[str | None, typer.Option(help="API key for that service.", envvar="FOOTNOTE_KEY")]
Source = Annotated[list[str] | None, typer.Option(help="Only this file or folder/; repeatable.")]
Tag = Annotated[list[str] | None, typer.Option(help="Only articles with this tag; repeatable.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only articles from this day on.")
]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only articles up to this day.")
]
TopK = Annotated[int, typer.Option(min=1, max=50, help="How many passages to use.")]
Watch = Annotated[
    bool, typer.Option("--watch", help="Sync again whenever an article changes, until stopped.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load_settings(
    *, own_collection: bool = False, all_collections: bool = False, **flags: object
) -> "Settings":
    """Returns the settings with the command line's flags on top; raises SettingRefused.

    Flags have the names of settings, with `__` for the dot of a group. The settings are those of
    the one selected collection, unless `all_collections`.
    """
    from ..settings import load_settings as load
    from ..settings_types import collection_name

    overrides = {name.replace("__", "."): value for name, value in flags.items()}
    settings = load(overrides)
    if own_collection and not overrides.get("collection"):
        settings = load({**overrides, "collection": collection_name(settings.corpus)})
    return settings if all_collections else settings.single_collection()


def filters(
    source: list[str] | None, tag: list[str] | None, since: datetime | None, until: datetime | None
) -> "Filters":
    """Returns the filters of a query in their wire format."""
    from ..wire.schemas import Filters

    return Filters(
        source=source or [],
        tags=tag or [],
        since=since and since.date(),
        until=until and until.date(),
    )


def print_json(value: object) -> None:
    """Prints `value` on stdout; on a terminal in ASCII, so that no text can control it."""
    typer.echo(json_module.dumps(value, indent=2, ensure_ascii=sys.stdout.isatty()))
