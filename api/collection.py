"""One of the served collections: its generation, the sync beside it, and how it is."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from index.errors import (
    CorpusMismatch,
    CorpusMissing,
    GenerationMissing,
    IndexingError,
    SettingInvalid,
)

from .errors import IndexBuilding
from .schemas import CollectionReady, Waiting
from .syncing import Syncing

if TYPE_CHECKING:
    from index.generation import Generation
    from index.serving import Serving
    from index.worker import SyncRequest

log = logging.getLogger("footnote")

_MISTAKES = (CorpusMissing, CorpusMismatch, SettingInvalid)
"""What makes serving an older generation wrong: other articles were asked for."""


class Collection:
    """A name, and what is known of it; all of it may be asked from any thread."""

    def __init__(self, name: str, request: "SyncRequest | None", turn: threading.Lock) -> None:
        """Opens nothing yet; `turn` is whose sync it is, among all collections."""
        self.name = name
        self.syncing = Syncing(turn)
        self.trouble: str | None = None
        self._request = request
        self._serving: Serving | None = None

    def start(self, *, watch: bool) -> None:
        """Starts its sync, where it has one; with `watch` one after each change."""
        if self._request:
            self.syncing.start(self._request, watch=watch)

    def look(self, serving: "Serving") -> None:
        """Opens a new generation, if there is one; blocks."""
        trouble, ended = None, not self.syncing.running
        try:
            serving.refresh()
            self._serving, trouble = serving, serving.trouble
        except (IndexingError, OSError) as error:  # a full disk may have room again
            trouble = str(error)
        self.note(trouble)
        if ended:
            self.syncing.unseen = False

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
