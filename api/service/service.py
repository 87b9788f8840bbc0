"""The service that routes call: leases of collections, concurrency limit, readiness, shutdown.

Nothing slow runs on the event loop: opening, refreshing and searching run in threads, a sync in a
child process. Heavy imports happen in the background, so `/livez` answers before them.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from index.access import AccessPolicy
from index.errors import IndexingError
from rag.errors import Overloaded

from ..errors import IndexBuilding, NotFound, RequestInvalid, SourceNotFound, StateUnreadable
from ..settings import Settings
from ..wire.schemas import Ready, Waiting
from ..wire.signed_links import LinkSigner
from .access import ALL, Access
from .background_sync import MAX_PARALLEL_SYNCS
from .collection import Collection, Components
from .page_pictures import PagePictures

if TYPE_CHECKING:
    from index.shared.follow import Follower
    from index.store.opened import OpenGeneration
    from index.sync.process import SyncRequest
    from index.types import Source
    from rag.types import Answer, Ask

    from ..state.answer_log import AnswerLog

log = logging.getLogger("footnote")

Lease = AbstractContextManager["tuple[Components, OpenGeneration]"]

REFRESH_INTERVAL_S = 1.0
"""How often the service checks for new generations."""
POLL_INTERVAL_S = 0.1
MAX_QUEUED_PER_SLOT = 4
"""With more questions queued, a client is better told to retry at once than after `max_wait_s`."""
RETRY_AFTER_S = 2.0

DEFAULT = "default"
"""The collection of requests that name none."""
_NOT_READY_FIRST: tuple[Waiting, ...] = ("unavailable", "starting", "building")


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callbacks, each called at most once: the service is ready, and it cannot do its job."""

    on_ready: Callable[[Ready, str], None]
    """Receives an example question, too."""
    on_fatal: Callable[[Exception], None]


@dataclass(slots=True)
class UnreadBytes:
    """How many bytes of streams wait in this process for their clients."""

    total: int = 0


