"""What the routes work with: the serving generation, the pipeline, the sync beside them.

Nothing slow runs on the event loop: opening, refreshing and searching go to threads, a sync runs
in its child process. Heavy imports happen while opening, so `/livez` answers before them.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from index.errors import (
    CorpusMismatch,
    CorpusMissing,
    GenerationMissing,
    IndexingError,
    SettingInvalid,
)
from rag.errors import Overloaded

from .errors import CollectionUnknown, IndexBuilding
from .links import Links
from .schemas import Ready
from .settings import Settings
from .syncing import Syncing

if TYPE_CHECKING:
    from index.generation import Generation
    from index.worker import SyncRequest
    from rag.types import Answer, Ask

    from .wiring import Parts

log = logging.getLogger("footnote")

Lease = AbstractContextManager["tuple[Parts, Generation]"]

REFRESH_S = 1.0
"""How often a new generation is looked for."""
TICK_S = 0.1
RETRY_AFTER_S = 2.0

_MISTAKES = (CorpusMissing, CorpusMismatch, SettingInvalid)
"""What makes serving an older generation wrong: other articles were asked for."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Whom to tell, once each: the first generation serves; the service cannot do its job."""

    on_ready: Callable[[Ready, str], None]
    """Given a question, too, that the articles may answer."""
    on_fatal: Callable[[Exception], None]


