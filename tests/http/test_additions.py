"""`POST /v1/files`: a web page of a real server on loopback, and forms of files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.routes.additions import MAX_FORM_FILES, MAX_FORM_SIZE
from api.settings import load_settings
from tests.support.processes import link_model, run_footnote, wait_until, write_lake_articles
from tests.support.web_server import LOOPBACK, Canned, WebServer, redirect

BASE = "http://127.0.0.1:8000"
PAGE = Canned(b"<title>Orrin Bay</title><p>Orrin Bay was founded in 1312 by three sisters.</p>")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, seeds_data: Path) -> Path:
    """A folder with `articles/` and their index, both of which these tests change."""
    home = tmp_path_factory.mktemp("additions")
    write_lake_articles(home / "articles")
    link_model(home, seeds_data)
    done = run_footnote("sync", "articles", cwd=home)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    settings = load_settings(
        {
            "corpus": home / "articles",
            "data_dir": home / ".data",
            "allow_writes": True,
            "add_networks": str(LOOPBACK),
            "max_file_bytes": 20_000,
            "rate_limit_per_minute": 0,
        }
    )
    with TestClient(create_app(settings), base_url=BASE) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with WebServer() as made:
        yield made


def finished(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    latest = [job]

    def is_finished() -> bool:
        latest[0] = client.get(f"/v1/jobs/{job['id']}").json()
        return latest[0]["status"] in ("done", "failed")

    wait_until(is_finished)
    return latest[0]


def test_a_page_is_fetched_indexed_and_linked(
    client: TestClient, web: WebServer, home: Path
) -> None:
    web.pages["/towns/orrin"] = PAGE
    url = f"{web.url}/towns/orrin"
    added = client.post("/v1/files", json={"url": url})
    assert added.status_code == 202
    (job,) = added.json()["jobs"]
    path = f"127.0.0.1-{web.port}/towns/orrin.html"
    assert (job["kind"], job["path"]) == ("put", path)
    assert finished(client, job)["report"]["added"] == 1

    def source() -> dict[str, Any] | None:
        sources = client.get("/v1/sources").json()["sources"]
        return next((one for one in sources if one["source"] == path), None)

    wait_until(lambda: source() is not None)
    found = source()
    assert found is not None
    assert found["metadata"]["url"] == url
    answer = client.post("/v1/answers", json={"question": "Who founded Orrin Bay in 1312?"}).json()
    assert "three sisters" in answer["answer"]
    assert f'href="{url}"' in client.get(answer["citations"][0]["url"]).text

    again = client.post("/v1/files", json={"url": url}).json()["jobs"][0]
    assert again["path"] == path
    gone = client.delete(f"/v1/files/{path}")
    finished(client, gone.json())
    assert not (home / "articles" / path).parent.exists(), "the sidecar is deleted with its page"


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("file:///etc/passwd", 422, "url_refused"),
        ("http://127.0.0.2/", 422, "url_refused"),
        ("http://169.254.169.254/latest/meta-data/", 422, "url_refused"),
        ("http://user:secret@127.0.0.1/", 422, "url_refused"),
        ("http://2130706434/", 422, "url_refused"),
        ("http://[::1]/", 422, "url_refused"),
        ("/redirect", 422, "url_refused"),
        ("/loop", 502, "fetch_failed"),
        ("/none", 502, "fetch_failed"),
        ("/large", 502, "fetch_failed"),
        ("/empty", 502, "fetch_failed"),
        ("/picture", 422, "url_refused"),
        ("/sitemap", 422, "url_refused"),
    ],
)
def test_what_is_not_added_is_a_problem_with_a_code(
    url: str, status: int, code: str, client: TestClient, web: WebServer, home: Path
) -> None:
    web.pages |= {
        "/redirect": redirect("http://127.0.0.2/"),
        "/loop": redirect("/loop"),
        "/large": Canned(b"x" * 30_000),
        "/empty": Canned(b""),
        "/picture": Canned(b"\x89PNG", "image/png"),
        "/sitemap": Canned(b"<urlset></urlset>", "text/xml"),
    }
    before = sorted((home / "articles").rglob("*"))
    reply = client.post("/v1/files", json={"url": web.url + url if url.startswith("/") else url})
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"
    assert "secret" not in reply.text
    assert sorted((home / "articles").rglob("*")) == before


@pytest.mark.parametrize("body", [{}, {"url": None}, {"url": 1}, {"url": "a" * 3_000}, [], "x"])
def test_a_body_without_a_url_is_422(body: Any, client: TestClient) -> None:
    reply = client.post("/v1/files", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_json_that_is_none_is_422(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    reply = client.post("/v1/files", content=b"{", headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
    assert "is not JSON" in reply.json()["detail"]


def form(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", file) for file in files]


def test_the_files_of_a_form_are_written_and_indexed(client: TestClient, home: Path) -> None:
    files = form(("towns/one.txt", b"Town One.\n"), ("towns/two.md", b"# Two\n\nTown Two.\n"))
    reply = client.post("/v1/files", files=files)
    assert reply.status_code == 202
    jobs = reply.json()["jobs"]
    assert [job["path"] for job in jobs] == ["towns/one.txt", "towns/two.md"]
    assert {finished(client, job)["status"] for job in jobs} == {"done"}
    assert (home / "articles" / "towns" / "one.txt").read_bytes() == b"Town One.\n"


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        (form(("good.txt", b"a"), ("../bad.txt", b"a")), 422, "invalid_request"),
        (form(("good.txt", b"a"), ("bad.exe", b"a")), 422, "invalid_request"),
        (form(("good.txt", b"a"), (".hidden.txt", b"a")), 422, "invalid_request"),
        (form(("good.txt", b"a"), ("requirements.txt", b"a")), 422, "invalid_request"),
        (form(("good.txt", b"a"), ("good.txt", b"b")), 422, "invalid_request"),
        (form(("long.txt", b"a" * 20_001)), 413, "body_too_large"),
        (form(("huge.txt", b"a" * 20_000 * (MAX_FORM_SIZE + 1))), 413, "body_too_large"),
        (form(*((f"{n}.txt", b"a") for n in range(MAX_FORM_FILES + 1))), 400, "bad_request"),
    ],
)
def test_a_form_with_a_file_that_is_refused_changes_nothing(
    files: Any, status: int, code: str, client: TestClient, home: Path
) -> None:
    reply = client.post("/v1/files", files=files)
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert not (home / "articles" / "good.txt").exists()


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"nonsense", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=x", 422),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nno name\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            422,
        ),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"text", "text/plain", 415),
    ],
)
def test_a_malformed_form_is_named(
    content: bytes, kind: str, status: int, client: TestClient
) -> None:
    reply = client.post("/v1/files", content=content, headers={"Content-Type": kind})
    assert reply.status_code == status, reply.text


def test_a_form_is_taken_by_no_other_route(client: TestClient) -> None:
    reply = client.post("/v1/answers", files=form(("a.txt", b"a")))
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_media_type")


def test_an_unmarked_corpus_is_refused_before_anything_is_fetched(
    home: Path, client: TestClient, web: WebServer
) -> None:
    mark = home / "articles" / ".footnote-corpus"
    mark.unlink()
    web.requests.clear()
    try:
        reply = client.post("/v1/files", json={"url": f"{web.url}/towns/orrin"})
    finally:
        mark.touch()
    assert (reply.status_code, reply.json()["code"]) == (403, "corpus_not_marked")
    assert web.requests == []
