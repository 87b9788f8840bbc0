"""One writer a collection: an OS lock that ends with its process, and says who holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SyncBusy

NAMED_WITHIN_S = 0.5
"""A holder has written its pid long before this."""


@contextmanager
def writer_lock(folder: Path, collection: str) -> Iterator[None]:
    """Holds the collection's lock; raises SyncBusy at once where another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(handle, collection)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)  # the next holder must not be taken for this one
    finally:
        os.close(handle)


def _take(handle: int, collection: str) -> None:
    """Takes the lock; where another process has it, waits only until that has written its pid."""
    until = time.monotonic() + NAMED_WITHIN_S
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            written = os.pread(handle, 20, 0).decode(errors="replace").strip()
            holder = int(written) if written.isdigit() else None
            if _is_running(holder) or time.monotonic() > until:
                raise SyncBusy(collection, holder) from error
        time.sleep(0.01)


def _is_running(pid: int | None) -> bool:
    """Is this a process, other than this one, that has not ended?"""
    if pid is None or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
