"""A lease object says that a machine publishes to a collection: no other does the same work then.

It is renewed while its holder lives, and is free some time after that ended. It only spares work:
what guards CURRENT is the conditional write. Times are by the store's clock.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from ..errors import SharedUnavailable, SyncBusy
from ..object_store import ObjectStore

log = logging.getLogger("footnote.shared")

LEASE_S, RENEW_S = 30.0, 10.0
FREE = b"free\n"


class Lease:
    """The right to publish, renewed by a thread until `release`."""

    def __init__(self, store: ObjectStore, prefix: str, collection: str) -> None:
        """Takes the lease; raises SyncBusy where another machine has it, SharedUnavailable."""
        self._store, self._key, self._collection = store, f"{prefix}/lease", collection
        self._owner, self._count = uuid.uuid4().hex, 0
        tag = store.swap(self._key, self._content(), None) or self._take_over(prefix)
        if tag is None:
            raise self._busy()
        self._tag, self._renewed_at_s = tag, time.monotonic()
        self._is_lost = False
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew_forever, name="lease", daemon=True)
        self._thread.start()

    def _content(self) -> bytes:
        self._count += 1
        return f"{self._owner} {self._count}\n".encode()

    def _take_over(self, prefix: str) -> str | None:
        """Takes a lease that is free or was not renewed in time."""
        with suppress(KeyError):
            data, tag = self._store.get(self._key)
            if data == FREE or self._age_s(prefix) > LEASE_S:
                return self._store.swap(self._key, self._content(), tag)
        return None

    def _age_s(self, prefix: str) -> float:
        return store_time(self._store, prefix) - self._store.modified(self._key).timestamp()

    def _busy(self) -> SyncBusy:
        return SyncBusy(self._collection, None, where="another machine")

    def _renew_forever(self) -> None:
        while not self._released.wait(RENEW_S):
            try:
                tag = self._store.swap(self._key, self._content(), self._tag)
            except SharedUnavailable as error:
                log.warning("the lease is not renewed: %s", error)
                continue
            if tag is None:
                self._is_lost = True
                return
            self._tag, self._renewed_at_s = tag, time.monotonic()

    def renewed_at(self) -> datetime:
        """Returns when the lease was taken or renewed, by the store's clock."""
        return self._store.modified(self._key)

    def check(self) -> None:
        """Raises SyncBusy unless the lease is still held."""
        if self._is_lost or time.monotonic() - self._renewed_at_s > LEASE_S:
            raise self._busy()

    def release(self) -> None:
        """Frees the lease, if it is still held; one that cannot be freed ends by itself."""
        self._released.set()
        self._thread.join()
        with suppress(SharedUnavailable):
            self._store.swap(self._key, FREE, self._tag)


@contextmanager
def hold_lease(store: ObjectStore, prefix: str, collection: str) -> Iterator[Lease]:
    """Holds the lease while the block runs; raises as Lease."""
    lease = Lease(store, prefix, collection)
    try:
        yield lease
    finally:
        lease.release()


def store_time(store: ObjectStore, prefix: str) -> float:
    """Returns the time by the store's clock, in seconds since 1970, of an object written now."""
    key = f"{prefix}/clock"
    store.delete(key)
    store.put_new(key, uuid.uuid4().hex.encode())
    return store.modified(key).timestamp()
