"""The sidecar of a fetched page: a hidden JSON file next to it with its address.

`docs/.page.html.web.json` belongs to `docs/page.html`. It counts only for the bytes that it was
written for (`sha256`): of a page that was changed by hand since, nobody knows that it is at `url`.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

SUFFIX = ".web.json"
MAX_BYTES = 65_536
MAX_CHARS = 2_000
"""Of a value; a longer one is cut."""
_METADATA = ("url", "title", "date")


def sidecar_name(name: str) -> str:
    """Returns the name of the sidecar of a file; hidden, so that no sync indexes it."""
    return f".{name}{SUFFIX}"


def list_pages(root: Path) -> Iterator[str]:
    """Yields the paths of the files that have a sidecar, in order."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        present = set(names)
        for name in sorted(names):
            if not name.startswith(".") and sidecar_name(name) in present:
                yield (Path(folder) / name).relative_to(root).as_posix()


def read_sidecar(root: Path, path: str) -> dict[str, Any]:  # Any: JSON
    """Returns what is known of a file's page; empty without a (readable) sidecar."""
    place = PurePosixPath(path)
    target = root / place.with_name(sidecar_name(place.name))
    try:
        handle = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return {}
            data = stream.read(MAX_BYTES + 1)
        known = json.loads(data) if len(data) <= MAX_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def page_metadata(root: Path, path: str, sha256: str) -> Mapping[str, str]:
    """Returns the `url` of the page that a file with this hash is, and `title` and `date` if known.

    Empty where nothing is known of the page.
    """
    known = read_sidecar(root, path)
    if known.get("sha256") != sha256 or not isinstance(known.get("url"), str):
        return {}
    values = {name: known.get(name) for name in _METADATA}
    return {name: value[:MAX_CHARS] for name, value in values.items() if _is_text(value)}


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != "" and value.isprintable()
