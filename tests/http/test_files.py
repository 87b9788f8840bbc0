"""Files and syncs over HTTP: what is put is answered from, and no path leads out of the corpus."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.security.keys import KeyStore
from api.settings import load_settings
from api.state.jobs import MAX_SKIPPED, JobStore
from api.state.sqlite import SqliteFile
from tests.support.processes import (
    ROOT,
    clean_environment,
    link_model,
    run_footnote,
    wait_until,
    write_lake_articles,
)

SOAK = os.environ.get("SOAK")
BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, seeds_data: Path) -> Path:
    """A folder with `articles/` and their index, both of which these tests change."""
    home = tmp_path_factory.mktemp("files")
    write_lake_articles(home / "articles")
    link_model(home, seeds_data)
    done = run_footnote("sync", "articles", cwd=home)
    assert done.returncode == 0, done.stderr
    return home


def app_of(home: Path, **more: object) -> Any:
    flags = {"corpus": home / "articles", "data_dir": home / ".data", "allow_writes": True, **more}
    return create_app(load_settings(flags))


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(app_of(home, max_file_bytes=1_000), base_url=BASE) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def finished(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job, once it has finished."""
    latest = [job]

    def is_finished() -> bool:
        latest[0] = client.get(f"/v1/jobs/{job['id']}").json()
        return latest[0]["status"] in ("done", "failed")

    wait_until(is_finished)
    return latest[0]


def indexed_paths(client: TestClient) -> list[str]:
    return [source["source"] for source in client.get("/v1/sources").json()["sources"]]


def test_a_file_that_is_put_is_answered_from_and_a_deleted_one_is_forgotten(
    client: TestClient, home: Path
) -> None:
    url = "/v1/files/towns/orrin%20bay.txt"
    text = b"Orrin Bay was founded in 1312 by three sisters.\n"
    job = client.put(url, content=text)
    assert (job.status_code, job.json()["kind"]) == (202, "put")
    assert finished(client, job.json())["report"]["added"] == 1
    wait_until(lambda: "towns/orrin bay.txt" in indexed_paths(client))
    answer = client.post("/v1/answers", json={"question": "Who founded Orrin Bay in 1312?"}).json()
    assert "three sisters" in answer["answer"]
    assert (home / "articles" / "towns" / "orrin bay.txt").read_bytes() == text

    gone = client.delete(url)
    assert finished(client, gone.json())["report"]["removed"] == 1
    wait_until(lambda: "towns/orrin bay.txt" not in indexed_paths(client))
    again = client.delete(url)
    assert (again.status_code, again.json()["code"]) == (404, "file_not_found")


def test_what_cannot_be_read_is_named_in_the_jobs_report(client: TestClient) -> None:
    job = client.put("/v1/files/broken.pdf", content=b"no pdf at all")
    report = finished(client, job.json())["report"]
    assert "broken.pdf" in [entry["path"] for entry in report["skipped"]]
    finished(client, client.delete("/v1/files/broken.pdf").json())


