"""Several processes on one PostgreSQL: jobs, keys, links, outages, and starts at the same time."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from api.errors import LinkInvalid
from api.service.heartbeat import Heartbeat
from api.settings import load_settings
from api.state.jobs import JobStore
from api.wire.signed_links import LinkSigner
from tests.support.extras import needs
from tests.support.processes import (
    LocalClient,
    RunningService,
    clean_environment,
    free_port,
    link_index,
    link_model,
    run_footnote,
    wait_until,
    write_lake_articles,
)

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer

pytestmark = needs("psycopg")

SOAK = os.environ.get("SOAK")
N_JOBS = 500 if SOAK else 50
ORPHAN_S = 30.0 if SOAK else 2.0
QUESTION = {"question": "How long did the lake freeze in 1998?"}
SITE = "https://docs.example.org"

WORKER = """
import sys, time
from api.service.heartbeat import Heartbeat
from api.state.jobs import JobStore
from api.state.postgres import Postgres

url, orphan_s = sys.argv[1], float(sys.argv[2])
jobs = JobStore(Postgres(url), orphan_s=orphan_s)
while True:
    for collection in jobs.pending_collections():
        if ids := jobs.start(collection):
            print("start", time.monotonic(), *ids, flush=True)
            with Heartbeat(jobs, ids, lambda: None, interval_s=orphan_s / 4):
                time.sleep(0.1)
            print("end", time.monotonic(), *ids, flush=True)
            jobs.finish(ids, report={"generation": "000001"})
    time.sleep(0.02)
