"""Runs functions on the workers of a Dask scheduler; the only module that imports Dask.

`DaskPool` is the sync's side, `serve` the worker's. Tasks are named functions with a value that can
be pickled, and content-addressed: whichever worker runs one, and how often, the result is the same.
Anyone who reaches the scheduler can run code on the workers and in the sync, since Dask exchanges
pickles: it needs TLS or a private network. Dask opens no dashboard here and writes into `folder`.
"""

import asyncio
import contextlib
import importlib.util
import logging
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..errors import PoolUnavailable, SettingInvalid, WorkerFailed

CONNECT_TIMEOUT_S, CLOSE_TIMEOUT_S = 10, 2
RECONNECT_S = 120.0
"""How long a lost scheduler is waited for; what is done until then is kept."""
WORKERLESS_S = 300.0
"""How long a scheduler may have no worker: new machines take minutes to start."""
POLL_S = 1.0
RETRIES = 3
"""Of a task that has failed, or whose workers have died (each time up to four, by Dask's count)."""
WINDOW = 2
"""Tasks in flight for each worker: one runs while the next arrives."""

_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
    "distributed.diagnostics.nvml": False,
    "distributed.diagnostics.computations.nframes": 0,  # else source code travels
}
_functions: dict[str, Callable[[Any], object]] = {}
"""Of this process, where it is a worker."""


class Task(Protocol):
    """A value for a function; `key` is that of its content."""

    @property
    def key(self) -> str:
        """Returns the same for equal tasks, on every machine."""


class Result(NamedTuple):
    """What a function returned for a task, and the address of the worker that ran it."""

    task: Any
    reply: Any
    worker: str


class Pool(Protocol):
    """Runs named functions on tasks."""

    def run(self, name: str, tasks: Iterable[Task]) -> Iterator[Result]:
        """Yields the results, in order of completion."""


class LocalPool:
    """This process, one task after the other."""

    def __init__(self, functions: Mapping[str, Callable[[Any], object]]) -> None:
        self._functions = functions

    def run(self, name: str, tasks: Iterable[Task]) -> Iterator[Result]:
        """Yields the results, in order."""
        for task in tasks:
            yield Result(task, self._functions[name](task), "in this process")


class _Run:
    """The tasks of one run: those that are with the scheduler, and those to submit again."""

    def __init__(self, name: str, tasks: Iterable[Task]) -> None:
        self._name, self._waiting = name, iter(tasks)
        self._again: list[Task] = []
        self._failures = Counter[str]()
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.running: dict[Any, Task] = {}

    def submit(self, client: Any, size: int) -> None:
        """Submits tasks until `size` of them run, or none is left."""
        while len(self.running) < size:
            task = self._again.pop() if self._again else next(self._waiting, None)
            if task is None:
                return
            # equal keys of a lost connection are joined, a failed one's would fail again
            key = f"footnote-{self._name}-{task.key}-{self._failures[task.key]}"
            future = client.submit(_call, self._name, task, key=key, pure=False)
            self.running[future] = task
            future.add_done_callback(self._done.put)

    def next_done(self) -> Any:
        """Returns a future that has ended, or None after a while."""
        with contextlib.suppress(queue.Empty):
            future = self._done.get(timeout=POLL_S)
            return future if future in self.running else None
        return None

    def take_back(self, *futures: Any) -> None:
        """Marks the futures' tasks to be submitted again."""
        self._again += [self.running.pop(future) for future in futures]

    def count_failure(self, future: Any) -> int:
        """Returns how often the future's task has failed by now."""
        task = self.running[future]
        self._failures[task.key] += 1
        return self._failures[task.key]


