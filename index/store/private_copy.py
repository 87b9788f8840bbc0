"""A private snapshot of a generation's files, copied or linked, for one process to write to.

Chroma and tantivy write even when they only read. Each private copy holds an OS lock, which tells
those in use from those that killed processes left behind; the latter are removed.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
PREFIX = "footnote-run-"
_LOCK = "lock"
_CREATION_GRACE_S = 60.0
"""A folder without its lock may be just being created."""


class PrivateCopy:
    """A private folder, removed when it is closed or after its process ends."""

    def __init__(self) -> None:
        """Creates the folder, after removing those of dead processes."""
        _remove_stale(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = os.open(self.folder / f".{_LOCK}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.folder / f".{_LOCK}").rename(self.folder / _LOCK)

    def close(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def link_tree(self, source: Path, name: str) -> Path:
        """Returns a new folder of links to the files in `source`."""
        target = self.folder / name
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).symlink_to(path.absolute())
        return target

    def copy_chroma(self, source: Path, name: str) -> Path:
        """Returns a copy of a Chroma directory: SQLite copied, a persisted HNSW folder linked.

        Chroma writes into the folder of a collection too small to be persisted (one chunk).
        """
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)  # of a failed attempt
        target.mkdir()
        for path in source.iterdir():
            if is_persisted_graph(path):
                (target / path.name).symlink_to(path.absolute())
            elif path.is_dir():
                copy_folder(path, target / path.name)
            else:
                shutil.copyfile(path, target / path.name)
        return target


def is_persisted_graph(path: Path) -> bool:
    """Is this a graph that Chroma has persisted, and only reads from then on?"""
    return (path / "index_metadata.pickle").exists()


def copy_folder(source: Path, target: Path) -> None:
    """Copies a folder to a new one, whose modes are this process's: the source may be read-only."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            copy_folder(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)


def link_folder(source: Path, target: Path) -> None:
    """Fills a new folder with hard links to the files below `source`."""
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            link_folder(path, target / path.name)
        else:
            link_file(path, target / path.name)


def link_file(source: Path, target: Path) -> None:
    """Makes a hard link, or a copy where the file system has none or the file has too many.

    A link has its file's mode: a file more open than the new folder, or that nobody may change, is
    copied.
    """
    try:
        mode, folder_mode = source.stat().st_mode, target.parent.stat().st_mode
        if mode & _OTHERS & ~folder_mode or not mode & stat.S_IWUSR:
            shutil.copyfile(source, target)
            return
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(source, target)


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if folder.stat().st_uid == os.getuid() and _is_stale(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another process is removing it


def _is_stale(folder: Path) -> bool:
    """Is the folder's lock free?"""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return folder.stat().st_mtime < time.time() - _CREATION_GRACE_S
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
