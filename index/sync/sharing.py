"""A sync among several machines: the store's generation comes first, and the new one goes there.

Without a store none of it does anything.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..engine import open_generation, verify
from ..errors import GenerationMissing
from ..object_store import ObjectStore
from ..shared.collection import OnBytes, SharedCollection
from ..shared.lease import hold_lease
from ..shared.pull import is_local, pull, pull_current
from ..shared.push import Publisher
from ..store.manifest import GenerationRef, read_current, write_published
from .process import OnEvent, SyncRequest


class Sharing:
    """What a sync shares; `publisher` is None where it shares nothing."""

    def __init__(
        self, request: SyncRequest, emit: OnEvent, publisher: Publisher | None = None
    ) -> None:
        self._request, self._publisher = request, publisher
        self._emit = emit

    def take(self) -> None:
        """Makes the store's serving generation the local one, if there is one."""
        if self._publisher is not None:
            pull_current(self._publisher.shared, self._request.folder, self._on_bytes("pull"))

    def share(self, ref: GenerationRef) -> None:
        """Publishes a verified local generation to the store; raises as Publisher.publish."""
        if self._publisher is not None:
            self._publisher.publish(self._request.folder, ref, self._on_bytes("push"))

    def share_current(self) -> None:
        """Publishes the local serving generation, or sends what of it the store lacks."""
        if current := read_current(self._request.folder):
            self.share(current)

    def _on_bytes(self, event: str) -> OnBytes:
        return lambda done, total: self._emit({"event": event, "done": done, "total": total})


@contextmanager
def open_sharing(request: SyncRequest, emit: OnEvent) -> Iterator[Sharing]:
    """Yields what a sync shares, with the lease held; raises SyncBusy, SharedUnavailable."""
    if request.shared is None:
        yield Sharing(request, emit)
        return
    shared = SharedCollection(ObjectStore(request.shared), request.collection)
    with hold_lease(shared.store, shared.prefix, request.collection) as lease:
        yield Sharing(request, emit, Publisher(shared, lease))


def roll_back_shared(url: str, folder: Path, collection: str) -> str:
    """Publishes the store's older generation again, here and there; returns its name."""
    shared = SharedCollection(ObjectStore(url), collection)
    with hold_lease(shared.store, shared.prefix, collection) as lease:
        publisher = Publisher(shared, lease)
        if len(publisher.published) < 2:
            raise GenerationMissing(collection, "no older generation to go back to")
        newer, older = publisher.published
        if not is_local(folder, older):
            pull(shared, folder, older, lambda done, total: None)
        with closing(open_generation(folder, older)) as generation:
            verify(generation)
        publisher.roll_back()
        write_published(folder, (older, *([newer] if is_local(folder, newer) else [])))
    return older.generation
