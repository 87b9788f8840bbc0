"""Corpus crawler: a folder → the files to index, and those skipped with the cause.

Nothing outside the folder is read: symlinks that leave it are refused, and only regular files are
opened. A file that cannot be read is reported; the others are unaffected. `.footnoteignore` in the
corpus root, in gitignore's syntax, excludes files without reporting them.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import CorpusMissing, CorpusUnreadable, SettingInvalid, SourceUnreadable
from .formats import formats_by_suffix, load_formats
from .types import Skipped, Source

IGNORE_FILE = ".footnoteignore"

RACY_NS = 2_000_000_000
"""A file changed this recently is hashed again next time: file-system clocks are coarse, and a
second write within a tick leaves its stat unchanged (after git's "racy" index)."""

MAX_PATH_CHARS = 1_000
"""Of a file's path in the corpus, which is repeated in each of its hits."""

_FILE_ERRNOS = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP}
"""Errors about the file itself; others, such as EIO or ESTALE, are the disk's and transient."""

_Entry = os.DirEntry[str] | OSError


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file of the corpus: relative path (with `/`), format, and stat signature.

    An empty `stamp` equals no other.
    """

    path: str
    format: str
    size: int
    mtime_ns: int
    stamp: str


def scan(
    root: Path, *, formats: Sequence[str], max_file_bytes: int
) -> tuple[list[CorpusFile], list[Skipped]]:
    """Returns the files to index and those skipped, each by path; raises CorpusMissing."""
    files: list[CorpusFile] = []
    skipped: list[Skipped] = []
    resolved_root = root.resolve()
    suffixes = formats_by_suffix(load_formats(formats))
    for path, entry in _walk_files(root):
        try:
            files.append(_check_entry(resolved_root, path, entry, suffixes, max_file_bytes))
        except SourceUnreadable as error:
            skipped.append(Skipped(error.path, error.cause, error.is_transient))
    return sorted(files, key=lambda f: f.path), sorted(skipped, key=lambda s: s.path)


def list_folders(root: Path) -> list[Path]:
    """Returns the folders that a scan enters, the root first; raises CorpusMissing."""
    return [root / prefix for prefix, _ in _walk_folders(root, _load_ignore_rules(root))]


def _load_ignore_rules(root: Path) -> Callable[[str], bool]:
    """Returns whether a relative path (folders end in `/`) is to be ignored.

    Raises SettingInvalid where the file cannot be read: what it hides must not be indexed.
    """
    path = root / IGNORE_FILE
    if not path.exists():
        return lambda path: False
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(path.read_text("utf-8-sig").splitlines()).match_file
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"{IGNORE_FILE} cannot be read: {error}") from error


def _walk_files(root: Path) -> Iterator[tuple[str, _Entry]]:
    """Yields every non-folder but hidden and ignored ones; symlinked folders are not entered.

    A folder that cannot be listed comes with its error; for the root CorpusUnreadable is raised.
    """
    is_ignored = _load_ignore_rules(root)
    for prefix, entries in _walk_folders(root, is_ignored):
        if isinstance(entries, OSError):
            yield prefix.removesuffix("/"), entries
            continue
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False) and not is_ignored(prefix + entry.name):
                yield prefix + entry.name, entry


def _walk_folders(
    root: Path, is_ignored: Callable[[str], bool]
) -> Iterator[tuple[str, list[os.DirEntry[str]] | OSError]]:
    """Yields each folder, as a path prefix, with its entries or the error of listing them."""
    if not root.is_dir():
        raise CorpusMissing(root)
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(root / prefix) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
        except OSError as error:
            if not prefix:
                raise CorpusUnreadable(root, error.strerror or str(error)) from error
            yield prefix, error
            continue
        yield prefix, entries
        subfolders = (f"{prefix}{e.name}/" for e in entries if e.is_dir(follow_symlinks=False))
        pending += [folder for folder in subfolders if not is_ignored(folder)]


def _check_entry(
    root: Path, path: str, entry: _Entry, suffixes: Mapping[str, str], max_file_bytes: int
) -> CorpusFile:
    """Decides by name and stat alone whether to read a file; raises SourceUnreadable."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        escaped = path.encode(errors="backslashreplace").decode()
        raise SourceUnreadable(escaped, "its name is not UTF-8") from error
    if isinstance(entry, OSError):
        raise _unreadable(path, "cannot be listed", entry) from entry
    if len(path) > MAX_PATH_CHARS:
        raise SourceUnreadable(path, f"its path has more than {MAX_PATH_CHARS:,} characters")
    if entry.is_symlink():
        _resolve_within(root, path)
    try:
        status = entry.stat()
    except OSError as error:
        raise _unreadable(path, "cannot be accessed", error) from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceUnreadable(path, "is not a regular file")
    suffix = Path(entry.name).suffix.lower()
    if suffix not in suffixes:
        shown = suffix or "a file without a suffix"
        raise SourceUnreadable(path, f"{shown} is not among the enabled formats")
    if status.st_size > max_file_bytes:
        raise SourceUnreadable(path, f"has {status.st_size:,} bytes, more than {max_file_bytes:,}")
    stamp = _stat_signature(status)
    return CorpusFile(path, suffixes[suffix], status.st_size, status.st_mtime_ns, stamp)


