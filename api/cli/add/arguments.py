"""The arguments of `footnote add`: URLs, files of URLs, and last the folder of articles."""

from pathlib import Path
from typing import TYPE_CHECKING

from ...exit_codes import CliError

if TYPE_CHECKING:
    from ...web.listing import Entry

MAX_LIST_BYTES = 20_000_000
"""Of a file of URLs."""


def split_corpus(arguments: list[str]) -> tuple[Path | None, list[str]]:
    """Returns the corpus folder, if the last argument is one, and the other arguments."""
    if arguments and "://" not in arguments[-1] and not Path(arguments[-1]).is_file():
        return Path(arguments[-1]), arguments[:-1]
    return None, arguments


def read_entries(places: list[str]) -> "list[Entry]":
    """Returns the URLs, and those in files; raises CliError."""
    from ...web.listing import Entry, read_url_list

    entries: list[Entry] = []
    for place in places:
        if "://" in place:
            entries.append(Entry(place))
            continue
        try:
            with open(place, "rb") as file:
                data = file.read(MAX_LIST_BYTES)
            entries += read_url_list(data.decode("utf-8-sig", "replace"))
        except OSError as error:
            cause = f"is no URL (http://…, https://…) and no file of URLs ({error.strerror})"
            raise CliError(f"{place!r} {cause}") from error
        except ValueError as error:
            raise CliError(f"{place}: {error}") from error
    return entries
