"""A served collection (generation, background sync, readiness), and what answers from all."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.access import AccessPolicy
from index.errors import (
    CorpusMismatch,
    CorpusMissing,
    GenerationMissing,
    IndexingError,
    SettingInvalid,
)

from ..errors import IndexBuilding
from ..wire.schemas import CollectionReady, Waiting
from .background_sync import BackgroundSync

if TYPE_CHECKING:
    from index.embed.protocol import Embedder
    from index.serving import Serving
    from index.shared.follow import Follower
    from index.store.opened import OpenGeneration
    from index.store.restricted import AccessTable
    from index.sync.process import SyncRequest
    from rag.answer import Pipeline
    from rag.types import Answerer

log = logging.getLogger("footnote")

SMOKE_TEST_RETRY_S = 5.0
"""A generation that failed its smoke test is tested again after this: an endpoint may be back."""

_CONFIGURATION_ERRORS = (CorpusMissing, CorpusMismatch, SettingInvalid)
"""With these, serving an older generation would be wrong: it holds other articles."""


@dataclass(slots=True)
class Components:
    """What answers questions: a pipeline, one embedder, and each collection's generation."""

    servings: "dict[str, Serving]"
    pipeline: "Pipeline"
    embedder: "Embedder"
    answerer: "Answerer"

    @property
    def serving(self) -> "Serving":
        """The only collection's, where there is one."""
        (only,) = self.servings.values()
        return only

    async def close(self) -> None:
        """Closes all of them."""
        await self.pipeline.close()
        self.embedder.close()
        for serving in self.servings.values():
            serving.close()


class Collection:
    """A collection by name; all attributes may be read from any thread."""

    def __init__(
        self,
        name: str,
        request: "SyncRequest | None",
        sync_slots: threading.Semaphore,
        policy: AccessPolicy,
        follower: "Follower | None" = None,
    ) -> None:
        """Opens nothing yet; `sync_slots` bounds the syncs that run at the same time.

        With a `follower` it serves what other machines publish.
        """
        self._policy = policy
        self.table: AccessTable | None = None
        """Who may read what of the generation that was last opened."""
        self._table_lock = threading.Lock()
        self.name, self.follower = name, follower
        self.sync = BackgroundSync(sync_slots)
        self.error: str | None = None
        """Why the newest generation does not serve."""
        self._smoke_test_error: str | None = None
        self._passed: tuple[str, str] | None = None
        self._failed: tuple[str, str] | None = None
        self._retry_at_s = 0.0
        self._request = request
        self._serving: Serving | None = None

    def start(self, *, watch: bool) -> None:
        """Starts its sync, if it has one; with `watch` one after each change."""
        if self._request:
            self.sync.start(self._request, watch=watch)
        if self.follower:
            self.follower.start()

    def stop(self) -> None:
        """Ends its sync, and follows no more; blocks."""
        self.sync.stop()
        if self.follower:
            self.follower.stop()

    def refresh(self, serving: "Serving", smoke_test: "Callable[[OpenGeneration], None]") -> None:
        """Opens a new generation, if there is one, and runs the smoke test on it; blocks."""
        error, is_idle = None, not self.sync.is_running
        try:
            serving.refresh()
            if self.follower:
                self.follower.served = serving.ref
                self.follower.is_refused = serving.error_message is not None
            self._test_once(serving, smoke_test)
            with suppress(GenerationMissing), serving.lease() as generation:
                self.access_table(generation)
            self._serving, error = serving, self._smoke_test_error or serving.error_message
        except (IndexingError, OSError) as caught:  # a full disk may be temporary
            error = str(caught)
        self.set_error(error)
        if is_idle:
            self.sync.has_unseen_result = False

    def _test_once(
        self, serving: "Serving", smoke_test: "Callable[[OpenGeneration], None]"
    ) -> None:
        """Tests the serving generation once, and again after a while if it failed."""
        with suppress(GenerationMissing), serving.lease() as generation:
            current = (generation.info.generation, generation.info.built_at)
            is_waiting = current == self._failed and time.monotonic() < self._retry_at_s
            if current == self._passed or is_waiting:
                return
            try:
                smoke_test(generation)
                self._passed, self._smoke_test_error = current, None
            except IndexingError as error:
                self._failed, self._smoke_test_error = current, str(error)
                self._retry_at_s = time.monotonic() + SMOKE_TEST_RETRY_S

    def set_error(self, error: str | None) -> None:
        """Stores why the newest generation does not serve, and logs it if it is new."""
        if error and error != self.error:
            log.error("%s", error)
        self.error = error

    @contextmanager
    def lease(self, groups: frozenset[str] | None = None) -> "Iterator[OpenGeneration]":
        """Holds its generation open, as callers of the groups may read it; None: all of it.

        Raises as Service.lease does.
        """
        if self._serving is None:
            raise IndexBuilding if self.error is None else IndexingError(self.error)
        with ExitStack() as stack:
            try:
                generation = stack.enter_context(self._serving.lease())
            except GenerationMissing:
                if self.sync.is_building:
                    raise IndexBuilding from None
                raise
            yield generation if groups is None else self.access_table(generation).view(groups)

    def access_table(self, generation: "OpenGeneration") -> "AccessTable":
        """Returns who may read what of a generation; blocks, unless it was made by `refresh`."""
        from index.store.restricted import AccessTable

        with self._table_lock:
            if self.table is None or self.table.generation is not generation:
                self.table = AccessTable(generation, self._policy)
            return self.table

    @property
    def configuration_error(self) -> Exception | None:
        """The first sync's error where an older generation must not be served instead."""
        is_one = isinstance(self.sync.error, _CONFIGURATION_ERRORS) and not self.sync.has_succeeded
        return self.sync.error if is_one else None

    def readiness(self) -> CollectionReady:
        """Returns whether it can answer, and the progress of its sync."""
        trouble = self.error or (str(self.sync.error) if self.sync.error else None)
        behind_s = None
        if self.follower:
            trouble, behind_s = trouble or self.follower.error, round(self.follower.behind_s, 1)
        progress = self.sync.progress if self.sync.is_running else None
        with suppress(IndexBuilding, IndexingError):
            if not self._smoke_test_error:
                with self.lease() as generation:
                    info = generation.info
                    return CollectionReady(
                        status="ready",
                        generation=info.generation,
                        complete=info.complete,
                        sources=info.sources,
                        progress=progress,
                        trouble=trouble,
                        behind_s=behind_s,
                    )
        return CollectionReady(
            status=self._not_ready(), progress=progress, trouble=trouble, behind_s=behind_s
        )

    def _not_ready(self) -> Waiting:
        if self.sync.is_building:
            return "building"
        return "starting" if self._serving is None and self.error is None else "unavailable"