"""


class Worker:
    """A process that claims jobs and finishes them; `runs` has when it ran each job."""

    def __init__(self, url: str) -> None:
        self._first = ""
        command = [sys.executable, "-c", WORKER, url, str(ORPHAN_S)]
        self.process = subprocess.Popen(
            command, env=clean_environment(), stdout=subprocess.PIPE, text=True
        )

    def kill_while_it_runs_jobs(self) -> float:
        """Kills it after it has claimed some; returns when."""
        assert self.process.stdout is not None
        self._first = self.process.stdout.readline()
        assert self._first.startswith("start")
        self.process.kill()
        self.process.wait()
        return time.monotonic()

    def runs(self, ended_at: float) -> dict[str, list[tuple[float, float]]]:
        assert self.process.stdout is not None
        spans: dict[str, list[tuple[float, float]]] = {}
        with self.process.stdout as rest:
            lines = [self._first, *rest.read().splitlines()]
        for line in filter(None, lines):
            event, at, *ids = line.split()
            for job_id in ids:
                if event == "start":
                    spans.setdefault(job_id, []).append((float(at), ended_at))
                else:
                    spans[job_id][-1] = (spans[job_id][-1][0], float(at))
        return spans


def test_two_processes_run_every_job_and_none_at_the_same_time(postgres: "PostgresServer") -> None:
    from api.state.postgres import Postgres

    url = postgres.url(postgres.new_database())
    jobs = JobStore(Postgres(url))
    ids = [jobs.create("sync", f"c{n % 10}").id for n in range(10)]
    dying, living = Worker(url), Worker(url)
    try:
        killed_at = dying.kill_while_it_runs_jobs()
        ids += [jobs.create("sync", f"c{n % 10}").id for n in range(10, N_JOBS)]
        wait_until(lambda: all(jobs.get(i).status == "done" for i in ids), timeout_s=90)
    finally:
        living.process.kill()
        living.process.wait()
    lost = dying.runs(killed_at)
    runs = living.runs(time.monotonic())
    assert lost
    assert runs.keys() | lost.keys() == set(ids)
    assert all(len(spans) == 1 for spans in runs.values()), "one claim each"
    assert runs.keys() & lost.keys(), "what the killed process had is done by the other"
    for job_id in runs.keys() & lost.keys():
        assert lost[job_id][-1][1] < runs[job_id][0][0], "only after the other was killed"


def test_a_job_of_a_silent_process_is_taken_over_and_its_late_end_changes_nothing(
    postgres: "PostgresServer",
) -> None:
    from api.state.postgres import Postgres

    database = Postgres(postgres.url(postgres.new_database()))
    silent, other = JobStore(database, orphan_s=0.5), JobStore(database, orphan_s=0.5)
    job = silent.create("sync", "c")
    assert silent.start("c") == [job.id]
    assert other.start("c") == []
    assert other.pending_collections() == []
    lost = threading.Event()
    with Heartbeat(silent, [job.id], lost.set, interval_s=0.1):
        time.sleep(1)
        assert other.start("c") == []
        assert not lost.is_set()
    wait_until(lambda: other.pending_collections() == ["c"])
    assert other.start("c") == [job.id]
    with Heartbeat(silent, [job.id], lost.set, interval_s=0.1) as heartbeat:
        assert lost.wait(30)
    assert heartbeat.is_lost
    silent.finish([job.id], report={"generation": "000001"})
    silent.requeue([job.id])
    assert other.get(job.id).status == "running"
    other.finish([job.id], report={"generation": "000002"})
    assert (other.get(job.id).report or {})["generation"] == "000002"


def test_a_process_that_cannot_reach_the_database_gives_up_its_jobs() -> None:
    """Also where nothing says that another machine has them."""
    from api.state.postgres import Postgres

    jobs = JobStore(Postgres(f"postgresql://me:secret-word@127.0.0.1:{free_port()}/db"))
    lost = threading.Event()
    with Heartbeat(jobs, ["job_1"], lost.set, interval_s=0.1, max_silence_s=0.5):
        assert lost.wait(30)


class Site:
    """Services with one state, each with a data folder of its own over the same index."""

    def __init__(self, lakes: Path, folder: Path, url: str) -> None:
        self.env = {"FOOTNOTE_STATE": url, "FOOTNOTE_WIDGET_ORIGINS": SITE}
        self._lakes, self.folder = lakes, folder
        self._count = 0

    def data(self) -> Path:
        self._count += 1
        return link_index(self._lakes / ".data", self.folder / f"data{self._count}")

    def service(self, **env: str) -> RunningService:
        flags = ("--no-sync", "--data-dir", self.data())
        return RunningService(*flags, cwd=self.folder, env=self.env | env)

    def run(self, *arguments: object) -> str:
        done = run_footnote(*arguments, cwd=self.folder, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_key(self, *scopes: str) -> dict[str, str]:
        options = [word for scope in scopes or ("read",) for word in ("--scope", scope)]
        key: dict[str, str] = json.loads(self.run("keys", "create", "--json", *options))
        return key


@pytest.fixture
def site(lakes: Path, tmp_path: Path, postgres: "PostgresServer") -> Iterator[Site]:
    if postgres.process.poll() is not None:
        postgres.start()
    yield Site(lakes, tmp_path, postgres.url(postgres.new_database()))
    postgres.resume()


def ask(service: RunningService, token: str = "", **headers: str) -> httpx.Response:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.post(f"{service.url}/v1/answers", json=QUESTION, headers=headers, timeout=60)


def is_closed(service: RunningService) -> bool:
    return ask(service).status_code == 401


def reads_state(service: RunningService) -> bool:
    return bool(httpx.get(f"{service.url}/readyz", timeout=60).json()["state"] == "readable")


def test_services_that_start_together_share_keys_and_links(site: Site) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        services = list(pool.map(stack.enter_context, [site.service() for _ in range(4)]))
        replies = list(pool.map(ask, services))
        assert {reply.status_code for reply in replies} == {200}
        key = site.create_key()
        for service in services:
            wait_until(partial(is_closed, service), timeout_s=10)
            assert ask(service, key["key"]).status_code == 200
        link = urlsplit(replies[0].json()["citations"][0]["url"])
        for service in services:
            page = httpx.get(f"{service.url}{link.path}?{link.query}")
            assert page.status_code == 200, "one secret signs the links of all"
        site.run("keys", "revoke", key["id"])
        time.sleep(5)
        assert {ask(service, key["key"]).status_code for service in services} == {401}
        logs = [service.stop() for service in services]
    assert not [log for log in logs if "cannot be used" in log or "Traceback" in log]


@pytest.mark.parametrize("outage", ["stopped", "hanging"] if SOAK else ["stopped"])
def test_an_outage_closes_what_needs_keys_and_nothing_else(
    outage: str, site: Site, lakes: Path, tmp_path: Path, postgres: "PostgresServer"
) -> None:
    (tmp_path / "open").mkdir()
    open_site = Site(lakes, tmp_path / "open", postgres.url(postgres.new_database()))
    key = site.create_key("read", "admin")["key"]
    with site.service() as closed, open_site.service(FOOTNOTE_KEEP_ANSWERS="true") as opened:
        link = urlsplit(ask(closed, key).json()["citations"][0]["url"])
        token = httpx.post(
            f"{closed.url}/v1/widget/token", json={}, headers={"Origin": SITE}
        ).json()["token"]
        assert ask(opened).status_code == 200
        begin = postgres.stop if outage == "stopped" else postgres.hang
        begin()
        statuses = [ask(closed, key).status_code]
        assert statuses == [200], "keys that were read a moment ago are valid"
        wait_until(lambda: ask(closed, key).status_code == 503, timeout_s=30)
        refused = ask(closed, key)
        assert (refused.status_code, refused.json()["code"]) == (503, "state_unreadable")
        assert ask(opened).status_code == 200
        assert ask(closed, token, Origin=SITE).status_code == 200, "no key decides on it"
        assert httpx.get(f"{closed.url}{link.path}?{link.query}", timeout=60).status_code == 200
        ready = httpx.get(f"{closed.url}/readyz", timeout=60)
        assert (ready.status_code, ready.json()["state"]) == (200, "unreadable")
        answer = ask(opened)
        feedback = httpx.post(
            f"{opened.url}/v1/answers/{answer.json()['id']}/feedback",
            json={"rating": "up"},
            timeout=60,
        )
        assert (answer.status_code, feedback.status_code) == (200, 503)
        postgres.start() if outage == "stopped" else postgres.resume()
        wait_until(lambda: ask(closed, key).status_code == 200, timeout_s=30)
        for service in (closed, opened):
            wait_until(partial(reads_state, service), timeout_s=30)
        logs = closed.stop(), opened.stop()
    for log in logs:
        assert log.count('"event": "the state database cannot be used') == 1
        assert log.count("is reachable again") == 1
        assert "a-Password_1" not in log


def test_commands_use_the_shared_state(site: Site, lakes: Path) -> None:
    with site.service(FOOTNOTE_KEEP_ANSWERS="true") as service:
        answer = ask(service).json()
        body = {"rating": "up"}
        given = httpx.post(f"{service.url}/v1/answers/{answer['id']}/feedback", json=body)
        assert given.status_code == 204
    data = site.data()
    assert json.loads(site.run("keys", "list", "--json")) == {"keys": []}
    case = json.loads(site.run("feedback", "export", "--data-dir", data))
    assert case["question"] == QUESTION["question"]
    replayed = json.loads(site.run("replay", answer["id"], "--data-dir", data, "--json"))
    assert replayed["then"]["answer"] == answer["answer"]
    checks = run_footnote(
        "doctor", lakes / "articles", "--data-dir", data, "--json", cwd=site.folder, env=site.env
    )
    [state] = [one for one in json.loads(checks.stdout)["checks"] if one["check"] == "state"]
    assert state["ok"]
    assert "PostgreSQL" in state["detail"]
    site.env["FOOTNOTE_STATE"] = f"postgresql://me:secret-word@127.0.0.1:{free_port()}/db"
    listed = run_footnote("keys", "list", cwd=site.folder, env=site.env)
    assert listed.returncode == 4
    assert "Connection refused" in listed.stderr
    assert "secret-word" not in listed.stderr


def serve(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return run_footnote("serve", "--no-sync", "--port", 0, cwd=folder, env=env)


def test_several_machines_need_a_shared_state(tmp_path: Path) -> None:
    bucket = {"FOOTNOTE_SHARED": f"file://{tmp_path}/bucket"}
    refused: list[dict[str, str]] = [
        bucket | {"FOOTNOTE_ALLOW_WRITES": "true"},
        bucket | {"FOOTNOTE_ROLE": "replica", "FOOTNOTE_HOST": "0.0.0.0"},
    ]
    for env in refused:
        done = serve(tmp_path, **env)
        assert done.returncode == 3
        assert "set FOOTNOTE_STATE=postgresql://" in done.stderr
    run_footnote("keys", "create", cwd=tmp_path)
    done = serve(tmp_path, **bucket, FOOTNOTE_ROLE="replica")
    assert done.returncode == 3
    assert "replicas with API keys must share them" in done.stderr


def test_a_service_starts_while_the_state_is_unreachable_and_is_closed(
    site: Site, postgres: "PostgresServer"
) -> None:
    from api.state.postgres import Postgres

    key = site.create_key()["key"]
    postgres.stop()
    with site.service() as service:
        assert ask(service).status_code == 503
        assert ask(service, key).status_code == 503
        postgres.start()
        wait_until(lambda: ask(service, key).status_code == 200)
        assert ask(service).status_code == 401
        verifier = LinkSigner(Postgres(site.env["FOOTNOTE_STATE"]), base="")

        def is_signed_for_all() -> bool:
            url = urlsplit(ask(service, key).json()["citations"][0]["url"])
            try:
                return verifier.verify(url.path, url.query)
            except LinkInvalid:
                return False

        wait_until(is_signed_for_all, timeout_s=30)
        log = service.stop()
    assert "is reachable again" in log


def test_a_service_indexes_what_it_is_sent_and_does_the_jobs_of_one_that_was_killed(
    site: Site, tmp_path: Path, seeds_data: Path
) -> None:
    from api.state.postgres import Postgres

    database = Postgres(site.env["FOOTNOTE_STATE"])
    killed = JobStore(database)
    left = killed.create("sync", "default")
    assert killed.start("default") == [left.id]
    write_lake_articles(tmp_path / "articles")
    link_model(tmp_path, seeds_data)
    flags = {"corpus": tmp_path / "articles", "data_dir": tmp_path / ".data", "allow_writes": True}
    app = create_app(load_settings(flags | {"state": site.env["FOOTNOTE_STATE"]}))
    with LocalClient(app) as client:
        job = client.put("/v1/files/bay.txt", content=b"Orrin Bay was founded in 1312.\n").json()
        wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["status"] == "done")
        assert killed.get(left.id).status == "running", "its heartbeat is young"
        with database.connect("") as db:
            db.execute("UPDATE jobs SET beat_s = beat_s - 31")
        wait_until(lambda: killed.get(left.id).status == "done")
    assert not (tmp_path / ".data" / "state.sqlite3").exists()
