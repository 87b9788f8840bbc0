"""Which generation's files this machine has hashed lately, so that a sync need not read them again.

`checked.json` of a collection has size, time and inode of each file, and when all were last read.
Only the sync of an engine whose files never change trusts it, for a day; what opens a generation to
answer from hashes every file, and where one was altered, the record is removed and the next sync
reads everything.
"""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..store.manifest import GenerationRef, generation_folder, write_durably

NAME = "checked.json"
MAX_AGE_S = 86_400.0


def mark_checked(collection_folder: Path, ref: GenerationRef, *, but_for_new: bool = False) -> None:
    """Records that the files of a generation were hashed just now.

    With `but_for_new` only those that the generation recorded before lacks: its time is kept.
    """
    at = (_read(collection_folder).get("at") if but_for_new else None) or time.time()
    files = _stamps(generation_folder(collection_folder, ref.generation))
    record = {"manifest_sha256": ref.manifest_sha256, "at": at, "files": files}
    write_durably(collection_folder / NAME, json.dumps(record).encode())


def is_checked(collection_folder: Path, ref: GenerationRef) -> bool:
    """Were the files hashed lately, and are they the same since?"""
    record = _read(collection_folder)
    if record.get("manifest_sha256") != ref.manifest_sha256:
        return False
    folder = generation_folder(collection_folder, ref.generation)
    is_recent = 0 <= time.time() - float(record["at"]) < MAX_AGE_S
    return is_recent and record["files"] == _stamps(folder)


def _read(collection_folder: Path) -> dict[str, Any]:
    """Returns the record; an empty one where there is none."""
    try:
        record = json.loads((collection_folder / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    is_whole = isinstance(record, dict) and isinstance(record.get("at"), int | float)
    return record if is_whole and "files" in record else {}


def forget_checked(collection_folder: Path) -> None:
    """Removes the record; a folder that nobody may write to has none."""
    with suppress(OSError):
        (collection_folder / NAME).unlink()


def _stamps(folder: Path) -> dict[str, list[int]]:
    stamps = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
            stamps[path.relative_to(folder).as_posix()] = stamp
    return stamps
