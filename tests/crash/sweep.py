"""Injects faults into a sync at many points: SIGKILL, a full disk, or an I/O error.

    python -m tests.crash.sweep --points 40 [--strace] [--engine lance]

Each trial copies a published collection, runs the sync of a changed corpus in a forked child, and
ends it at one point. Then a server must answer from a whole generation, the old or the new, and
the next sync must finish the work. Points are what Python's audit hook sees (files opened, renamed,
removed, made) or, with `--strace`, the system calls of the libraries' own threads. Prints a JSON
line: points by kind, and every failure.
"""

import argparse
import ctypes
import errno
import json
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from index.embed.factory import EmbedSpec
from index.engine import verify
from index.errors import IndexingError
from index.formats import FORMATS
from index.serving import Serving
from index.store.manifest import read_published
from index.sync.process import SyncRequest
from index.sync.run import sync
from index.types import Engine
from tests.support.corpus_builder import ARTICLES, sync_request, write_files
from tests.support.every_format import every_format
from tests.support.fakes import FakeModel

EVENTS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link"} | {
    "os.listdir",
    "os.scandir",
}
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "openat", "rename", "unlink", "ftruncate")
FAULTS = {"KILL": None, "ENOSPC": errno.ENOSPC, "EIO": errno.EIO}
SET_TRACER = 0x59616D61
HANGS_S = 90
"""A fault may hit what no disk has to do with, such as the event a thread is woken by."""
LOG = "\n".join(
    f"On day {day} the keeper of the lamp counted {day * day} gulls on the reef, and wrote in his "
    f"log that the wind had come from the west for {day + 3} hours without a rest."
    for day in range(120)
)
"""Passages enough for the next generation to share most files with the first."""
AFTER = {"harbour/bridge.md": None, "new.txt": "A whale was seen off the cape in June, and again."}


class Sweep:
    """One base collection and the trials on copies of it."""

    def __init__(self, folder: Path, model: FakeModel, engine: Engine) -> None:
        self.folder, self.model, self.engine = folder, model, engine
        self.corpus = write_files(folder / "corpus", {**ARTICLES, **every_format(), "log.txt": LOG})
        assert forked(lambda: sync(self.request(folder / "base"), ignore))[0] == 0
        self.before = self.state(folder / "base")
        for name, content in AFTER.items():
            (self.corpus / name).unlink(missing_ok=True)
            write_files(self.corpus, {} if content is None else {name: content})
        self.after = {path.relative_to(self.corpus).as_posix() for path in files(self.corpus)}
        self.failures: list[str] = []

    def request(self, data: Path) -> SyncRequest:
        """The sync of the corpus into a data folder."""
        spec = EmbedSpec("openai", "fake", self.model.base_url, None, data / "models")
        return sync_request(self.corpus, data, spec, formats=tuple(FORMATS), engine=self.engine)

    def state(self, data: Path) -> set[str]:
        """What a server answers from; raises where that is not whole."""
        code, result = forked(lambda: served(self.request(data)))
        if code or isinstance(result, str):
            raise AssertionError(f"the server ended with {code}: {result}")
        return set(result)

    def trial(self, name: str, run: Callable[[SyncRequest], tuple[int, Any]]) -> bool:
        """Runs one sync that is ended; returns whether it was ended at all."""
        data = self.folder / "trial"
        shutil.copytree(self.folder / "base", data)
        try:
            code, result = run(self.request(data))
            ended = code != 0 or isinstance(result, str)
            state = self.state(data)
            # a new article that could not be read is no loss; the next sync has to bring it
            if state != self.before and not self.before & self.after <= state <= self.after:
                raise AssertionError(f"the server mixes generations or lost articles: {state}")
            code, result = forked(lambda: sync(self.request(data), ignore))
            if code or isinstance(result, str):
                raise AssertionError(f"the next sync ended with {code}: {result}")
            if self.state(data) != self.after:
                raise AssertionError("the next sync lost articles")
            self.tidy(data)
        except AssertionError as error:
            self.failures.append(f"{name}: {error}")
            ended = True
        finally:
            shutil.rmtree(data)
        return ended

    def tidy(self, data: Path) -> None:
        """Asserts that nothing is left but what CURRENT names."""
        folder = self.request(data).folder
        named = {entry.generation for entry in read_published(folder)}
        folders = {path.name for path in (folder / "generations").iterdir()}
        assert folders == named, f"left over: {sorted(folders - named)}"


def ignore(event: dict[str, object]) -> None:
    """Hears nothing."""


def files(folder: Path) -> Iterator[Path]:
    """The files below a folder."""
    return (path for path in folder.rglob("*") if path.is_file())


def served(request: SyncRequest) -> list[str]:
    """The paths that a server answers from, after asking it both ways."""
    with closing(Serving(request.folder, "default")) as serving:
        serving.refresh()
        assert serving.error_message is None, serving.error_message
        with serving.lease() as generation:
            verify(generation)
            rows = generation.find_lexical(["museum"], limit=3)
            assert generation.find_dense(generation.vector(rows[0]), limit=1) == rows[:1]
            return [source.path for source in generation.sources(after=None, limit=-1)]


