"""Writes and deletes files of the corpus for HTTP clients; nothing outside of it can be reached.

A path is validated to be plain names. Each folder is opened relative to the one above it and never
through a symbolic link (O_NOFOLLOW), so a concurrent rename cannot lead outside. A file appears by
an atomic rename.
"""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from ..errors import BodyTooLarge, NotFound, RequestInvalid

MAX_DEPTH = 16
MAX_NAME_BYTES = 200
"""File systems allow 255 a name, and 4096 a path."""
TEMPORARY_PREFIX = ".footnote-"
"""Hidden, so that no sync indexes an unfinished upload."""
STALE_S = 86_400.0
"""No upload takes longer than a day."""

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY_NAME = re.compile(re.escape(TEMPORARY_PREFIX) + "[0-9a-f]{16}")
_FIELD = "path.path"


def parse_path(path: str, suffixes: Collection[str]) -> tuple[str, ...]:
    """Returns the names of the folders and the file in a path; raises RequestInvalid."""
    names = tuple(path.split("/"))
    try:
        sizes = [len(name.encode()) for name in names]
    except UnicodeEncodeError:
        raise RequestInvalid(_FIELD, "is not UTF-8") from None
    if "\ufffd" in path or not path.isprintable() or "\\" in path:
        raise RequestInvalid(_FIELD, "contains a character that is not allowed in file names")
    if any(not name or name.startswith(".") or name != name.strip() for name in names):
        raise RequestInvalid(_FIELD, "must be plain names separated by /, none of them hidden")
    if len(names) > MAX_DEPTH or max(sizes) > MAX_NAME_BYTES:
        limit = f"{MAX_DEPTH} names of at most {MAX_NAME_BYTES} bytes each"
        raise RequestInvalid(_FIELD, f"must be at most {limit}")
    suffix = PurePosixPath(names[-1]).suffix.lower()
    if suffix not in suffixes:
        raise RequestInvalid(_FIELD, f"must end in one of {' '.join(sorted(suffixes))}")
    return names


@contextmanager
def _open_folder(root: Path, folders: tuple[str, ...], *, create: bool) -> Iterator[int]:
    """Yields a descriptor of a folder below the root; raises RequestInvalid, OSError."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folders:
            is_new = create and _make_folder(name, descriptor)
            inner = os.open(name, _FOLDER_FLAGS, dir_fd=descriptor)
            if is_new:
                os.fchmod(inner, os.fstat(descriptor).st_mode & 0o777)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    except NotADirectoryError:  # a file or a symbolic link; the client is not told which
        raise RequestInvalid(_FIELD, "leads through something that is not a folder") from None
    finally:
        os.close(descriptor)


def _make_folder(name: str, parent: int) -> bool:
    """Returns whether the folder was missing and has been created; raises OSError."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    return True


class Upload:
    """A file being uploaded: `write` its bytes, then `commit` it. All methods block."""

    def __init__(self, folder: int, name: str, max_bytes: int) -> None:
        """Creates a hidden temporary file in an open folder, with the access that its files have.

        This process creates private files; the corpus belongs to others, too.
        """
        self._folder, self._name, self._max_bytes, self._size = folder, name, max_bytes, 0
        self._temporary = TEMPORARY_PREFIX + secrets.token_hex(8)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._temporary, flags, 0o600, dir_fd=folder)
        os.fchmod(self._file, os.fstat(folder).st_mode & 0o666)
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash of the bytes written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Appends bytes; raises BodyTooLarge."""
        self._size += len(data)
        if self._size > self._max_bytes:
            raise BodyTooLarge(self._max_bytes)
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def commit(self) -> None:
        """Moves the file to its path, atomically and durably; raises RequestInvalid if a folder."""
        os.fsync(self._file)
        try:
            os.rename(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except IsADirectoryError:
            raise RequestInvalid(_FIELD, "is a folder") from None
        os.fsync(self._folder)

    def close(self) -> None:
        """Removes the temporary file if it was not committed."""
        os.close(self._file)
        with suppress(FileNotFoundError):
            os.unlink(self._temporary, dir_fd=self._folder)


@contextmanager
def open_upload(root: Path, names: tuple[str, ...], max_bytes: int) -> Iterator[Upload]:
    """Yields an upload to a path; raises RequestInvalid if one of its folders is none, OSError."""
    with _open_folder(root, names[:-1], create=True) as folder:
        upload = Upload(folder, names[-1], max_bytes)
        try:
            yield upload
        finally:
            upload.close()


def delete_file(root: Path, names: tuple[str, ...]) -> None:
    """Deletes a file; raises NotFound, RequestInvalid if one of its folders is none, OSError."""
    try:
        with _open_folder(root, names[:-1], create=False) as folder:
            os.unlink(names[-1], dir_fd=folder)
            os.fsync(folder)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound("file", "/".join(names)) from None


def delete_stale_uploads(root: Path) -> None:
    """Deletes temporary files that killed processes left a day ago or earlier; raises OSError."""
    for _, _, names, folder in os.fwalk(root):
        for name in filter(_TEMPORARY_NAME.fullmatch, names):
            with suppress(FileNotFoundError):
                modified_s = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
                if time.time() - modified_s > STALE_S:
                    os.unlink(name, dir_fd=folder)
