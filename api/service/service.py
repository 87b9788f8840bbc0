"""What the routes work with: the serving generation, the pipeline, the sync beside them.

Nothing slow runs on the event loop: opening, refreshing and searching go to threads, a sync runs
in its child process. Heavy imports happen while opening, so `/livez` answers before them.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from index.errors import IndexingError
from rag.errors import Overloaded

from ..errors import CollectionUnknown, IndexBuilding, RequestInvalid, SourceMissing
from ..settings import Settings
from ..wire.schemas import Ready, Waiting
from ..wire.signed_links import Links
from .collection import Collection

if TYPE_CHECKING:
    from index.store.generation import Generation
    from index.sync.process import SyncRequest
    from index.types import Source
    from rag.types import Answer, Ask

    from ..bootstrap import Parts

log = logging.getLogger("footnote")

Lease = AbstractContextManager["tuple[Parts, Generation]"]

REFRESH_S = 1.0
"""How often a new generation is looked for."""
TICK_S = 0.1
WAITING_PER_PLACE = 4
"""More than so many questions that wait would be told later what they can be told now."""
RETRY_AFTER_S = 2.0

DEFAULT = "default"
"""The collection that is meant where none is named."""
_WORST: tuple[Waiting | Literal["ready"], ...] = ("unavailable", "starting", "building")


def first(names: Iterable[str]) -> str:
    """Returns the collection to show where one has to be: `default`, else the first by name."""
    return min(names, key=lambda name: (name != DEFAULT, name))


@dataclass(frozen=True, slots=True)
class Hooks:
    """Whom to tell, once each: the first generation serves; the service cannot do its job."""

    on_ready: Callable[[Ready, str], None]
    """Given a question, too, that the articles may answer."""
    on_fatal: Callable[[Exception], None]


class Service:
    """The collections, served; those for which there is a request are synced beside it."""

    def __init__(
        self,
        settings: Settings,
        open_parts: Callable[[Settings], "Parts"],
        links: Links,
        requests: "Mapping[str, SyncRequest | None]",
        *,
        watch: bool = False,
        hooks: Hooks | None = None,
    ) -> None:
        """Opens nothing yet; `run` does. `requests` has an entry for each collection.

        With `watch` each change is synced, too.
        """
        self.settings, self.links = settings, links
        turn = self.turn = threading.Lock()
        """Held by whoever syncs: each sync takes half a gigabyte and every core."""
        self.collections = {
            name: Collection(name, request, turn) for name, request in requests.items()
        }
        self.parts: Parts | None = None
        self.draining = False
        """Is it about to end, so that nobody new should come?"""
        self._ending: asyncio.Future[None] | None = None
        self._open_parts, self._watch, self._hooks = open_parts, watch, hooks
        self._told: set[str] = set()
        self._places = asyncio.Semaphore(settings.max_concurrent_answers)
        self.waiting = self.under_way = 0
        """How many questions wait for a place, and how many have one."""

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serves while the block runs: opens in the background, notices new generations."""
        self._ending = asyncio.get_running_loop().create_future()
        for one in self.collections.values():
            one.start(watch=self._watch)
        keeper = asyncio.create_task(self._keep())
        keeper.add_done_callback(self._report)
        try:
            yield
        finally:
            keeper.cancel()
            each = self.collections.values()
            await asyncio.gather(*(asyncio.to_thread(one.syncing.stop) for one in each))
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
        while True:
            try:
                if self.parts is None:
                    self.parts = await asyncio.to_thread(self._open_parts, self.settings)
            except (IndexingError, OSError) as error:  # a full disk may have room again
                for one in self.collections.values():
                    one.note(str(error))
            if self.parts:
                for one in self.collections.values():
                    serving, prove = self.parts.servings[one.name], self.parts.pipeline.prove
                    await asyncio.to_thread(one.look, serving, prove)
            self._tell()
            await asyncio.sleep(REFRESH_S)

    def _tell(self) -> None:
        if self._hooks is None:
            return
        ready, each = self.readiness(), self.collections.values()
        if ready.status == "ready" and "ready" not in self._told:
            self._told.add("ready")
            self._hooks.on_ready(ready, self._example())
        useless = all(one.readiness().status == "unavailable" for one in each)
        errors = [one.mistake or (one.syncing.error if useless else None) for one in each]
        error = next((error for error in errors if error), None)
        if error and "fatal" not in self._told:
            self._told.add("fatal")
            self._hooks.on_fatal(error)

    def _example(self) -> str:
        with self.lease(first(self.collections), seen=None) as (_, generation):
            titles = [source.title for source in generation.sources(after=None, limit=1)]
        # the line to copy is in single quotes for the shell
        return f"What is said about {(titles or ['this'])[0].replace(chr(39), '’')}?"

    def _report(self, keeper: asyncio.Task[None]) -> None:
        """A keeper never ends by itself: where it does, that is a bug, and nothing serves."""
        error = None if keeper.cancelled() else keeper.exception()
        if error is None:
            return
        log.critical("the service cannot go on", exc_info=error)
        for one in self.collections.values():
            one.trouble = "the service cannot go on; the log says why"
        if self._hooks and isinstance(error, Exception):
            self._hooks.on_fatal(error)

    def visible(self, seen: frozenset[str] | None) -> list[str]:
        """Returns the collections that a caller may know of, by name; `seen` None: every one."""
        return sorted(name for name in self.collections if seen is None or name in seen)

    def chosen(self, name: str | None, *, seen: frozenset[str] | None) -> str:
        """Returns which collection is meant: the named one, else `default`, else the only one.

        Raises CollectionUnknown where the caller may not know of it, or of any; RequestInvalid
        where there are several and none is named.
        """
        known = self.visible(seen)
        if name is not None:
            if name not in known:
                raise CollectionUnknown(name)
            return name
        if DEFAULT in known or len(known) == 1:
            return DEFAULT if DEFAULT in known else known[0]
        if not known:
            raise CollectionUnknown(DEFAULT)
        raise RequestInvalid("collection", f"must be one of {', '.join(known)}")

    @contextmanager
    def lease(
        self, collection: str | None = None, *, seen: frozenset[str] | None
    ) -> "Iterator[tuple[Parts, Generation]]":
        """Holds the serving generation of a collection open while it is asked.

        `seen` are the collections that the caller may know of, None: every one. Raises as `chosen`
        does, IndexBuilding while the first generation is opened or built, GenerationMissing when
        nothing serves otherwise.
        """
        wanted = self.collections[self.chosen(collection, seen=seen)]
        with wanted.lease() as generation:
            assert self.parts is not None  # else nothing could be leased
            yield self.parts, generation

    @contextmanager
    def holding(
        self, source_id: str, *, seen: frozenset[str] | None
    ) -> "Iterator[tuple[Source, Generation]]":
        """Holds the generation open that has an article; raises SourceMissing, or as `lease`."""
        names = self.visible(seen) or [self.chosen(None, seen=seen)]
        with ExitStack() as stack:
            trouble: Exception = SourceMissing(source_id)
            for name in names:
                try:
                    generation = stack.enter_context(self.collections[name].lease())
                except (IndexBuilding, IndexingError) as error:  # it may be in this one
                    trouble = error
                    continue
                if source := generation.source(source_id):
                    yield source, generation
                    return
            raise trouble

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits for a place among the answers under way.

        Raises Overloaded after `max_wait_s`, and at once where too many wait already.
        """
        if self.waiting >= WAITING_PER_PLACE * self.settings.max_concurrent_answers:
            raise Overloaded(RETRY_AFTER_S)
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
        from ..bootstrap import records

        try:
            await asyncio.to_thread(records(self.settings).keep, ask, answer)
        except (sqlite3.Error, OSError) as error:
            log.error("answer %s could not be kept: %s", answer.id, error)

    def readiness(self, seen: frozenset[str] | None = None) -> Ready:
        """Returns whether questions can be asked, of what, and how far the syncs are.

        `status` is that of every collection; in detail only those that may be `seen` are shown.
        """
        each = {name: one.readiness() for name, one in sorted(self.collections.items())}
        found = {one.status for one in each.values()}
        status: Waiting | Literal["ready"] = next(
            (worst for worst in _WORST if worst in found), "ready"
        )
        shown = {name: one for name, one in each.items() if seen is None or name in seen}
        alone = len(each) == 1
        return Ready(
            status="draining" if self.draining else status,
            generation=each[first(each)].generation if alone or DEFAULT in each else None,
            complete=all(one.complete for one in each.values()) if status == "ready" else None,
            sources=sum(one.sources or 0 for one in shown.values()) if status == "ready" else None,
            answerer=self.parts.answerer if self.parts and status == "ready" else None,
            progress=next((one.progress for one in shown.values() if one.progress), None),
            trouble=next((one.trouble for one in shown.values() if one.trouble), None),
            collections=None if alone else shown,
        )