class Service:
    """One collection, served; where there is a `request`, its corpus is synced beside it."""

    def __init__(
        self,
        settings: Settings,
        open_parts: Callable[[Settings], "Parts"],
        links: Links,
        *,
        request: "SyncRequest | None" = None,
        watch: bool = False,
        hooks: Hooks | None = None,
    ) -> None:
        """Opens nothing yet; `run` does. With `watch` each change is synced, too."""
        self.settings, self.links = settings, links
        self.syncing = Syncing()
        self.parts: Parts | None = None
        self.trouble: str | None = None
        self.draining = False
        """Is it about to end, so that nobody new should come?"""
        self._ending: asyncio.Future[None] | None = None
        self._open_parts, self._request, self._hooks = open_parts, request, hooks
        self._watch = watch
        self._told: set[str] = set()
        self._places = asyncio.Semaphore(settings.max_concurrent_answers)
        self.waiting = self.under_way = 0
        """How many questions wait for a place, and how many have one."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serves while the block runs: opens in the background, notices new generations."""
        self._ending = asyncio.get_running_loop().create_future()
        if self._request:
            self.syncing.start(self._request, watch=self._watch)
        keeper = asyncio.create_task(self._keep())
        keeper.add_done_callback(self._report)
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.to_thread(self.syncing.stop)
            await asyncio.wait({keeper})
            if self.parts:
                await self.parts.close()

    @property
    def ending(self) -> asyncio.Future[None]:
        """Done once the answers under way must end."""
        assert self._ending is not None  # `run` makes it, and nothing is asked before
        return self._ending

    def end(self) -> None:
        """Ends the answers under way, each with an error that says to ask again; any thread may."""
        self.draining = True
        if self._ending is not None:
            self._ending.get_loop().call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self.ending.done():
            self.ending.set_result(None)

    async def can_answer(self) -> None:
        """Waits until a generation serves, or the service ends."""
        while self.readiness().status not in ("ready", "draining"):
            await asyncio.wait({self.ending}, timeout=TICK_S)

    async def _keep(self) -> None:
        opened: Parts | None = None
        while True:
            trouble, ended = None, not self.syncing.running
            try:
                if opened is None:
                    opened = await asyncio.to_thread(self._open_parts, self.settings)
                await asyncio.to_thread(opened.refresh)
                self.parts, trouble = opened, opened.serving.trouble  # known to all once it serves
            except (IndexingError, OSError) as error:  # a full disk may have room again
                trouble = str(error)
            if trouble and trouble != self.trouble:
                log.error("%s", trouble)
            self.trouble = trouble
            if ended:
                self.syncing.unseen = False
            self._tell()
            await asyncio.sleep(REFRESH_S)

    def _tell(self) -> None:
        if self._hooks is None:
            return
        ready, error = self.readiness(), self.syncing.error
        if ready.status == "ready" and "ready" not in self._told:
            self._told.add("ready")
            self._hooks.on_ready(ready, self._example())
        mistaken = isinstance(error, _MISTAKES) and not self.syncing.succeeded
        useless = mistaken or (error and ready.status == "unavailable")
        if error and useless and "fatal" not in self._told:
            self._told.add("fatal")
            self._hooks.on_fatal(error)

    def _example(self) -> str:
        with self.lease(seen=None) as (_, generation):
            titles = [source.title for source in generation.sources(after=None, limit=1)]
        # the line to copy is in single quotes for the shell
        return f"What is said about {(titles or ['this'])[0].replace(chr(39), '’')}?"

    def _report(self, keeper: asyncio.Task[None]) -> None:
        """A keeper never ends by itself: where it does, that is a bug, and nothing serves."""
        error = None if keeper.cancelled() else keeper.exception()
        if error is None:
            return
        log.critical("the service cannot go on", exc_info=error)
        self.trouble = "the service cannot go on; the log says why"
        if self._hooks and isinstance(error, Exception):
            self._hooks.on_fatal(error)

    @contextmanager
    def lease(
        self, collection: str | None = None, *, seen: frozenset[str] | None
    ) -> "Iterator[tuple[Parts, Generation]]":
        """Holds the serving generation open while it is asked.

        `seen` are the collections that the caller may know of, None: every one. Raises
        CollectionUnknown for another than those or than the one served, IndexBuilding while
        the first one is opened or built, GenerationMissing when nothing serves otherwise.
        """
        wanted = self.settings.collection if collection is None else collection
        if wanted != self.settings.collection or (seen is not None and wanted not in seen):
            raise CollectionUnknown(wanted)
        if self.parts is None:
            raise IndexBuilding if self.trouble is None else IndexingError(self.trouble)
        with ExitStack() as stack:
            try:
                generation = stack.enter_context(self.parts.serving.lease())
            except GenerationMissing:
                if self.syncing.under_way:
                    raise IndexBuilding from None
                raise
            yield self.parts, generation

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits for a place among the answers under way; raises Overloaded after `max_wait_s`."""
        self.waiting += 1
        try:
            async with asyncio.timeout(self.settings.max_wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded(RETRY_AFTER_S) from None
        finally:
            self.waiting -= 1
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._places.release()

    async def keep(self, ask: "Ask", answer: "Answer") -> None:
        """Keeps what an answer was made of where that is wanted; its failure is only logged."""
        if not self.settings.keep_answers:
            return
        from .wiring import records

        try:
            await asyncio.to_thread(records(self.settings).keep, ask, answer)
        except (sqlite3.Error, OSError) as error:
            log.error("answer %s could not be kept: %s", answer.id, error)

    def readiness(self) -> Ready:
        """Returns whether questions can be asked, of what, and how far the sync is."""
        trouble = self.trouble or self.syncing.trouble
        progress = self.syncing.progress if self.syncing.running else None
        try:
            with self.lease(seen=None) as (parts, generation):
                info = generation.info
                return Ready(
                    status="draining" if self.draining else "ready",
                    generation=info.generation,
                    complete=info.complete,
                    sources=info.sources,
                    answerer=parts.answerer,
                    progress=progress,
                    trouble=trouble,
                )
        except (IndexBuilding, IndexingError):
            return Ready(
                status=self._waiting(),
                generation=None,
                complete=None,
                progress=progress,
                trouble=trouble,
            )

    def _waiting(self) -> Literal["starting", "building", "unavailable", "draining"]:
        if self.draining:
            return "draining"
        if self.syncing.under_way:
            return "building"
        return "starting" if self.parts is None and self.trouble is None else "unavailable"
