"""A watched folder: each change is synced once it is complete, and nothing else is."""

import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import httpx
import pytest

from index import corpus
from index.embed.factory import EmbedSpec
from index.sync.process import Event, SyncRequest
from index.sync.run import sync
from index.sync.watch import CorpusWatcher
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    source_paths,
    sync_request,
    write_files,
)
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import COMMAND, RunningService, clean_environment, wait_until

NEVER = 3600.0


class Enough(BaseException):
    """Ends a watch from within."""


@pytest.fixture
def request_(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A sync of the three articles, not yet run."""
    return sync_request(write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", hosted)


def watched(
    request: SyncRequest, *steps: Callable[[], object], rescan_s: float = NEVER
) -> list[Event]:
    """Watches; after the first sync and each one that follows the next step is taken."""
    waiting, outcomes = list(steps), []

    def hear(event: Event) -> None:
        if event["event"] in ("done", "failed"):
            outcomes.append(event)
        if event["event"] == "watch":
            if not waiting:
                raise Enough
            waiting.pop(0)()

    with suppress(Enough):
        CorpusWatcher(
            request, hear, sync=sync, rescan_s=rescan_s
        ).run()  # here: a child imports for seconds
    return outcomes


def counts(outcome: Event, *names: str) -> list[int]:
    report = outcome["report"]
    assert isinstance(report, dict)
    return [report[name] for name in names]


def save_as_editors_do(folder: Path) -> None:
    """A swap file, a probe, a backup and a rename over the old file."""
    (folder / ".lighthouse.txt.swp").write_text("swap")
    (folder / "4913").write_text("")
    (folder / "4913").unlink()
    (folder / ".lighthouse.tmp").write_text("The lamp of the lighthouse is green now.")
    (folder / "lighthouse.txt").rename(folder / "lighthouse.txt~")
    (folder / ".lighthouse.tmp").rename(folder / "lighthouse.txt")
    (folder / "lighthouse.txt~").unlink()


def test_a_burst_of_changes_is_one_sync_and_temporary_files_are_none(request_: SyncRequest) -> None:
    more = {f"more/{n}.txt": f"Entry {n} of the log." for n in range(20)}
    outcomes = watched(
        request_,
        lambda: write_files(request_.corpus, more),
        lambda: save_as_editors_do(request_.corpus),
    )
    assert [counts(o, "added", "changed", "removed") for o in outcomes] == [
        [3, 0, 0],
        [20, 0, 0],
        [0, 1, 0],
    ]
    with open_generation(request_) as generation:
        assert generation.find_lexical(["green"], limit=3)


def test_a_file_is_not_synced_while_it_is_being_written(request_: SyncRequest) -> None:
    left = 0

    def writes_at_each_look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if left and event == "os.scandir" and str(arguments[0]) == str(request_.corpus):
            left -= 1
            with (request_.corpus / "long.txt").open("a") as file:
                file.write(f"Line {4 - left} of a long story.\n")

    def begin() -> None:
        nonlocal left
        left = 4

    sys.addaudithook(writes_at_each_look)
    outcomes = watched(request_, begin)
    assert [counts(o, "added", "changed") for o in outcomes] == [[3, 0], [1, 0]]
    with open_generation(request_) as generation:
        assert generation.text(corpus.source_id("default", "long.txt")).count("story") == 4


def test_changes_without_a_notification_are_found_by_a_scan(request_: SyncRequest) -> None:
    path = request_.corpus / "lighthouse.txt"
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:

        def write_through_memory() -> None:
            view[0:3] = b"Our"
            view.flush()
            os.utime(file.fileno())

        outcomes = watched(request_, write_through_memory, rescan_s=1)
    assert counts(outcomes[-1], "changed") == [1]


def test_notifications_come_from_every_folder_of_the_corpus_and_no_other(
    request_: SyncRequest, tmp_path: Path
) -> None:
    outside = write_files(tmp_path / "outside", {"a.txt": "Not ours."})
    (request_.corpus / "link").symlink_to(outside)
    (request_.corpus / "loop").symlink_to(request_.corpus)
    write_files(
        request_.corpus, {".git/x": "hidden", "drafts/x.txt": "x", ".footnoteignore": "drafts/"}
    )
    folders = {
        path.relative_to(request_.corpus).as_posix()
        for path in corpus.list_folders(request_.corpus)
    }
    assert folders == {".", "harbour"}
    ticks = CorpusWatcher(request_, lambda event: None)._notifications()
    assert next(ticks) is False
    write_files(request_.corpus, {"harbour/new.txt": "New."})
    assert any(islice(ticks, 30))
    ticks.close()  # type: ignore[attr-defined]  # a generator


def test_a_folder_that_disappears_for_a_while_loses_nothing(
    request_: SyncRequest, tmp_path: Path
) -> None:
    away = tmp_path / "away"

    def back() -> None:
        assert source_paths(request_) == sorted(ARTICLES)
        away.rename(request_.corpus)
        write_files(request_.corpus, {"new.txt": "A whale was seen off the cape."})

    outcomes = watched(request_, lambda: request_.corpus.rename(away), back, rescan_s=1)
    assert [outcome["event"] for outcome in outcomes] == ["done", "failed", "done"]
    assert counts(outcomes[-1], "added", "unchanged") == [1, 3]


def test_a_failed_sync_is_retried_without_a_change(
    request_: SyncRequest, embeddings: FakeModel
) -> None:
    embeddings.script = Reply(fault="http_401")

    def repair() -> None:
        embeddings.script = Reply()

    outcomes = watched(request_, repair, rescan_s=1)
    assert [outcome["event"] for outcome in outcomes] == ["failed", "done"]


# --- in the terminal and the service


@pytest.fixture
def env(fake_embeddings: FakeModel) -> dict[str, str]:
    """Lets the terminal embed at the quick endpoint."""
    return {
        "FOOTNOTE_EMBED__MODEL": "fake",
        "FOOTNOTE_EMBED__BASE_URL": fake_embeddings.base_url,
    }


def test_sync_watch_reports_each_change_until_it_is_interrupted(
    tmp_path: Path, env: dict[str, str]
) -> None:
    folder = write_files(tmp_path / "articles", ARTICLES)
    with subprocess.Popen(
        [*COMMAND, "sync", "articles", "--watch"],
        cwd=tmp_path,
        env=clean_environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as sync:
        assert sync.stdout is not None
        first = sync.stdout.readline()
        write_files(folder, {"new.txt": "A whale was seen off the cape."})
        second = sync.stdout.readline()
        sync.send_signal(signal.SIGINT)
        log = sync.communicate()[1]  # ends once no process holds the stream any more
    assert "3 added" in first
    assert "1 added" in second
    assert "3 unchanged" in second
    assert f"watching {folder} for changes" in log
    assert "Traceback" not in log
    assert sync.returncode == 130


def test_the_first_sync_of_a_watch_has_to_succeed(tmp_path: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, "sync", "nowhere", "--watch"],
        cwd=tmp_path,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3


def test_serve_watch_answers_from_what_changed_and_outlives_its_watcher(
    tmp_path: Path, env: dict[str, str]
) -> None:
    folder = write_files(tmp_path / "articles", ARTICLES)

    def sources(service: RunningService) -> set[str]:
        items = httpx.get(f"{service.url}/v1/sources", timeout=30).json()["sources"]
        return {item["source"] for item in items}

    with RunningService("articles", "--watch", cwd=tmp_path, env=env) as service:
        write_files(folder, {"new.txt": "A whale was seen off the cape."})
        wait_until(lambda: "new.txt" in sources(service))
        [watcher] = children(service.process.pid)
        os.kill(watcher, signal.SIGKILL)
        (folder / "museum.html").unlink()
        wait_until(lambda: "museum.html" not in sources(service))
        [another] = children(service.process.pid)
        folder.rename(tmp_path / "away")
        wait_until(
            lambda: (
                "no folder" in str(httpx.get(f"{service.url}/readyz", timeout=30).json()["trouble"])
            )
        )
        assert "new.txt" in sources(service)
        log = service.stop()
        assert service.process.returncode == 0
    wait_until(lambda: not Path(f"/proc/{another}").exists())
    assert another != watcher
    assert "Traceback" not in log


def children(pid: int) -> list[int]:
    """The processes that this one watches with."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [int(row[0]) for row in rows if row[1] == str(pid) and "index.sync.watch" in row[2]]
