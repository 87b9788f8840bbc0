"""Limits of uploads: marked corpora, names of articles, totals, and nothing left behind."""

import logging
import os
import socket
import subprocess
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import httpx
import pytest

from api.app import create_app
from api.bootstrap import writable_corpus
from api.errors import ApiError, CorpusFull, RequestInvalid
from api.service import corpus_files
from api.service.corpus_files import (
    MARK_FILE,
    Corpus,
    Upload,
    count_corpus,
    delete_file,
    delete_stale_uploads,
)
from api.service.upload_paths import parse_path
from api.settings import load_settings
from api.state.jobs import JobStore
from tests.support.processes import LocalClient, clean_environment, wait_until

SUFFIXES = {".txt", ".md", ".html", ".json"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / MARK_FILE).touch()
    return folder


def corpus_of(root: Path, **flags: object) -> Corpus:
    return writable_corpus(load_settings({"corpus": root, "data_dir": root.parent / "d", **flags}))


def client_of(root: Path, **flags: object) -> LocalClient:
    flags = {"corpus": root, "data_dir": root.parent / "d", "allow_writes": True, **flags}
    return LocalClient(create_app(load_settings(flags)))


def put(corpus: Corpus, path: str, data: bytes = b"text") -> None:
    with closing(Upload(corpus, tuple(path.split("/")), 10_000_000)) as upload:
        upload.write(data)
        upload.commit()


def contents(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.name != MARK_FILE)


def totals(corpus: Corpus) -> tuple[int, int]:
    with corpus.usage.change() as now:
        return now.bytes, now.files


# --- a corpus that is marked


def test_a_corpus_without_a_mark_is_not_changed_and_both_say_what_to_do(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / MARK_FILE).unlink()
    (root / "a.txt").write_text("kept")
    with caplog.at_level(logging.WARNING, "footnote.jobs"), client_of(root) as client:
        for reply in (
            client.put("/v1/files/a.txt", content=b"new"),
            client.delete("/v1/files/a.txt"),
        ):
            assert (reply.status_code, reply.json()["code"]) == (403, "corpus_not_marked")
            assert f"touch CORPUS/{MARK_FILE}" in reply.json()["detail"]
        assert client.post("/v1/sync", json={}).status_code == 202, "it changes no file"
    assert "uploads are refused" in caplog.text
    assert f"touch CORPUS/{MARK_FILE}" in caplog.text
    assert (root / "a.txt").read_text() == "kept"
    with client_of(root, allow_unmarked_corpora=True) as client:
        assert client.put("/v1/files/b.txt", content=b"new").status_code == 202


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_mark_itself_cannot_be_uploaded_or_deleted(root: Path, method: str) -> None:
    for path in (MARK_FILE, MARK_FILE.upper(), f"x/{MARK_FILE}"):
        assert client_of(root).request(method, f"/v1/files/{path}").status_code == 422


# --- names


