"""Writes and deletes files of the corpus for HTTP clients; nothing outside of it can be reached.

Each folder is opened relative to the one above it and never through a symbolic link (O_NOFOLLOW),
so a concurrent rename cannot lead outside. A name that is there in another Unicode form is that
file or folder, so there are no twins. A file appears by an atomic rename; its folders are
created with it, so a refused upload leaves nothing behind. Only corpora marked for it are changed.
"""

import fcntl
import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from index.filters import normalize_path
from index.sidecar import sidecar_name

from ..errors import (
    BodyTooLarge,
    CorpusNotMarked,
    CorpusUnavailable,
    NotFound,
    RequestInvalid,
    StateUnreadable,
)
from ..state.corpus_usage import CorpusUsage
from .upload_paths import FIELD

MARK_FILE = ".footnote-corpus"
"""In a corpus root: this folder is for articles, and HTTP clients may change it."""
TEMPORARY_PREFIX = ".footnote-"
"""Hidden, so that no sync indexes an unfinished upload."""
BLOCK_BYTES = 1_048_576
"""An upload reserves its share of the corpus in steps of 1 MiB."""

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY_NAME = re.compile(re.escape(TEMPORARY_PREFIX) + "[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus that HTTP clients may change, if it is marked for it or need not be."""

    collection: str
    root: Path
    usage: CorpusUsage
    needs_mark: bool = True

    def check_writable(self) -> None:
        """Raises CorpusUnavailable where the root is no folder, CorpusNotMarked without a mark."""
        if not self.root.is_dir():
            raise CorpusUnavailable(self.collection)
        if self.needs_mark and not (self.root / MARK_FILE).is_file():
            raise CorpusNotMarked(self.collection, MARK_FILE)


class Upload:
    """A file being uploaded: `write` its bytes, `commit` it, and `close` it in any case.

    All methods block; they raise RequestError or OSError.
    """

    def __init__(
        self, corpus: Corpus, names: tuple[str, ...], max_bytes: int, *, declared_bytes: int = 0
    ) -> None:
        """Creates a hidden temporary file in the innermost folder of the path that exists.

        It has the access that files there have, not that of this process's private ones.
        """
        corpus.check_writable()
        self._corpus, self._names, self._max_bytes = corpus, names, max_bytes
        self._size = self._reserved = 0
        self._hash, self._is_committed = hashlib.sha256(), False
        self._lock = threading.Lock()
        """A cancelled request closes the upload while a thread may still write."""
        self._temporary = TEMPORARY_PREFIX + secrets.token_hex(8)
        self._folder, self._file, self._missing = -1, -1, names[:-1]
        with ExitStack() as stack:
            stack.callback(self.close)
            self._folder, self._missing = _open_existing(corpus, names[:-1])
            self._create_temporary(declared_bytes)
            stack.pop_all()

    def _create_temporary(self, declared_bytes: int) -> None:
        first_bytes = min(declared_bytes, BLOCK_BYTES)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        usage = self._corpus.usage
        with usage.change() as totals:
            usage.add(totals, first_bytes, 1, still_to_come=declared_bytes - first_bytes)
            self._file = os.open(self._temporary, flags, 0o600, dir_fd=self._folder)
            os.fchmod(self._file, os.fstat(self._folder).st_mode & 0o666)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, fcntl.LOCK_EX)
            os.ftruncate(self._file, first_bytes)
        self._reserved = first_bytes

    @property
    def sha256(self) -> str:
        """The hash of the bytes written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Appends bytes; raises BodyTooLarge, CorpusFull."""
        with self._lock:
            size = self._size + len(data)
            if size > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            if size > self._reserved:
                self._reserve(size)
            self._size = size
            self._hash.update(data)
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]

    def _reserve(self, size: int) -> None:
        """Makes the file as large as what is reserved, so that a count of the corpus finds it."""
        usage = self._corpus.usage
        block = -(-size // BLOCK_BYTES) * BLOCK_BYTES
        with usage.change() as totals:
            reserved = block if usage.fits(totals, block - self._reserved) else size
            usage.add(totals, reserved - self._reserved, 0)
            os.ftruncate(self._file, reserved)
        self._reserved = reserved

    def commit(self) -> None:
        """Moves the file to its path, atomically and durably; raises RequestInvalid if a folder."""
        with (
            self._lock,
            self._corpus.usage.change() as totals,
            _create_folders(self._folder, self._missing) as folder,
        ):
            name = _find_name(self._names[-1], folder)
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
            replaced = _size_or_none(name, folder)
            try:
                os.rename(self._temporary, name, src_dir_fd=self._folder, dst_dir_fd=folder)
            except IsADirectoryError:
                raise RequestInvalid(FIELD, "is a folder") from None
            self._is_committed = True
            os.fsync(folder)
            totals.bytes += self._size - self._reserved - (replaced or 0)
            totals.files -= replaced is not None

    def close(self) -> None:
        """Removes the temporary file if it was not committed."""
        with self._lock:
            if self._file >= 0 and not self._is_committed:
                self._remove_temporary()
            for descriptor in (self._file, self._folder):
                if descriptor >= 0:
                    os.close(descriptor)
            self._file = self._folder = -1

    def _remove_temporary(self) -> None:
        try:
            with self._corpus.usage.change() as totals:
                os.unlink(self._temporary, dir_fd=self._folder)
                totals.bytes, totals.files = totals.bytes - self._reserved, totals.files - 1
        except (StateUnreadable, OSError):  # the next count finds what it is
            with suppress(FileNotFoundError):
                os.unlink(self._temporary, dir_fd=self._folder)


def write_file(corpus: Corpus, names: tuple[str, ...], data: bytes) -> None:
    """Writes a file atomically; raises RequestError, OSError."""
    upload = Upload(corpus, names, len(data), declared_bytes=len(data))
    try:
        upload.write(data)
        upload.commit()
    finally:
        upload.close()


def write_sidecar(corpus: Corpus, names: tuple[str, ...], sidecar: bytes) -> None:
    """Writes the sidecar of a page, before the page itself; raises RequestError, OSError."""
    write_file(corpus, (*names[:-1], sidecar_name(names[-1])), sidecar)


def delete_file(corpus: Corpus, names: tuple[str, ...]) -> None:
    """Deletes a file with its sidecar, and the folders that are empty then.

    Raises NotFound without such a file, RequestInvalid if one of its folders is none, OSError.
    """
    corpus.check_writable()
    with corpus.usage.change() as totals, ExitStack() as opened:
        try:
            folders = [_open_root(corpus, opened)]
            for name in names[:-1]:
                folders.append(_open_folder(name, folders[-1]))
                opened.callback(os.close, folders[-1])
            file_name = _find_name(names[-1], folders[-1])
            size = _size_or_none(file_name, folders[-1])
            os.unlink(file_name, dir_fd=folders[-1])
        except (FileNotFoundError, IsADirectoryError):
            raise NotFound("file", "/".join(names)) from None
        with suppress(OSError):  # most files have none
            os.unlink(sidecar_name(file_name), dir_fd=folders[-1])
        os.fsync(folders[-1])
        totals.bytes, totals.files = totals.bytes - (size or 0), totals.files - 1
        with suppress(OSError):  # the first one that is not empty
            for name, parent in zip(reversed(names[:-1]), reversed(folders[:-1]), strict=True):
                os.rmdir(_find_name(name, parent), dir_fd=parent)


def _open_root(corpus: Corpus, opened: ExitStack) -> int:
    descriptor = os.open(corpus.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor


def _open_folder(name: str, parent: int) -> int:
    """Returns a descriptor of a folder; raises RequestInvalid if it is none, OSError."""
    try:
        return os.open(_find_name(name, parent), _FOLDER_FLAGS, dir_fd=parent)
    except NotADirectoryError:  # a file or a symbolic link; the client is not told which
        raise RequestInvalid(FIELD, "leads through something that is not a folder") from None


def _find_name(name: str, folder: int) -> str:
    """Returns a name as it is in a folder, in whichever Unicode form; a new one in NFC."""
    if name.isascii():
        return name
    names, normalized = os.listdir(folder), normalize_path(name)
    if name in names:
        return name
    return next((other for other in names if normalize_path(other) == normalized), normalized)


def _open_existing(corpus: Corpus, folders: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Returns a descriptor of the innermost folder that exists, and the names below it."""
    with ExitStack() as opened:
        descriptor = _open_root(corpus, opened)
        for depth, name in enumerate(folders):
            try:
                descriptor = _open_folder(name, descriptor)
            except FileNotFoundError:
                return os.dup(descriptor), folders[depth:]
            opened.callback(os.close, descriptor)
        return os.dup(descriptor), ()


@contextmanager
def _create_folders(parent: int, names: tuple[str, ...]) -> Iterator[int]:
    """Yields a descriptor of the innermost folder; if the block fails, removes what it created.

    Each has the access that its parent has.
    """
    with ExitStack() as opened, ExitStack() as created:
        for name in map(normalize_path, names):  # none was there a moment ago
            is_new = False
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=parent)
                is_new = True
                created.callback(_remove_folder, name, parent)
            descriptor = _open_folder(name, parent)
            opened.callback(os.close, descriptor)
            if is_new:
                os.fchmod(descriptor, os.fstat(parent).st_mode & 0o777)
            parent = descriptor
        yield parent
        created.pop_all()


def _remove_folder(name: str, parent: int) -> None:
    with suppress(OSError):
        os.rmdir(name, dir_fd=parent)


def _size_or_none(name: str, folder: int) -> int | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def count_corpus(root: Path) -> tuple[int, int]:
    """Returns the bytes and files of a corpus, unfinished uploads included; raises OSError."""
    n_bytes = files = 0
    for entry in _walk(root):
        n_bytes, files = n_bytes + entry.stat(follow_symlinks=False).st_size, files + 1
    return n_bytes, files


def delete_stale_uploads(root: Path) -> None:
    """Deletes temporary files whose process has died, which holds no lock any more; raises OSError.

    Where the file system has no locks they are left.
    """
    for entry in _walk(root):
        if _TEMPORARY_NAME.fullmatch(entry.name):
            with suppress(OSError), open(entry.path, "rb", opener=_open_regular) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry.path)


def _open_regular(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _walk(root: Path) -> Iterator[os.DirEntry[str]]:
    """Yields the files of a corpus, without hidden ones but with temporary files."""
    pending = [os.fspath(root)]
    while pending:
        with suppress(FileNotFoundError, PermissionError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name.startswith(".") and not _TEMPORARY_NAME.fullmatch(entry.name):
                    continue
                if is_folder:
                    pending.append(entry.path)
                else:
                    yield entry
