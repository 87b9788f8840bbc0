"""A folder → the files to index, with what has changed since the last generation.

Nothing outside the folder is read: links that leave it are refused, and only regular files are
opened. A file that cannot be taken is reported with its cause; the others are unharmed.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import CorpusMissing, CorpusUnreadable, SourceUnreadable
from .formats.table import by_suffix, find_formats
from .ignore import ignored_by
from .types import Skipped

RACY_NS = 2_000_000_000
"""A file changed this recently is looked into again next time: clocks of file systems are coarse,
and a second write within a tick leaves no trace in its stat (after git's "racy" index)."""

_OF_THE_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP}
"""Errors that say something of a file; others, such as EIO or ESTALE, say it of the disk."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the corpus: path below it (with `/`), format, and stat signature.

    An empty `stamp` equals no other.
    """

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
    inside = root.resolve()
    suffixes = by_suffix(find_formats(formats))
    for path, entry in _walk(root, ignored_by(root)):
        try:
            found.append(_look(inside, path, entry, suffixes, max_file_bytes))
        except SourceUnreadable as error:
            skipped.append(Skipped(error.path, error.cause, error.passing))
    return sorted(found, key=lambda f: f.path), sorted(skipped, key=lambda s: s.path)


def folders(root: Path) -> list[Path]:
    """Returns the folders that a scan enters, the root first; raises CorpusMissing."""
    if not root.is_dir():
        raise CorpusMissing(root)
    return [root / prefix for prefix, _ in _entered(root, ignored_by(root))]


def _walk(
    root: Path, ignored: Callable[[str], bool]
) -> Iterator[tuple[str, "os.DirEntry[str] | OSError"]]:
    """Yields what is no folder, hidden and ignored entries aside; links to folders are not entered.

    A folder that cannot be listed comes with its error; the root's is raised.
    """
    for prefix, entries in _entered(root, ignored):
        if isinstance(entries, OSError):
            yield prefix.removesuffix("/"), entries
            continue
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False) and not ignored(prefix + entry.name):
                yield prefix + entry.name, entry


def _entered(
    root: Path, ignored: Callable[[str], bool]
) -> Iterator[tuple[str, "list[os.DirEntry[str]] | OSError"]]:
    """Yields each folder, as a prefix of paths, with what is in it or why it cannot be listed."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / prefix) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
        except OSError as error:
            if not prefix:
                raise CorpusUnreadable(root, error.strerror or str(error)) from error
            yield prefix, error
            continue
        yield prefix, entries
        below = (f"{prefix}{e.name}/" for e in entries if e.is_dir(follow_symlinks=False))
        waiting += [folder for folder in below if not ignored(folder)]


def _look(
    root: Path,
    path: str,
    entry: "os.DirEntry[str] | OSError",
    suffixes: Mapping[str, str],
    max_file_bytes: int,
) -> Found:
    """Decides by name and stat alone whether a file is to be read; raises SourceUnreadable."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode(errors="backslashreplace").decode()
        raise SourceUnreadable(shown, "its name is not UTF-8") from error
    if isinstance(entry, OSError):
        raise _unreadable(path, "cannot be listed", entry) from entry
    if entry.is_symlink():
        _inside(root, path)
    try:
        status = entry.stat()
    except OSError as error:
        raise _unreadable(path, "cannot be looked at", error) from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceUnreadable(path, "is not a regular file")
    suffix = Path(entry.name).suffix.lower()
    name = suffixes.get(suffix)
    if name is None:
        shown = suffix or "a name without suffix"
        raise SourceUnreadable(path, f"{shown} is not among the formats read")
    if status.st_size > max_file_bytes:
        raise SourceUnreadable(path, f"has {status.st_size:,} bytes, more than {max_file_bytes:,}")
    return Found(path, name, status.st_size, status.st_mtime_ns, _stamp(status))


def _stamp(status: os.stat_result) -> str:
    """Returns the stat signature; empty where a change just after could leave it the same."""
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if changed > time.time_ns() - RACY_NS:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _inside(root: Path, path: str) -> Path:
    """Returns where a path leads; raises SourceUnreadable where that is outside of the root."""
    try:
        target = (root / path).resolve()
    except (OSError, RuntimeError) as error:  # before Python 3.13 a loop is a RuntimeError
        raise SourceUnreadable(path, "is a link that leads nowhere") from error
    if not target.is_relative_to(root):
        raise SourceUnreadable(path, "links out of the corpus")
    return target


def read(root: Path, found: Found, *, max_file_bytes: int) -> bytes:
    """Returns a file's bytes; raises SourceUnreadable."""
    target = _inside(root.resolve(), found.path)
    try:
        handle = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SourceUnreadable(found.path, "is not a regular file")
            data = file.read(max_file_bytes + 1)
    except OSError as error:
        raise _unreadable(found.path, "cannot be read", error) from error
    if len(data) > max_file_bytes:
        raise SourceUnreadable(found.path, f"has more than {max_file_bytes:,} bytes")
    return data


def _unreadable(path: str, what: str, error: OSError) -> SourceUnreadable:
    return SourceUnreadable(
        path, f"{what}: {error.strerror}", passing=error.errno not in _OF_THE_FILE
    )


def source_id(collection: str, path: str) -> str:
    """Returns a source's id: the same for the same path in the same collection."""
    return hashlib.sha256(f"{collection}\0{path}".encode()).hexdigest()[:16]


def sha256(data: bytes) -> str:
    """Returns the hash by which a change is told."""
    return hashlib.sha256(data).hexdigest()