@pytest.mark.parametrize(
    "path",
    [
        *("requirements.txt", "REQUIREMENTS.TXT", "dev-requirements.txt", "requirements_dev.txt"),
        *("constraints.txt", "docs/requirements.txt", "CMakeLists.txt", "robots.txt", "llms.txt"),
        *("README.md", "readme.txt", "Readme.de.md", "CHANGELOG.md", "LICENSE.txt", "AGENTS.md"),
        *("CLAUDE.md", "package.json", "Package-Lock.json", "tsconfig.build.json", "index.html"),
        *("babel.config.json", "appsettings.Production.json", "node_modules/x/a.md"),
        *("x.egg-info/requires.txt", ".github/a.md", ".github/ISSUE_TEMPLATE.md", ".gitignore"),
        "\uff32equirements.txt",  # a full-width letter
        "con\u017ftraints.txt",  # a long s
    ],
)
def test_a_name_that_tools_read_is_refused(path: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_path(path, SUFFIXES)


@pytest.mark.parametrize(
    "path",
    [
        *("requirements.txt.", "requirements.txt ", "a./b.txt", "a /b.txt", "a../b.txt", "..."),
        *("con.txt", "CON", "aux.md", "nul .txt", "COM1.txt", "lpt9.md", "com¹.txt", "prn/a.txt"),
        *("REQUIR~1.TXT", "readme~1.md", "a\x00.txt", "a\x1f.txt", "a\x7f.txt", "a\u200b.txt"),
        *("a\u202e.txt", "../a.txt", "a/../../b.txt", "a//b.txt", "/a.txt", "a\\b.txt", ""),
        *("\uff0e\uff0e/a.txt", "\uff0ehidden.txt", "x" * 201 + ".txt", "a/" * 16 + "b.txt"),
        *("é" * 101 + ".txt", "a\ud800.txt", "a.exe", "a", "a.txt/b", "Makefile", "setup.py"),
    ],
)
def test_a_path_that_some_file_system_reads_differently_is_refused(path: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_path(path, SUFFIXES)


@pytest.mark.parametrize(
    "path",
    [
        *("cars/yu7.md", "How to read.txt", "requirements of the job.txt", "My package.json.md"),
        *("Konsole.txt", "auxiliary.md", "contact.txt", "security.md", "a~b.txt", "été.txt"),
        *("企業/規程.md", "v1.2.md", "console/comma.txt"),
    ],
)
def test_an_articles_name_is_accepted(path: str) -> None:
    assert parse_path(path, SUFFIXES) == tuple(path.split("/"))


def test_a_name_that_the_operator_allows_is_accepted_and_no_other(root: Path) -> None:
    client = client_of(root, writable_names=["README.md"])
    assert client.put("/v1/files/a/readme.md", content=b"# A").status_code == 202
    refused = client.put("/v1/files/requirements.txt", content=b"evil")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "FOOTNOTE_WRITABLE_NAMES" in refused.json()["detail"]
    assert client.delete("/v1/files/requirements.txt").status_code == 422
    assert contents(root) == ["a", "a/readme.md"]


def nfd(path: str) -> str:
    return unicodedata.normalize("NFD", path)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("path", ["été.txt", "Größen/Übersicht.txt", "가/ガ.md", "a/ä/ö/ü.txt"])
def test_a_file_is_replaced_and_deleted_in_either_unicode_form(
    root: Path, path: str, form: Literal["NFC", "NFD"]
) -> None:
    """Else two articles would look the same."""
    (root / nfd(path)).parent.mkdir(parents=True, exist_ok=True)
    (root / nfd(path)).write_text("by hand")
    there = contents(root)
    client = client_of(root)
    asked = quote(unicodedata.normalize(form, path))
    assert client.put(f"/v1/files/{asked}", content=b"x").status_code == 202
    assert (contents(root), (root / nfd(path)).read_text()) == (there, "x")
    assert client.delete(f"/v1/files/{asked}").status_code == 202
    assert contents(root) == []
    assert client.delete(f"/v1/files/{asked}").status_code == 404


def test_a_new_file_gets_composed_names(root: Path) -> None:
    client = client_of(root)
    assert client.put(f"/v1/files/{quote(nfd('Größen/été.txt'))}", content=b"x").status_code == 202
    assert contents(root) == ["Größen", "Größen/été.txt"]
    assert client.put(f"/v1/files/{quote(nfd('Größen/ö.txt'))}", content=b"x").status_code == 202
    assert contents(root) == ["Größen", "Größen/été.txt", "Größen/ö.txt"]


def test_of_two_files_that_look_the_same_the_one_asked_for_is_changed(root: Path) -> None:
    for path in ("é.txt", nfd("é.txt")):
        (root / path).write_text("by hand")
    client = client_of(root)
    assert client.put(f"/v1/files/{quote(nfd('é.txt'))}", content=b"x").status_code == 202
    assert ((root / "é.txt").read_text(), (root / nfd("é.txt")).read_text()) == ("by hand", "x")
    assert client.delete(f"/v1/files/{quote('é.txt')}").status_code == 202
    assert contents(root) == [nfd("é.txt")]


# --- totals


def test_a_corpus_has_a_limit_in_bytes_and_in_files(root: Path) -> None:
    client = client_of(root, max_corpus_bytes=1_000, max_corpus_files=3)
    assert client.put("/v1/files/a.txt", content=b"x" * 600).status_code == 202
    for content in (b"x" * 500, iter([b"x" * 300, b"x" * 300])):
        full = client.put("/v1/files/new/b.txt", content=content)
        assert (full.status_code, full.json()["code"]) == (507, "corpus_full")
        assert "FOOTNOTE_MAX_CORPUS_BYTES" in full.json()["detail"]
    assert contents(root) == ["a.txt"]
    assert client.put("/v1/files/a.txt", content=b"x" * 400).status_code == 202, "it is replaced"
    for name in ("b", "c"):
        assert client.put(f"/v1/files/{name}.txt", content=b"x" * 100).status_code == 202
    full = client.put("/v1/files/d.txt", content=b"x")
    assert (full.status_code, full.json()["code"]) == (507, "corpus_full")
    assert "FOOTNOTE_MAX_CORPUS_FILES" in full.json()["detail"]
    assert client.delete("/v1/files/b.txt").status_code == 202
    assert client.put("/v1/files/d.txt", content=b"x").status_code == 202


def test_files_put_there_by_hand_count_and_room_made_by_hand_is_noticed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = corpus_of(root, max_corpus_bytes=1_000)
    (root / "large.txt").write_bytes(b"x" * 900)
    with pytest.raises(CorpusFull):
        put(corpus, "a.txt", b"x" * 200)
    (root / "large.txt").unlink()
    monkeypatch.setattr("api.state.corpus_usage.REFUSAL_AGE_S", -1.0)
    put(corpus, "a.txt", b"x" * 200)
    assert totals(corpus) == count_corpus(root) == (200, 1)


def test_uploads_at_the_same_time_do_not_exceed_the_total_together(root: Path) -> None:
    """Of several workers, too: each has a ledger object of its own over one file."""
    workers = [corpus_of(root, max_corpus_bytes=10_000, max_corpus_files=1_000) for _ in range(4)]
    together = threading.Barrier(8)

    def upload(n: int) -> bool:
        together.wait(30)
        try:
            with closing(Upload(workers[n % 4], (f"f{n}", "a.txt"), 10_000)) as one:
                for _ in range(4):
                    one.write(b"x" * 600)
                    assert count_corpus(root)[0] <= 10_000
                one.commit()
        except CorpusFull:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(upload, range(8)))
    assert 1 <= sum(accepted) <= 4
    assert count_corpus(root) == totals(workers[0]) == (2_400 * sum(accepted), sum(accepted))
    assert len(contents(root)) == 2 * sum(accepted)


# --- nothing left behind


def test_no_refusal_leaves_a_folder_or_a_temporary_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(root, max_file_bytes=100, max_corpus_bytes=1_000)
    (root / "folder.txt").mkdir()
    before = contents(root)

    def put_to(path: str, content: object = b"x") -> int:
        return client.put(f"/v1/files/{path}", content=content).status_code  # type: ignore[arg-type]  # bytes or an iterator

    assert put_to("new/deep/a.txt", b"x" * 101) == 413
    assert put_to("new/deep/a.txt", iter([b"x" * 60, b"x" * 60])) == 413
    assert put_to("new/deep/a.exe") == 422
    assert put_to("folder.txt") == 422
    assert contents(root) == before

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for function in ("write", "fsync", "rename", "ftruncate"):
        with monkeypatch.context() as patch:
            patch.setattr(corpus_files.os, function, fail)
            assert put_to("new/deep/a.txt") == 503, function
        assert contents(root) == before, function
    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "create", fail)
        assert put_to("new/deep/a.txt") == 503
    assert contents(root) == before
    assert put_to("new/deep/a.txt") == 202


