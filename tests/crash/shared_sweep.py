"""Kills or cuts a publisher and a pulling replica at requests to the store.

    python -m tests.crash.shared_sweep --points 8

A proxy stands before a real S3 server. At its n-th request, before it is forwarded or when its
reply comes, the process that sent it is killed, or its connections are cut. Then CURRENT in the
store must name a whole generation, the old or the new, a replica must serve it, and the next sync
must complete. Prints a JSON line: points by kind, and every failure.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from index.embed.factory import EmbedSpec
from index.object_store import ObjectStore
from index.shared import lease
from index.shared.collection import SharedCollection
from index.shared.pull import pull_current
from index.sync.process import SyncRequest, writer_lock
from index.sync.run import sync
from tests.crash.sweep import forked, ignore, served
from tests.support.corpus_builder import ARTICLES, sync_request, write_files
from tests.support.cutting_proxy import CuttingProxy, is_http
from tests.support.fakes import FakeModel
from tests.support.seaweed import Seaweed, aws_environment

NEW = {"new.txt": "A whale was seen off the cape in June, and again."}
KINDS = ("kill at request", "kill at reply", "cut at request", "cut at reply")

# This process must never use the store itself: its library has threads, which a fork loses.


class SharedSweep:
    """A store with one generation, and the trials to publish or to pull a second one."""

    def __init__(
        self, folder: Path, model: FakeModel, server: Seaweed, proxy: CuttingProxy
    ) -> None:
        self.folder, self.server, self.proxy = folder, server, proxy
        self.corpora = [
            write_files(folder / "one" / "corpus", ARTICLES),
            write_files(folder / "two" / "corpus", {**ARTICLES, **NEW}),
        ]
        self.spec = EmbedSpec("openai", "fake", model.base_url, None, folder / "models")
        self.trials = 0
        self.failures: list[str] = []

    def request(self, number: int, data: Path, url: str) -> SyncRequest:
        """The sync of the corpus in its first or second state, which is at one path."""
        corpus = data / "corpus"
        shutil.rmtree(corpus, ignore_errors=True)
        shutil.copytree(self.corpora[number], corpus)
        return replace(sync_request(corpus, data, self.spec), shared=url)

    def run(self, work: Callable[[], object], endpoint: str, arm: Callable[[int], None]) -> Any:
        """Runs work in a fork that reaches the store at the endpoint; returns its end."""

        def child() -> object:
            os.environ.update(aws_environment(endpoint))
            arm(0)
            return work()

        return forked(child)

    def direct(self, work: Callable[[], object]) -> Any:
        """Runs work that must succeed, without the proxy."""
        code, result = self.run(work, self.server.url, lambda _: None)
        if code or isinstance(result, str):
            raise AssertionError(f"ended with {code}: {result}")
        return result

    def trial(self, kind: str, point: int, *, pulls: bool) -> int:
        """Ends one publication or pull at a point; returns how many requests it sent."""
        self.trials += 1
        home = self.folder / f"trial-{self.trials}"
        url = f"s3://tests/sweep-{os.getpid()}-{self.trials}"
        machine, replica = home / "machine", home / "replica"
        paths = set(ARTICLES)
        try:
            first = self.request(0, machine, url)
            self.direct(lambda: sync(first, ignore))
            second = self.request(1, machine, url)
            if pulls:
                self.direct(lambda: pull_into(replica, url))
                self.direct(lambda: sync(second, ignore))
                ended = self.ended(kind, point, lambda: pull_into(replica, url))
                state = served_at(self, replica)
            else:
                ended = self.ended(kind, point, lambda: sync(second, ignore))
                state = served_at(self, machine)
            for what, found in (("locally", state), ("by a new replica", self.fresh(home, url))):
                if found not in (paths, paths | NEW.keys()):
                    raise AssertionError(f"served {what}: {sorted(found)}")
            self.direct(lambda: impatient(lambda: sync(second, ignore)))
            self.direct(lambda: pull_into(replica, url))
            for data in (machine, replica):
                if served_at(self, data) != paths | NEW.keys():
                    raise AssertionError(f"the next sync is not served by {data.name}")
            tidy(machine, replica)
        except AssertionError as error:
            self.failures.append(f"{'pull' if pulls else 'push'}, {kind} {point}: {error}")
            ended = point
        finally:
            shutil.rmtree(home, ignore_errors=True)
        return ended

    def fresh(self, home: Path, url: str) -> set[str]:
        """What a replica serves that pulls now for the first time."""
        self.direct(lambda: pull_into(home / "fresh", url))
        return served_at(self, home / "fresh")

    def ended(self, kind: str, point: int, work: Callable[[], object]) -> int:
        """Runs work through the proxy, which ends it at a point."""
        pid_file = self.folder / "pid"
        proxy, (action, place) = self.proxy, kind.split(" at ")
        proxy.restore()
        proxy.restart_count()

        def act(number: int) -> None:
            if number != point:
                return
            if action == "kill":
                os.kill(int(pid_file.read_text()), signal.SIGKILL)
            proxy.cut()

        proxy.on_request, proxy.on_reply = (act, ignored) if place == "request" else (ignored, act)
        self.run(work, proxy.url, lambda _: void(pid_file.write_text(str(os.getpid()))))
        return proxy.requests


def between(total: int, points: int) -> list[int]:
    """Up to so many different points from 1 to the total, each in the middle of its share."""
    return sorted({1 + total * (2 * n + 1) // (2 * points) for n in range(points)} - {total + 1})


def ignored(number: int) -> None:
    """Does nothing."""


def void(value: object) -> None:
    """Returns nothing."""


def impatient(work: Callable[[], object]) -> object:
    """Runs work as if the lease of the process that was killed had ended."""
    lease.LEASE_S = -10
    lease.Lease.check = lambda self: None  # type: ignore[method-assign]  # its own has ended, too
    return work()


def pull_into(data: Path, url: str) -> None:
    """Pulls what is published, as a replica does."""
    folder = data / "collections" / "default"
    folder.mkdir(parents=True, exist_ok=True)
    with writer_lock(folder, "default"):
        pull_current(SharedCollection(ObjectStore(url), "default"), folder, lambda *_: None)


def served_at(sweep: SharedSweep, data: Path) -> set[str]:
    """What a server answers from; fails where it is not whole."""
    code, result = forked(lambda: served(sync_request(data / "corpus", data, sweep.spec)))
    if code or isinstance(result, str):
        raise AssertionError(f"a server at {data.name} ended with {code}: {result}")
    return set(result)


def tidy(*homes: Path) -> None:
    """Fails where more is left than the generations that may be served."""
    for home in homes:
        left = [path.name for path in (home / "collections/default/generations").iterdir()]
        if len(left) > 2 or not all(name.isdigit() for name in left):
            raise AssertionError(f"left over at {home.name}: {sorted(left)}")


def main() -> int:
    """Runs the sweep; 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=4, help="of each kind; 0: every request")
    points = parser.parse_args().points
    import chromadb  # noqa: F401  # imported once, before the forks
    import llama_index.core.node_parser  # noqa: F401
    import openai  # noqa: F401

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(FakeModel())
        server = stack.enter_context(Seaweed(folder / "seaweed", probe=forked_probe))
        port = int(server.url.rpartition(":")[2])
        proxy = CuttingProxy(("127.0.0.1", port), is_request=is_http)
        sweep = SharedSweep(folder, model, server, stack.enter_context(proxy))
        done: dict[str, int] = {}
        for pulls in (False, True):
            total = sweep.trial("kill at request", -1, pulls=pulls)
            for kind in KINDS:
                chosen = between(total, points or total)
                for point in chosen:
                    sweep.trial(kind, point, pulls=pulls)
                    sys.stderr.write(f"{sweep.trials} trials, {len(sweep.failures)} failed\n")
                done[f"{'pull' if pulls else 'push'}, {kind} of {total}"] = len(chosen)
    sys.stdout.write(json.dumps({"points": done, "failures": sweep.failures}) + "\n")
    return 1 if sweep.failures else 0


def forked_probe(put: Callable[[], object]) -> bool:
    """Returns whether an object can be written, tried in a fork."""
    return forked(lambda: put() is not None) == (0, True)


if __name__ == "__main__":
    sys.exit(main())
