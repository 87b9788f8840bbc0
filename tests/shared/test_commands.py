"""The commands of several machines: sync, status, rollback, doctor, and what is refused."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.extras import needs
from tests.support.processes import free_port, link_model, run_footnote, write_lake_articles
from tests.support.seaweed import ACCESS_KEY, SECRET_KEY, Seaweed, aws_environment

pytestmark = needs("obstore")


@pytest.fixture
def home(tmp_path: Path, seeds_data: Path) -> Path:
    write_lake_articles(tmp_path / "articles")
    link_model(tmp_path, seeds_data)
    return tmp_path


def test_an_index_is_shared_and_rolled_back_from_the_terminal(home: Path, seaweed: Seaweed) -> None:
    env = {**seaweed.env, "FOOTNOTE_SHARED": seaweed.new_prefix()}
    synced = run_footnote("sync", "articles", cwd=home, env=env)
    assert synced.returncode == 0, synced.stderr
    assert "push " in synced.stderr
    (home / "articles" / "river.txt").write_text("The river froze for 12 days in 1998.\n")
    assert run_footnote("sync", "articles", cwd=home, env=env).returncode == 0
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    link_model(elsewhere, home / ".data")
    rolled = run_footnote("rollback", "--json", cwd=elsewhere, env=env)
    assert json.loads(rolled.stdout) == {"generation": "000001"}
    status = json.loads(run_footnote("status", "--json", cwd=home, env=env).stdout)
    assert (status["info"]["generation"], status["shared"]) == ("000002", "generation 000001")
    shown = run_footnote("status", cwd=elsewhere, env=env)
    assert "shared    generation 000001\n" in shown.stdout
    checked = run_footnote("doctor", "articles", "--json", cwd=home, env=env)
    (shared,) = [c for c in json.loads(checked.stdout)["checks"] if c["check"] == "shared"]
    assert shared["ok"], shared
    assert "honours conditional writes; generation 000001" in shared["detail"]


def test_without_the_store_a_sync_fails_and_what_serves_stays(home: Path) -> None:
    assert run_footnote("sync", "articles", cwd=home).returncode == 0
    url = f"http://user:{SECRET_KEY}@127.0.0.1:{free_port()}"
    env = {**aws_environment(url), "FOOTNOTE_SHARED": "s3://bucket/prefix"}
    failed = run_footnote("sync", "articles", cwd=home, env=env)
    assert failed.returncode == 4
    assert "the shared store s3://bucket/prefix does not work" in failed.stderr
    asked = run_footnote("ask", "How long did the lake freeze?", cwd=home, env=env)
    assert "142 days" in asked.stdout
    status = run_footnote("status", cwd=home, env=env)
    assert "000001" in status.stdout
    checked = run_footnote("doctor", "articles", cwd=home, env=env)
    assert "FAIL  shared" in checked.stdout
    for done in (failed, asked, status, checked):
        assert SECRET_KEY not in done.stdout + done.stderr
        assert ACCESS_KEY not in done.stdout + done.stderr


class _Careless(BaseHTTPRequestHandler):
    """An S3 server that ignores the conditions of writes, as some do."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes] = {}  # noqa: RUF012  # shared by all requests of the one test

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.objects[self.path] = data
        self._reply(200, b"")

    def do_GET(self) -> None:
        data = self.objects.get(self.path)
        self._reply(404 if data is None else 200, data or b"")

    def do_DELETE(self) -> None:
        self.objects.pop(self.path, None)
        self._reply(204, b"")

    def _reply(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hash(data)}"')
        self.send_header("Last-Modified", self.date_time_string())
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def careless() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Careless) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_store_that_ignores_conditions_is_refused_by_the_doctor(
    home: Path, careless: str
) -> None:
    env = {**aws_environment(careless), "FOOTNOTE_SHARED": "s3://bucket/prefix"}
    checked = run_footnote("doctor", "articles", cwd=home, env=env)
    assert checked.returncode == 4
    expected = "FAIL  shared    s3://bucket/prefix ignores If-None-Match and If-Match"
    assert expected in checked.stdout


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--role", "replica"], "setting role: `replica` needs a store to follow; set shared"),
        (["--role", "other"], "setting role"),
        (["--shared", "ftp://host/x"], "setting shared"),
        (["--role", "replica", "--shared", "file:///x", "--watch"], "nothing to --watch"),
    ],
)
def test_a_replica_that_cannot_be_one_does_not_start(
    options: list[str], cause: str, tmp_path: Path
) -> None:
    refused = run_footnote("serve", "--port", 0, *options, cwd=tmp_path)
    assert refused.returncode in (2, 3)
    assert cause in refused.stderr


def test_a_replica_accepts_no_writes(tmp_path: Path) -> None:
    env = {"FOOTNOTE_ALLOW_WRITES": "true", "FOOTNOTE_SHARED": "file:///x"}
    refused = run_footnote("serve", "--port", 0, "--role", "replica", cwd=tmp_path, env=env)
    assert refused.returncode == 3
    assert "setting allow_writes: a replica only answers" in refused.stderr