def test_a_full_queue_of_jobs_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.state.jobs.MAX_UNFINISHED", 2)
    client = client_of(root)  # without its lifespan no job runs
    for name in "ab":
        assert client.put(f"/v1/files/{name}.txt", content=b"x").status_code == 202
    full = client.put("/v1/files/new/c.txt", content=b"x")
    assert (full.status_code, full.json()["code"]) == (503, "job_queue_full")
    assert int(full.headers["retry-after"]) > 0
    assert contents(root) == ["a.txt", "b.txt"]


def test_an_aborted_body_leaves_nothing_and_a_killed_process_until_the_next_start(
    root: Path,
) -> None:
    """A body that breaks off removes its file at once; after a kill the next start does."""
    env = {"FOOTNOTE_ALLOW_WRITES": "true", "FOOTNOTE_DATA_DIR": str(root.parent / "d")}
    code = "from api.cli import main; main()"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", code, "serve", str(root), "--no-sync", "--port", str(port)]
    log = (root.parent / "log").open("w")

    def start() -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(command, env=clean_environment(env), stdout=log, stderr=log)
        wait_until(lambda: is_live(port))
        return child

    def begin_upload() -> socket.socket:
        client = socket.create_connection(("127.0.0.1", port))
        head = f"PUT /v1/files/new/deep/a.txt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        client.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
        wait_until(lambda: len(contents(root)) == 1)
        return client

    child = start()
    try:
        begin_upload().close()
        wait_until(lambda: contents(root) == [])
        client = begin_upload()
        child.kill()
        child.wait()
        client.close()
        assert len(contents(root)) == 1
        child = start()
        wait_until(lambda: contents(root) == [])
    finally:
        child.kill()
        child.wait()
        log.close()


def is_live(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    return False


def test_delete_removes_the_folders_that_it_emptied_and_never_the_root(root: Path) -> None:
    (root / MARK_FILE).touch()
    corpus = corpus_of(root)
    for path in ("a/b/c/x.txt", "a/y.txt", "z.txt"):
        put(corpus, path)
    delete_file(corpus, ("a", "b", "c", "x.txt"))
    assert contents(root) == ["a", "a/y.txt", "z.txt"]
    delete_file(corpus, ("a", "y.txt"))
    delete_file(corpus, ("z.txt",))
    assert contents(root) == []
    assert root.is_dir()
    assert totals(corpus) == (0, 0)
    unmarked = corpus_of(root, allow_unmarked_corpora=True)
    put(unmarked, "a.txt")
    (root / MARK_FILE).unlink()
    delete_file(unmarked, ("a.txt",))
    assert root.is_dir()


def test_a_deep_folder_is_counted_and_cleaned(root: Path) -> None:
    """Deeper than Python recurses."""
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    try:
        assert count_corpus(root) == (0, 0)
        delete_stale_uploads(root)
    finally:  # pytest's own clean-up would recurse
        subprocess.run(["rm", "-r", root / "d"], check=True)


def test_a_link_counts_as_itself_and_is_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"x" * 5_000)
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "loop").symlink_to(root)
    assert count_corpus(root)[0] < 1_000
    corpus = corpus_of(root)
    for names in (("loop", "a.txt"), ("link.txt", "a.txt")):
        with pytest.raises(ApiError):
            put(corpus, "/".join(names))
        with pytest.raises(ApiError):
            delete_file(corpus, names)
    assert sorted(contents(root)) == ["link.txt", "loop"]
