"""One of the served collections: its generation, the sync beside it, and how it is."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from index.errors import (
    CorpusMismatch,
    CorpusMissing,
    GenerationMissing,
    IndexingError,
    SettingInvalid,
)

from ..errors import IndexBuilding
from ..wire.schemas import CollectionReady, Waiting
from .background_sync import Syncing

if TYPE_CHECKING:
    from index.store.generation import Generation
    from index.store.serving import Serving
    from index.sync.process import SyncRequest

log = logging.getLogger("footnote")

AGAIN_S = 5.0
"""A generation that could not answer is asked again after this: an endpoint may be back."""

_MISTAKES = (CorpusMissing, CorpusMismatch, SettingInvalid)
"""What makes serving an older generation wrong: other articles were asked for."""


class Collection:
    """A name, and what is known of it; all of it may be asked from any thread."""

    def __init__(self, name: str, request: "SyncRequest | None", turn: threading.Lock) -> None:
        """Opens nothing yet; `turn` is whose sync it is, among all collections."""
        self.name = name
        self.syncing = Syncing(turn)
        self.trouble: str | None = None
        self._flaw: str | None = None
        """Why the serving generation cannot answer; None where it proved that it can."""
        self._proved: tuple[str, str] | None = None
        self._failed: tuple[str, str] | None = None
        self._again = 0.0
        self._request = request
        self._serving: Serving | None = None

    def start(self, *, watch: bool) -> None:
        """Starts its sync, where it has one; with `watch` one after each change."""
        if self._request:
            self.syncing.start(self._request, watch=watch)

    def look(self, serving: "Serving", prove: "Callable[[Generation], None]") -> None:
        """Opens a new generation, if there is one, and lets it prove that it can answer; blocks."""
        trouble, ended = None, not self.syncing.running
        try:
            serving.refresh()
            self._prove(serving, prove)
            self._serving, trouble = serving, self._flaw or serving.trouble
        except (IndexingError, OSError) as error:  # a full disk may have room again
            trouble = str(error)
        self.note(trouble)
        if ended:
            self.syncing.unseen = False

    def _prove(self, serving: "Serving", prove: "Callable[[Generation], None]") -> None:
        """Asks the serving generation something, once; again after a while where it failed."""
        with suppress(GenerationMissing), serving.lease() as generation:
            one = (generation.info.generation, generation.info.built_at)
            if one == self._proved or (one == self._failed and time.monotonic() < self._again):
                return
            try:
                prove(generation)
                self._proved, self._flaw = one, None
            except IndexingError as error:
                self._failed, self._flaw = one, str(error)
                self._again = time.monotonic() + AGAIN_S

    def note(self, trouble: str | None) -> None:
        """Keeps why its newest generation does not serve; says it once."""
        if trouble and trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble

    @contextmanager
    def lease(self) -> "Iterator[Generation]":
        """Holds its generation open; raises as Service.lease does."""
        if self._serving is None:
            raise IndexBuilding if self.trouble is None else IndexingError(self.trouble)
        with ExitStack() as stack:
            try:
                generation = stack.enter_context(self._serving.lease())
            except GenerationMissing:
                if self.syncing.under_way:
                    raise IndexBuilding from None
                raise
            yield generation

    @property
    def mistake(self) -> Exception | None:
        """Returns the first sync's error where it means that other articles were asked for."""
        is_one = isinstance(self.syncing.error, _MISTAKES) and not self.syncing.succeeded
        return self.syncing.error if is_one else None

    def readiness(self) -> CollectionReady:
        """Returns whether it can be asked, and how far its sync is."""
        trouble = self.trouble or self.syncing.trouble
        progress = self.syncing.progress if self.syncing.running else None
        if self._flaw:
            return CollectionReady(status=self._waiting(), progress=progress, trouble=trouble)
        try:
            with self.lease() as generation:
                info = generation.info
                return CollectionReady(
                    status="ready",
                    generation=info.generation,
                    complete=info.complete,
                    sources=info.sources,
                    progress=progress,
                    trouble=trouble,
                )
        except (IndexBuilding, IndexingError):
            return CollectionReady(status=self._waiting(), progress=progress, trouble=trouble)

    def _waiting(self) -> Waiting:
        if self.syncing.under_way:
            return "building"
        return "starting" if self._serving is None and self.trouble is None else "unavailable"