def test_a_repeated_key_does_nothing_more_and_one_for_another_request_is_refused(
    client: TestClient, home: Path
) -> None:
    key, file = {"Idempotency-Key": "one"}, home / "articles" / "once.txt"
    first = client.put("/v1/files/once.txt", content=b"The first text.\n", headers=key).json()
    client.put("/v1/files/once.txt", content=b"The second text.\n")
    again = client.put("/v1/files/once.txt", content=b"The first text.\n", headers=key).json()
    assert again["id"] == first["id"]
    assert file.read_text() == "The second text.\n"
    other = client.put("/v1/files/once.txt", content=b"Another text.\n", headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert file.read_text() == "The second text.\n"


def test_a_sync_is_a_job_and_an_unknown_job_is_404(client: TestClient, home: Path) -> None:
    (home / "articles" / "beside.txt").write_text("Put there by hand, not over HTTP.\n")
    job = client.post("/v1/sync", json={})
    assert job.status_code == 202
    assert finished(client, job.json())["status"] == "done"
    wait_until(lambda: "beside.txt" in indexed_paths(client))
    assert client.get("/v1/jobs/job_0").json()["code"] == "job_not_found"


def test_jobs_that_were_left_are_done_by_the_next_service(home: Path) -> None:
    jobs = JobStore(SqliteFile(home / ".data" / "state.sqlite3"))
    left = jobs.create("sync", "default")
    jobs.start("default")  # by a process that was killed then
    with TestClient(app_of(home), base_url=BASE) as client:
        wait_until(lambda: client.get(f"/v1/jobs/{left.id}").json()["status"] == "done")


def test_a_report_names_the_jobs_own_file_and_a_bounded_number_of_others(tmp_path: Path) -> None:
    jobs = JobStore(SqliteFile(tmp_path / "state.sqlite3"))
    job, other = jobs.create("put", "c", "z.txt"), jobs.create("sync", "c")
    skipped = [{"path": f"{n}.txt", "cause": "is a binary file"} for n in range(3 * MAX_SKIPPED)]
    skipped.append({"path": "z.txt", "cause": "is a binary file"})
    jobs.finish([job.id, other.id], report={"generation": "000001", "skipped": skipped})
    for done, first in ((job, "z.txt"), (other, "0.txt")):
        report = jobs.get(done.id).report
        assert report is not None
        assert report["skipped"][0]["path"] == first
        assert len(report["skipped"]) == MAX_SKIPPED


def test_of_two_equal_requests_to_two_workers_one_changes_something(tmp_path: Path) -> None:
    workers = [JobStore(SqliteFile(tmp_path / "state.sqlite3")) for _ in range(2)]
    inside, second_begins = threading.Event(), threading.Event()
    changes: list[str] = []

    def change() -> None:
        changes.append("made")
        inside.set()
        assert second_begins.wait(30)

    def ask(jobs: JobStore) -> str:
        return jobs.create("put", "c", "a.txt", idempotency="k", request="r", apply=change).id

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, workers[0])
        assert inside.wait(30)
        second_begins.set()
        assert ask(workers[1]) == first.result()
    assert changes == ["made"]


def test_uploads_that_a_killed_process_left_are_removed_by_the_next_service(home: Path) -> None:
    folder = home / "articles" / "deep"
    folder.mkdir(exist_ok=True)
    dead, running, other = (
        folder / f".footnote-{end}" for end in ("0123456789abcdef", "fedcba9876543210", "notes")
    )
    for path in (dead, running, other):
        path.write_text("half a file")
    with running.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as the process does whose upload it is
        with TestClient(app_of(home), base_url=BASE):
            wait_until(lambda: not dead.exists())
    assert running.exists()
    assert other.exists()