class Service:
    """The served collections; those that have a sync request are synced in the background."""

    def __init__(
        self,
        settings: Settings,
        open_components: Callable[[Settings], Components],
        links: LinkSigner,
        requests: "Mapping[str, SyncRequest | None]",
        *,
        policy: AccessPolicy,
        followers: "Mapping[str, Follower] | None" = None,
        answer_log: "AnswerLog | None" = None,
        watch: bool = False,
        hooks: Hooks | None = None,
    ) -> None:
        """Opens nothing yet, `run` does; `requests` has an entry for each collection.

        With an `answer_log` answers are logged, with `watch` a sync follows each change. The
        collections that have one of the `followers` serve what other machines publish.
        """
        self.settings, self.links, self.policy = settings, links, policy
        self.sync_slots = threading.BoundedSemaphore(MAX_PARALLEL_SYNCS)
        self.collections = {
            name: Collection(name, request, self.sync_slots, policy, (followers or {}).get(name))
            for name, request in requests.items()
        }
        self.components: Components | None = None
        self.is_draining = False
        """Whether the service is about to stop, so that no new client should connect."""
        self._stopping: asyncio.Future[None] | None = None
        self._open_components, self._answer_log = open_components, answer_log
        self._watch, self._hooks = watch, hooks
        self._called_hooks: set[str] = set()
        self._slots = asyncio.Semaphore(settings.max_concurrent_answers)
        self.queued_answers = self.active_answers = 0
        self.unread_bytes = UnreadBytes()
        self.pictures = PagePictures()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serves while the block runs: opens in the background, detects new generations."""
        self._stopping = asyncio.get_running_loop().create_future()
        for collection in self.collections.values():
            collection.start(watch=self._watch)
        refreshing = asyncio.create_task(self._refresh_forever())
        refreshing.add_done_callback(self._on_refresh_end)
        try:
            yield
        finally:
            refreshing.cancel()
            collections = self.collections.values()
            await asyncio.gather(*(asyncio.to_thread(one.stop) for one in collections))
            await asyncio.wait({refreshing})
            if self.components:
                await self.components.close()

    @property
    def stopping(self) -> asyncio.Future[None]:
        """Done once running answers must end."""
        assert self._stopping is not None  # `run` creates it, and no request comes earlier
        return self._stopping

    def stop_answers(self) -> None:
        """Ends running answers, each with an error that may be retried; any thread may call it."""
        self.is_draining = True
        if stopping := self._stopping:
            stopping.get_loop().call_soon_threadsafe(_resolve, stopping)

    async def wait_until_ready(self) -> None:
        """Waits until a generation serves or the service stops."""
        while self.readiness().status not in ("ready", "draining"):
            await asyncio.wait({self.stopping}, timeout=POLL_INTERVAL_S)

    async def _refresh_forever(self) -> None:
        while True:
            try:
                if self.components is None:
                    self.components = await asyncio.to_thread(self._open_components, self.settings)
            except (IndexingError, OSError) as error:  # a full disk may be temporary
                for collection in self.collections.values():
                    collection.set_error(str(error))
            if self.components:
                smoke_test = self.components.pipeline.smoke_test
                for name, collection in self.collections.items():
                    serving = self.components.servings[name]
                    await asyncio.to_thread(collection.refresh, serving, smoke_test)
            self._call_hooks()
            await asyncio.sleep(REFRESH_INTERVAL_S)

    def _call_hooks(self) -> None:
        if self._hooks is None:
            return
        ready, collections = self.readiness(), self.collections.values()
        if ready.status == "ready" and "ready" not in self._called_hooks:
            self._called_hooks.add("ready")
            self._hooks.on_ready(ready, self._example_question())
        is_useless = all(one.readiness().status == "unavailable" for one in collections)
        errors = (
            one.configuration_error or (one.sync.error if is_useless else None)
            for one in collections
        )
        error = next((error for error in errors if error), None)
        if error and "fatal" not in self._called_hooks:
            self._called_hooks.add("fatal")
            self._hooks.on_fatal(error)

    def _example_question(self) -> str:
        with self.lease(default_collection(self.collections), access=ALL) as (_, generation):
            titles = [source.title for source in generation.sources(after=None, limit=1)]
        # the banner puts it in single quotes for the shell
        return f"What is said about {(titles or ['this'])[0].replace(chr(39), '’')}?"

    def _on_refresh_end(self, task: asyncio.Task[None]) -> None:
        """Reports the bug that ended the refresh task: without it nothing serves."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        log.critical("the service stopped refreshing", exc_info=error)
        for collection in self.collections.values():
            collection.error = "internal error while opening the index; see the server log"
        if self._hooks and isinstance(error, Exception):
            self._hooks.on_fatal(error)

    def visible_collections(self, access: Access) -> list[str]:
        """Returns the served collections that a caller may see, by name."""
        return sorted(name for name in self.collections if self._is_visible(name, access))

    def _is_visible(self, name: str, access: Access) -> bool:
        if access.collections is not None and name not in access.collections:
            return False
        return access.groups is None or self.policy.allows_collection(name, access.groups)

    def resolve_collection(self, name: str | None, *, access: Access) -> str:
        """Returns the named collection, else `default`, else the only one.

        Raises NotFound where the caller may not access it, or any; RequestInvalid where there are
        several and none is named.
        """
        visible = self.visible_collections(access)
        if name is not None:
            if name not in visible:
                raise NotFound("collection", name)
            return name
        if not visible:
            raise NotFound("collection", DEFAULT)
        if DEFAULT not in visible and len(visible) > 1:
            raise RequestInvalid("collection", f"must be one of {', '.join(visible)}")
        return DEFAULT if DEFAULT in visible else visible[0]

    def named_groups(self, access: Access) -> frozenset[str] | None:
        """Returns those of the caller's groups that rules name; None: no rule concerns them."""
        tables = [one.table for one in self.collections.values() if one.table is not None]
        has_rules = not self.policy.is_empty or any(table.has_rules for table in tables)
        if access.groups is None or not has_rules:
            return None
        return access.groups & self.policy.groups.union(*(table.groups for table in tables))

    def is_restricted(self, access: Access) -> bool:
        """Returns whether there are sources that the caller may not read, as far as is known."""
        return self.named_groups(access) is not None

    def links_for(self, access: Access) -> LinkSigner:
        """Returns the signer of links that open what the caller may read."""
        return self.links.with_base(self.links.base, self.named_groups(access))

    @contextmanager
    def lease(
        self, collection: str | None = None, *, access: Access
    ) -> "Iterator[tuple[Components, OpenGeneration]]":
        """Holds the serving generation of a collection open.

        Of it, what the caller may read. Raises as `resolve_collection` does, IndexBuilding while
        the first generation is opened or built,
        GenerationMissing when nothing serves otherwise.
        """
        resolved = self.collections[self.resolve_collection(collection, access=access)]
        with resolved.lease(access.groups) as generation:
            assert self.components is not None  # else nothing could be leased
            yield self.components, generation

    @contextmanager
    def lease_source(
        self, source_id: str, *, access: Access
    ) -> "Iterator[tuple[Source, OpenGeneration]]":
        """Holds the generation that has a source open; raises SourceNotFound, or as `lease`."""
        visible = self.visible_collections(access)
        names = visible or [self.resolve_collection(None, access=access)]
        with ExitStack() as stack:
            failure: Exception = SourceNotFound(source_id)
            for name in names:
                try:
                    generation = stack.enter_context(self.collections[name].lease(access.groups))
                except (IndexBuilding, IndexingError) as error:  # the source may be in this one
                    failure = error
                    continue
                if source := generation.source(source_id):
                    yield source, generation
                    return
            raise failure

    @asynccontextmanager
    async def answer_slot(self) -> AsyncIterator[None]:
        """Limits concurrency: waits in a queue until a slot for an answer is free.

        Raises Overloaded after `max_wait_s`, and at once when the queue is full.
        """
        if self.queued_answers >= MAX_QUEUED_PER_SLOT * self.settings.max_concurrent_answers:
            raise Overloaded(RETRY_AFTER_S)
        self.queued_answers += 1
        try:
            async with asyncio.timeout(self.settings.max_wait_s):
                await self._slots.acquire()
        except TimeoutError:
            raise Overloaded(RETRY_AFTER_S) from None
        finally:
            self.queued_answers -= 1
        self.active_answers += 1
        try:
            yield
        finally:
            self.active_answers -= 1
            self._slots.release()

    async def log_answer(self, ask: "Ask", answer: "Answer", *, asker: str) -> None:
        """Adds an answer to the answer log, if there is one; a failure is only logged."""
        if self._answer_log is None:
            return
        try:
            await asyncio.to_thread(self._answer_log.add, ask, answer, sender=asker)
        except StateUnreadable as error:
            log.error("answer %s cannot be added to the answer log: %s", answer.id, error)

    def readiness(self, access: Access = ALL) -> Ready:
        """Returns whether questions can be answered, and the progress of syncs.

        `status` is the worst of all collections; details are of the visible ones, without counts
        and progress for callers who may not read every source.
        """
        each = {name: one.readiness() for name, one in sorted(self.collections.items())}
        statuses = {one.status for one in each.values()}
        status: Waiting | Literal["ready"] = next(
            (worst for worst in _NOT_READY_FIRST if worst in statuses), "ready"
        )
        shown = {name: one for name, one in each.items() if self._is_visible(name, access)}
        if self.is_restricted(access):
            hidden = {"sources": None, "progress": None, "trouble": None}
            shown = {name: one.model_copy(update=hidden) for name, one in shown.items()}
        is_ready, is_single = status == "ready", len(each) == 1
        has_default = is_single or DEFAULT in each
        components = self.components if is_ready else None
        behind_s = [one.behind_s for one in each.values() if one.behind_s is not None]
        return Ready(
            status="draining" if self.is_draining else status,
            generation=each[default_collection(each)].generation if has_default else None,
            complete=all(one.complete for one in each.values()) if is_ready else None,
            sources=_total(one.sources for one in shown.values()) if is_ready else None,
            answerer=components.answerer if components else None,
            progress=next((one.progress for one in shown.values() if one.progress), None),
            trouble=next((one.trouble for one in shown.values() if one.trouble), None),
            behind_s=max(behind_s) if behind_s else None,
            collections=None if is_single else shown,
        )


def _total(counts: Iterable[int | None]) -> int | None:
    """Returns the sum, None where a count is hidden."""
    known = list(counts)
    return None if None in known else sum(count or 0 for count in known)


def default_collection(names: Iterable[str]) -> str:
    """Returns the collection to show where one has to be: `default`, else the first by name."""
    return min(names, key=lambda name: (name != DEFAULT, name))


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