def forked(
    work: Callable[[], object], *, held: bool = False, attach: Any = None
) -> tuple[int, Any]:
    """Runs work in a fork; its exit code or −signal, and its result, or the error as a string."""
    read, write_end = os.pipe()
    gate = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(gate[1])
        if attach:
            ctypes.CDLL(None).prctl(SET_TRACER, -1)  # else only an ancestor may, but for root
        os.read(gate[0], 1)
        try:
            result: object = work()
        except (IndexingError, OSError) as error:
            result = f"{type(error).__name__}: {error}"
        except BaseException:
            result = traceback.format_exc(limit=-3)
        with suppress(OSError):
            os.write(write_end, pickle.dumps(result))
        os._exit(0)
    os.close(write_end)
    os.close(gate[0])
    tracer = attach(pid) if attach else None
    os.write(gate[1], b"x")
    os.close(gate[1])
    with os.fdopen(read, "rb") as pipe:
        if not select.select([pipe], [], [], HANGS_S)[0]:
            os.kill(pid, signal.SIGKILL)  # a library's thread died of the fault, others wait for it
        data = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if tracer is not None:
        tracer.wait()
    return code, pickle.loads(data) if data else None


def hooked(request: SyncRequest, fault: str, point: int) -> int:
    """Syncs in this process; at the given event, dies or fails. Returns how many there were."""
    seen, below = 0, (str(request.folder.parent.parent),)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in EVENTS or not str(arguments[0]).startswith(below):
            return
        seen += 1
        if seen == point and fault == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        elif seen == point:
            code = FAULTS[fault]
            assert code
            raise OSError(code, os.strerror(code), str(arguments[0]))

    sys.addaudithook(hook)
    sync(request, ignore)
    return seen


def by_hook(sweep: Sweep, points: int) -> dict[str, int]:
    """Ends syncs at points spread over all events, with each fault."""
    data = shutil.copytree(sweep.folder / "base", sweep.folder / "count")
    _, total = forked(lambda: hooked(sweep.request(data), "KILL", 0))
    grown = sweep.request(data).folder / "generations" / "000002" / "added"
    assert grown.is_dir() == (sweep.engine == "chroma")
    done = dict.fromkeys(FAULTS, 0)
    for fault in FAULTS:
        for point in spread(int(total), points):
            done[fault] += sweep.trial(
                f"{fault} at event {point} of {total}",
                lambda request, f=fault, p=point: forked(lambda: hooked(request, f, p)),  # type: ignore[misc]  # defaults bind the loop's values
            )
    return done


def by_strace(sweep: Sweep, points: int, calls: Sequence[str]) -> dict[str, int]:
    """Ends syncs at system calls of any thread, with each fault."""
    done: dict[str, int] = {}
    for call in calls:
        for fault in FAULTS:
            key, point = f"{call} {fault}", 1
            done[key] = 0
            for _ in range(points):
                inject = f"signal={fault}" if fault == "KILL" else f"error={fault}"

                def attach(pid: int, c: str = call, how: str = inject, n: int = point) -> Any:
                    return traced(pid, c, f"{how}:when={n}")

                ended = sweep.trial(
                    f"{key} at call {point}",
                    lambda request, a=attach: forked(lambda: sync(request, ignore), attach=a),  # type: ignore[misc]  # defaults bind the loop's values
                )
                if not ended and fault == "KILL":
                    break  # no thread makes so many of these calls
                done[key] += 1
                point += max(1, point // 3)
    return done


def traced(pid: int, call: str, inject: str) -> "subprocess.Popen[bytes]":
    """A strace on the process, once it is attached."""
    command = ["strace", "-f", "-qq", "-p", str(pid), "-o", os.devnull]
    command += ["-e", f"trace={call}", "-e", f"inject={call}:{inject}"]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        assert tracer.poll() is None, "strace could not attach"
        time.sleep(0.002)
    return tracer


def spread(total: int, points: int) -> list[int]:
    """Up to so many different points from 1 to the total."""
    return sorted({1 + (total - 1) * n // max(points - 1, 1) for n in range(points)})


def main() -> int:
    """Runs the sweep; 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--strace", nargs="*", choices=CALLS, help="at these calls; none: at all")
    parser.add_argument("--engine", choices=("chroma", "lance"), default="chroma")
    options = parser.parse_args()
    import chromadb  # noqa: F401  # imported once, before the forks
    import llama_index.core.node_parser  # noqa: F401
    import openai  # noqa: F401

    with tempfile.TemporaryDirectory() as folder, FakeModel() as model:
        sweep = Sweep(Path(folder), model, options.engine)
        if options.strace is None:
            done = by_hook(sweep, options.points)
        else:
            done = by_strace(sweep, options.points, options.strace or CALLS)
    sys.stdout.write(json.dumps({"points": done, "failures": sweep.failures}) + "\n")
    return 1 if sweep.failures else 0


if __name__ == "__main__":
    sys.exit(main())