def test_without_the_setting_or_the_right_nothing_is_changed(home: Path, tmp_path: Path) -> None:
    off = TestClient(app_of(home, allow_writes=False), base_url=BASE)
    for reply in (
        off.put("/v1/files/x.txt", content=b"x"),
        off.delete("/v1/files/lake.txt"),
        off.post("/v1/sync", json={}),
        off.get("/v1/jobs/job_0"),
    ):
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    keys = KeyStore(SqliteFile(tmp_path / "state.sqlite3"))
    read = keys.create(scopes=["read"])
    foreign = keys.create(scopes=["write"], collections=["news"])
    on = TestClient(app_of(home, data_dir=tmp_path), base_url=BASE)
    for key, status in ((read, 403), (foreign, 404)):
        headers = {"Authorization": f"Bearer {key}"}
        assert on.put("/v1/files/x.txt", content=b"x", headers=headers).status_code == status
        assert on.delete("/v1/files/lake.txt", headers=headers).status_code == status
    assert not (home / "articles" / "x.txt").exists()
    assert (home / "articles" / "lake.txt").exists()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../x.txt",
            "a/../../x.txt",
            "/x.txt",
            "a//b.txt",
            "./x.txt",
            "a/..",
            "..",
            ".",
            "",
            "a/",
        ),
        *(".x.txt", ".git/x.txt", ".footnoteignore", "a\\..\\x.txt", "x\x00.txt", "x\t.txt"),
        *(
            " x.txt",
            "x.txt ",
            "x.exe",
            "x",
            "x" * 300 + ".txt",
            "aaaaaaaaaaaaaaaaaaa/" * 60 + "x.txt",
            "\u202ex.txt",
        ),
    ],
)
def test_a_path_that_is_not_plain_names_is_refused(path: str, client: TestClient) -> None:
    encoded = quote(path, safe="").replace(".", "%2e")  # or the client would resolve it
    reply = client.put(f"/v1/files/{encoded}", content=b"x")
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_links_are_replaced_and_never_followed(
    client: TestClient, home: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("kept")
    articles = home / "articles"
    (articles / "out").symlink_to(tmp_path)
    (articles / "link.txt").symlink_to(secret)
    for reply in (
        client.put("/v1/files/out/new.txt", content=b"x"),
        client.delete("/v1/files/out/secret.txt"),
        client.put("/v1/files/lake.txt/x.txt", content=b"x"),
    ):
        assert reply.status_code == 422, reply.text
    assert client.put("/v1/files/link.txt", content=b"An article now.\n").status_code == 202
    assert secret.read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.txt"]
    assert (articles / "link.txt").read_text() == "An article now.\n"
    assert not (articles / "link.txt").is_symlink()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "header",
    [{"If-None-Match": "*"}, {"If-Match": '"a"'}, {"Content-Range": "bytes 0-0/9"}],
    ids=str,
)
def test_a_condition_is_refused_rather_than_ignored(
    header: dict[str, str], method: str, client: TestClient, home: Path
) -> None:
    file = home / "articles" / "lake.txt"
    before = file.read_bytes()
    refused = client.request(method, "/v1/files/lake.txt", headers=header, content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert next(iter(header)) in refused.json()["detail"]
    assert file.read_bytes() == before


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_413_and_leaves_nothing(
    declared: bool, client: TestClient, home: Path
) -> None:
    pieces = (b"x" * 400 for _ in range(4))
    reply = client.put("/v1/files/big.txt", content=b"x" * 1_001 if declared else pieces)
    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")
    assert not [path.name for path in (home / "articles").iterdir() if "big" in path.name]
    assert not list((home / "articles").glob(".footnote-" + "?" * 16))


def test_a_folder_in_the_way_and_a_corpus_that_cannot_be_written_are_said(
    client: TestClient, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "articles" / "folder.txt").mkdir(exist_ok=True)
    in_the_way = client.put("/v1/files/folder.txt", content=b"x")
    assert (in_the_way.status_code, in_the_way.json()["code"]) == (422, "invalid_request")
    (tmp_path / "file").write_text("no folder")
    for name in ("nowhere", "file"):
        gone = TestClient(app_of(home, corpus=tmp_path / name), base_url=BASE)
        for refused in (gone.put("/v1/files/x.txt", content=b"x"), gone.delete("/v1/files/x.txt")):
            assert (refused.status_code, refused.json()["code"]) == (503, "corpus_unavailable")
            assert "is missing or not a folder" in refused.json()["detail"]
            assert str(tmp_path) not in refused.text + caplog.text


@pytest.mark.parametrize(
    "how", [["http"], ["resolver"]] if SOAK else [["http"]], ids=lambda h: h[0]
)
def test_no_generated_path_touches_anything_outside_of_the_corpus(
    how: list[str], tmp_path: Path
) -> None:
    corpus, outside = tmp_path / "corpus", tmp_path / "outside"
    for folder in (corpus / "inner", outside, tmp_path / "data"):
        folder.mkdir(parents=True)
    (corpus / ".footnote-corpus").touch()
    (corpus / "out").symlink_to(outside)
    (corpus / "loop").symlink_to(corpus)
    (outside / "b.txt").write_text("kept")
    count = 100_000 if how == ["resolver"] else 2_000
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.file_access_audit",
            str(tmp_path),
            str(count),
            "1",
            *how,
        ],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    audit = json.loads(done.stdout)
    assert audit["outside"] == []
    assert audit["accepted"] > count / 100
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("b.txt", "kept")]
    assert {path.name for path in tmp_path.iterdir()} == {"corpus", "outside", "data"}
