"""Options that several commands share, and the settings that result from them."""

import json as json_module
import shlex
import stat
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Filters

Corpus = Annotated[Path | None, typer.Argument(help="Folder of articles.")]
Collection = Annotated[str | None, typer.Option(help="Name of the index.")]
OwnCollection = Annotated[
    bool, typer.Option("--own-collection", help="Name the index after the corpus folder.")
]
DataDir = Annotated[Path | None, typer.Option(help="Folder of indexes, keys and models.")]
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


def check_data_dir(settings: "Settings") -> None:
    """Creates the data folder; raises SettingRefused if it is not writable."""
    from ..errors import SettingRefused

    folder = settings.data_dir.absolute()
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        cause = f"cannot write to {folder} ({error.strerror}); choose another with --data-dir"
        raise SettingRefused("data_dir", cause) from error


def find_exposure(settings: "Settings") -> tuple[str, bool]:
    """Returns who else may open the data folder and how to end that, and whether it is anybody.

    The text is empty if nobody else may. New folders and files are private; the mode of an existing
    folder is its owner's choice, for example a group that makes backups.
    """
    folder = settings.data_dir.absolute()
    linked = folder / "collections"
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *([linked.resolve()] if linked.is_symlink() else []))
        if path.is_dir()
    }
    exposed = [(mode & 0o007 > 0, path) for path, mode in modes.items() if mode & 0o077]
    if not exposed:
        return "", False
    is_anybody, path = max(exposed)
    users = "every user of this machine" if is_anybody else "its group"
    command = f"chmod -R go-rwx {shlex.quote(str(path))}"
    return f"{users} may open {path} (mode {modes[path]:o}): run {command}", is_anybody


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
