"""The articles as files that may be put and deleted over HTTP, below the corpus and nowhere else.

A path is a list of plain names; each folder is opened from the one above it and never through a
link, so nothing that is renamed meanwhile leads out. A file comes into being by a rename.
"""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from ..errors import BodyTooLarge, FileMissing, RequestInvalid

MAX_NAMES = 16
MAX_NAME_BYTES = 200
"""File systems end at 255, and at 4096 for a path."""
TEMPORARY = ".footnote-"
"""Hidden, so that no sync takes what is still on its way."""
DEAD_S = 86_400.0
"""Nothing is on its way for a day."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_UPLOAD = re.compile(re.escape(TEMPORARY) + "[0-9a-f]{16}")
_FIELD = "path.path"


def names_of(path: str, suffixes: Collection[str]) -> tuple[str, ...]:
    """Returns the folders and the file that a path names; raises RequestInvalid."""
    names = tuple(path.split("/"))
    try:
        sizes = [len(name.encode()) for name in names]
    except UnicodeEncodeError:
        raise RequestInvalid(_FIELD, "is not UTF-8") from None
    if "\ufffd" in path or not path.isprintable() or "\\" in path:
        raise RequestInvalid(_FIELD, "holds a character that no name here may hold")
    if any(not name or name.startswith(".") or name != name.strip() for name in names):
        raise RequestInvalid(_FIELD, "must be plain names with / between, none of them hidden")
    if len(names) > MAX_NAMES or max(sizes) > MAX_NAME_BYTES:
        most = f"{MAX_NAMES} names of at most {MAX_NAME_BYTES} bytes each"
        raise RequestInvalid(_FIELD, f"must be at most {most}")
    suffix = PurePosixPath(names[-1]).suffix.lower()
    if suffix not in suffixes:
        raise RequestInvalid(_FIELD, f"must end in one of {' '.join(sorted(suffixes))}")
    return names


@contextmanager
def _opened(root: Path, folders: tuple[str, ...], *, make: bool) -> Iterator[int]:
    """Yields a folder below the root, open; raises OSError, also where a link is on the way."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=handle)
            inner = os.open(name, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


class Upload:
    """A file on its way: `write` its bytes, then `keep` it. Everything here blocks."""

    def __init__(self, folder: int, name: str, max_bytes: int) -> None:
        """Begins a hidden file in an open folder."""
        self._folder, self._name, self._left, self._limit = folder, name, max_bytes, max_bytes
        self._temporary = TEMPORARY + secrets.token_hex(8)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._temporary, flags, 0o644, dir_fd=folder)
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash of what was written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Adds bytes; raises BodyTooLarge."""
        self._left -= len(data)
        if self._left < 0:
            raise BodyTooLarge(self._limit)
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def keep(self) -> None:
        """Puts the file in its place, whole and durable; raises RequestInvalid for a folder's."""
        os.fsync(self._file)
        try:
            os.rename(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except IsADirectoryError:
            raise RequestInvalid(_FIELD, "is a folder") from None
        os.fsync(self._folder)

    def close(self) -> None:
        """Removes what was not kept."""
        os.close(self._file)
        with suppress(FileNotFoundError):
            os.unlink(self._temporary, dir_fd=self._folder)


@contextmanager
def receiving(root: Path, names: tuple[str, ...], max_bytes: int) -> Iterator[Upload]:
    """Yields an upload to a path; raises RequestInvalid where a folder of it is none, OSError."""
    with _reporting(), _opened(root, names[:-1], make=True) as folder:
        upload = Upload(folder, names[-1], max_bytes)
        try:
            yield upload
        finally:
            upload.close()


def remove(root: Path, names: tuple[str, ...]) -> None:
    """Removes a file; raises FileMissing where there is none, RequestInvalid, OSError."""
    try:
        with _reporting(), _opened(root, names[:-1], make=False) as folder:
            os.unlink(names[-1], dir_fd=folder)
            os.fsync(folder)
    except (FileNotFoundError, IsADirectoryError):
        raise FileMissing("/".join(names)) from None


def forget_dead(root: Path) -> None:
    """Removes uploads that a killed process left below the root a day ago; raises OSError."""
    for _, _, names, folder in os.fwalk(root):
        for name in filter(_UPLOAD.fullmatch, names):
            with suppress(FileNotFoundError):
                changed_s = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
                if time.time() - changed_s > DEAD_S:
                    os.unlink(name, dir_fd=folder)


@contextmanager
def _reporting() -> Iterator[None]:
    try:
        yield
    except NotADirectoryError:  # a file, or a link: the same to whoever asks
        raise RequestInvalid(_FIELD, "leads through something that is no folder") from None