class DaskPool:
    """The workers of a scheduler, connected at the first task.

    `on_workers` receives their number whenever it has changed, -1 while the scheduler is lost.
    """

    def __init__(self, url: str, on_workers: Callable[[int], None]) -> None:
        """Raises SettingInvalid where Dask is not installed."""
        self._url, self._on_workers = url, on_workers
        self.workers = -1
        self._workers_seen = self._counted = time.monotonic()
        self._client: Any = None
        check_dask(url)

    def close(self) -> None:
        """Ends the connection; tasks that nobody else waits for are dropped."""
        if self._client is not None:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.close(timeout=CLOSE_TIMEOUT_S)

    def run(self, name: str, tasks: Iterable[Task]) -> Iterator[Result]:
        """Yields the results of a named function, in order of completion.

        `tasks` is read as workers get free. Raises PoolUnavailable where the scheduler or all
        workers stay away, WorkerFailed where a task has failed too often.
        """
        tasks = iter(tasks)
        if (first := next(tasks, None)) is None:
            return
        if self._client is None:
            self._connect()
        run = _Run(name, chain([first], tasks))
        while True:
            run.submit(self._client, max(WINDOW * self.workers, WINDOW))
            if not run.running:
                return
            future = run.next_done()
            if self._is_lost():
                run.take_back(*run.running)
                self._reconnect()
            elif future is not None:
                result = self._result(future, run)
                if result is None:
                    run.take_back(future)
                else:
                    del run.running[future]
                    yield result
                future.release()

    def _result(self, future: Any, run: _Run) -> Result | None:
        """Returns a task's result; None where it is to be submitted again."""
        if future.status == "cancelled":  # the connection was lost and is back
            return None
        try:
            worker = ", ".join(*self._client.who_has([future]).values())
            return Result(run.running[future], future.result(), worker or "unknown")
        except (OSError, CancelledError):
            return None  # the connection was lost in between
        except Exception as error:  # the function's own, of pickle, or that its workers died
            if run.count_failure(future) <= RETRIES:
                return None
            cause = f"{type(error).__name__}: {error}"
            message = f"a task has failed {RETRIES + 1} times ({cause})"
            raise WorkerFailed(self._url, message) from error

    def _is_lost(self) -> bool:
        """Returns whether the scheduler is lost; counts the workers now and then."""
        if self._client.status != "running":
            return True
        if time.monotonic() - self._counted >= POLL_S:
            try:
                self._count_workers()
            except (OSError, CancelledError):
                return True
        if time.monotonic() - self._workers_seen > WORKERLESS_S:
            raise PoolUnavailable(self._url, "has no worker: start one with `footnote worker`")
        return False

    def _count_workers(self) -> None:
        workers, self._counted = len(self._client.nthreads()), time.monotonic()
        if workers:
            self._workers_seen = self._counted
        if workers != self.workers:
            self._on_workers(workers)
        self.workers = workers

    def _reconnect(self) -> None:
        self.workers = -1
        self._on_workers(self.workers)
        self.close()
        deadline = time.monotonic() + RECONNECT_S
        while True:
            try:
                return self._connect()
            except PoolUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)

    def _connect(self) -> None:
        distributed = _load_dask()
        try:
            self._client = distributed.Client(
                self._url, timeout=CONNECT_TIMEOUT_S, set_as_default=False, name="footnote-sync"
            )
            self._workers_seen = time.monotonic()
            self._count_workers()
        except (OSError, CancelledError, ValueError, TypeError) as error:
            raise PoolUnavailable(self._url) from error


def serve(
    url: str,
    functions: Mapping[str, Callable[[Any], object]],
    folder: Path,
    on_start: Callable[[str], None],
) -> None:
    """Runs a worker in this process until its scheduler is lost; `on_start` receives its address.

    It runs one task at a time, for the embedder uses every core. Raises PoolUnavailable.
    """
    check_dask(url)
    distributed = _load_dask()
    _functions.update(functions)

    async def run() -> None:
        worker = distributed.Worker(
            url,
            nthreads=1,
            memory_limit=0,  # results are small and leave at once
            local_directory=str(folder),
            dashboard_address="127.0.0.1:0",
            death_timeout=CONNECT_TIMEOUT_S,
        )
        try:
            await worker
        except (OSError, RuntimeError) as error:
            raise PoolUnavailable(url) from error
        on_start(worker.address)
        await worker.finished()

    asyncio.run(run())


def _call(name: str, task: Task) -> object:
    """Runs a function of the worker."""
    return _functions[name](task)


def check_dask(url: str) -> None:
    """Raises SettingInvalid where Dask is not installed."""
    if importlib.util.find_spec("distributed") is None:
        raise SettingInvalid(f"{url} needs a library: pip install 'footnote[dask]'")


def _load_dask() -> Any:
    import dask

    dask.config.set(_QUIET)
    import distributed

    for name in ("distributed", "distributed.client", "distributed.gc", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what fails is reported once, by us
    return distributed