def _stat_signature(status: os.stat_result) -> str:
    """Returns the stat signature; empty where an immediate change could leave it the same."""
    changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
    if changed_ns > time.time_ns() - RACY_NS:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _resolve_within(root: Path, path: str) -> Path:
    """Returns a path with symlinks resolved; raises SourceUnreadable where it leaves the root."""
    try:
        target = (root / path).resolve()
    except (OSError, RuntimeError) as error:  # before Python 3.13 a loop is a RuntimeError
        raise SourceUnreadable(path, "is a broken link") from error
    if not target.is_relative_to(root):
        raise SourceUnreadable(path, "links to a target outside the corpus")
    return target


def read_file(root: Path, file: CorpusFile, *, max_file_bytes: int) -> bytes:
    """Returns a file's bytes; raises SourceUnreadable."""
    target = _resolve_within(root.resolve(), file.path)
    try:
        handle = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SourceUnreadable(file.path, "is not a regular file")
            data = stream.read(max_file_bytes + 1)
    except OSError as error:
        raise _unreadable(file.path, "cannot be read", error) from error
    if len(data) > max_file_bytes:
        raise SourceUnreadable(file.path, f"has more than {max_file_bytes:,} bytes")
    return data


def is_unchanged(root: Path, source: Source) -> bool:
    """Returns whether a source's file is the one that was indexed; reads it if its time is another.

    A copy of a corpus often has other times.
    """
    try:
        status = _resolve_within(root.resolve(), source.path).stat()
        if status.st_size == source.size and status.st_mtime_ns != source.mtime_ns:
            read_unchanged(root, source)
    except (OSError, SourceUnreadable):
        return False
    return status.st_size == source.size


def read_unchanged(root: Path, source: Source) -> bytes:
    """Returns the bytes of a source's file; raises SourceUnreadable where it is another by now."""
    file = CorpusFile(source.path, "", source.size, source.mtime_ns, "")
    data = read_file(root, file, max_file_bytes=source.size)
    if sha256(data) != source.sha256:
        raise SourceUnreadable(source.path, "has changed since it was indexed")
    return data


def _unreadable(path: str, problem: str, error: OSError) -> SourceUnreadable:
    is_transient = error.errno not in _FILE_ERRNOS
    return SourceUnreadable(path, f"{problem}: {error.strerror}", is_transient=is_transient)


def source_id(collection: str, path: str) -> str:
    """Returns a source's id: the same for the same path in the same collection."""
    return hashlib.sha256(f"{collection}\0{path}".encode()).hexdigest()[:16]


def sha256(data: bytes) -> str:
    """Returns the hash that detects a changed file."""
    return hashlib.sha256(data).hexdigest()
