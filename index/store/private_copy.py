"""What an open generation writes to: a private folder of copies and links, for its process alone.

Chroma and tantivy write where they merely read. Each run copy holds an OS lock, so that those of
processes that were killed are told from those in use, and removed.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "footnote-run-"
_LOCK = "lock"
_YOUNG_S = 60.0
"""A folder without its lock may be one that is being made."""


class RunCopy:
    """A private folder, gone when it is closed or its process has ended."""

    def __init__(self) -> None:
        """Makes the folder, after removing those that dead processes left."""
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
        """Returns a folder of links to what is in `source`."""
        target = self.folder / name
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).symlink_to(path.absolute())
        return target

    def copy_chroma(self, source: Path, name: str) -> Path:
        """Returns a copy of Chroma's SQLite, its HNSW folder linked where that was persisted.

        Chroma writes into the folder of a collection too small to have been persisted (one chunk).
        """
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)  # what an attempt left that failed
        target.mkdir()
        for path in source.iterdir():
            if (path / "index_metadata.pickle").exists():
                (target / path.name).symlink_to(path.absolute())
            elif path.is_dir():
                shutil.copytree(path, target / path.name)
            else:
                shutil.copyfile(path, target / path.name)
        return target


def _remove_stale(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if folder.stat().st_uid == os.getuid() and _is_stale(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another process removes it, too


def _is_stale(folder: Path) -> bool:
    """Has nobody the folder's lock?"""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return folder.stat().st_mtime < time.time() - _YOUNG_S
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
