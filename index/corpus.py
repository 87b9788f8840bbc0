"""A folder → the files to index, with what has changed since the last generation.

Nothing outside the folder is read: links that leave it are refused, and only regular files are
opened. A file that cannot be taken is reported with its cause; the others are unharmed.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import CorpusMissing, SourceUnreadable
from .formats import EXTRACTORS, SUFFIXES
from .types import Skipped


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the corpus: path below it (with `/`), format, and stat signature."""

    path: str
    format: str
    size: int
    mtime_ns: int
    stamp: str


def scan(
    root: Path, *, formats: Sequence[str], max_file_bytes: int
) -> tuple[list[Found], list[Skipped]]:
    """Returns the files to index and those left out, each by path; raises CorpusMissing."""
    if not root.is_dir():
        raise CorpusMissing(root)
    found: list[Found] = []
    skipped: list[Skipped] = []
    for path, entry in _walk(root, ""):
        outcome = _look(root, path, entry, formats, max_file_bytes)
        (found if isinstance(outcome, Found) else skipped).append(outcome)  # type: ignore[arg-type]  # one list each
    return sorted(found, key=lambda f: f.path), sorted(skipped, key=lambda s: s.path)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Yields what is no folder, hidden entries aside; links to folders are not entered."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            path = prefix + entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, f"{path}/")
            else:
                yield path, entry


def _look(
    root: Path, path: str, entry: "os.DirEntry[str]", formats: Sequence[str], max_file_bytes: int
) -> Found | Skipped:
    """Decides by name and stat alone whether a file is to be read."""
    try:
        path.encode()
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root.resolve()):
            return Skipped(path, "links out of the corpus")
        status = entry.stat()
    except UnicodeEncodeError:
        return Skipped(path.encode(errors="backslashreplace").decode(), "its name is not UTF-8")
    except OSError as error:
        return Skipped(path, f"cannot be looked at: {error.strerror}")
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, "is not a regular file")
    suffix = Path(entry.name).suffix.lower()
    name = SUFFIXES.get(suffix, suffix.lstrip("."))
    if name not in formats or name not in EXTRACTORS:
        return Skipped(path, f"{suffix or 'a name without suffix'} is not among the formats read")
    if status.st_size > max_file_bytes:
        return Skipped(path, f"has {status.st_size:,} bytes, more than {max_file_bytes:,}")
    stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    return Found(path, name, status.st_size, status.st_mtime_ns, stamp)


def read(root: Path, found: Found, *, max_file_bytes: int) -> bytes:
    """Returns a file's bytes; raises SourceUnreadable."""
    try:
        handle = os.open(root / found.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SourceUnreadable(found.path, "is not a regular file")
            data = file.read(max_file_bytes + 1)
    except OSError as error:
        raise SourceUnreadable(found.path, f"cannot be read: {error.strerror}") from error
    if len(data) > max_file_bytes:
        raise SourceUnreadable(found.path, f"has more than {max_file_bytes:,} bytes")
    return data


def source_id(collection: str, path: str) -> str:
    """Returns a source's id: the same for the same path in the same collection."""
    return hashlib.sha256(f"{collection}\0{path}".encode()).hexdigest()[:16]


def sha256(data: bytes) -> str:
    """Returns the hash by which a change is told."""
    return hashlib.sha256(data).hexdigest()
