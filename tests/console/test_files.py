"""The list of files: what is indexed, left out and waiting, and what a file became."""

import os
from pathlib import Path
from typing import Any

import pytest

from api.operations.files.remedies import remedy
from api.security.keys import KeyStore
from api.state.sqlite import SqliteFile
from tests.console.conftest import open_client, wait_ready
from tests.support.processes import LocalClient, wait_until


def listed(client: LocalClient, **params: object) -> dict[str, Any]:
    reply = client.get("/v1/files", params={k: str(v) for k, v in params.items()})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def states(client: LocalClient, **params: object) -> dict[str, str]:
    return {one["path"]: one["state"] for one in listed(client, **params)["files"]}


def test_each_file_has_its_state_and_what_to_do_about_it(client: LocalClient) -> None:
    body = listed(client)
    by_path = {one["path"]: one for one in body["files"]}
    assert list(by_path) == ["lake.txt", "nasty.txt", "picture.txt"]
    lake, picture = by_path["lake.txt"], by_path["picture.txt"]
    assert (lake["state"], lake["passages"], lake["title"]) == ("indexed", 1, "lake")
    assert (lake["cause"], lake["remedy"]) == (None, None)
    assert lake["bytes"] == 56
    assert lake["modified"] > "2026"
    assert (picture["state"], picture["source_id"]) == ("skipped", None)
    assert picture["cause"] == "is a binary file, not text"
    assert picture["remedy"].startswith("Give it the suffix")
    assert body["counts"] == {"indexed": 2, "skipped": 1, "waiting": 0}
    assert (body["writable"], body["next"], body["collection"]) == (True, None, "default")


def test_what_is_new_or_changed_waits_until_a_sync_has_taken_it(
    client: LocalClient, home: Path
) -> None:
    (home / "articles" / "new.txt").write_text("A new article about the harbour of Orrin.\n")
    wait_until(lambda: states(client).get("new.txt") == "waiting")
    job = client.post("/v1/sync", json={}).json()
    wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["status"] == "done")
    wait_until(lambda: states(client).get("new.txt") == "indexed")
    (home / "articles" / "new.txt").write_text("A new article about the harbour of Orrim.\n")
    wait_until(lambda: states(client, state="waiting") == {"new.txt": "waiting"})
    assert listed(client)["counts"] == {"indexed": 2, "skipped": 1, "waiting": 1}


def test_a_copy_with_other_times_is_the_file_that_was_indexed(
    client: LocalClient, home: Path
) -> None:
    os.utime(home / "articles" / "lake.txt", (1e9, 1e9))
    client.app.state.console.folders.__init__()  # type: ignore[attr-defined]  # a FastAPI
    assert states(client)["lake.txt"] == "indexed"


def test_pages_follow_each_other_by_path_and_a_search_reads_titles(client: LocalClient) -> None:
    seen, after = [], None
    while True:
        body = listed(client, limit=1, **({"after": after} if after else {}))
        seen += [one["path"] for one in body["files"]]
        after = body["next"]
        if after is None:
            break
    assert seen == list(states(client))
    assert states(client, q="LAKE") == {"lake.txt": "indexed"}
    assert states(client, state="skipped") == {"picture.txt": "skipped"}
    assert states(client, q="nowhere") == {}


def test_what_a_file_became_is_shown_with_its_units(client: LocalClient) -> None:
    body = client.get("/v1/files/lake.txt/passages").json()
    (passage,) = body["passages"]
    text = client.get(f"/v1/sources/{body['source']['id']}/text").text
    assert passage["text"] == text[passage["start"] : passage["end"]]
    assert [unit["text"] for unit in passage["units"]] == [
        "The lake froze for 142 days in 1998.",
        "The ice was thick.",
    ]
    assert {unit["kind"] for unit in passage["units"]} == {"sentence"}
    assert (body["text_length"], body["next"]) == (len(text), None)
    gone = client.get("/v1/files/nowhere.txt/passages")
    assert (gone.status_code, gone.json()["code"]) == (404, "file_not_found")


def test_passages_of_a_long_file_come_in_pages(client: LocalClient, home: Path) -> None:
    paragraphs = (f"Paragraph {n} is about the winter of {1900 + n}. " * 12 for n in range(30))
    (home / "articles" / "long.txt").write_text("\n\n".join(paragraphs))
    job = client.post("/v1/sync", json={}).json()
    wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["status"] == "done")
    wait_until(lambda: states(client).get("long.txt") == "indexed")
    url, starts, after = "/v1/files/long.txt/passages", [], ""
    while after is not None:
        body = client.get(url, params={"limit": 4, **({"after": after} if after else {})}).json()
        starts += [one["start"] for one in body["passages"]]
        after = body["next"]
    assert len(starts) > 8
    assert starts == [one["start"] for one in client.get(url).json()["passages"]]
    bad = client.get(url, params={"after": "bGFrZQ"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_request")


def test_before_the_first_sync_every_file_waits(tmp_path: Path, seeds_data: Path) -> None:
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "a.txt").write_text("Words.\n")
    (articles / "b.exe").write_text("MZ")
    (tmp_path / ".data").mkdir()
    with open_client(tmp_path) as client:
        body = listed(client)
    assert [(one["path"], one["state"]) for one in body["files"]] == [
        ("a.txt", "waiting"),
        ("b.exe", "skipped"),
    ]
    assert body["files"][1]["remedy"].startswith("Convert it")
    assert (body["counts"]["indexed"], body["writable"]) == (0, False)


def test_only_admins_of_the_collection_see_its_files(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "collections").symlink_to(home / ".data" / "collections")
    (data / "models").symlink_to(home / ".data" / "models")
    keys = KeyStore(SqliteFile(data / "state.sqlite3"))
    headers = {
        name: {"Authorization": f"Bearer {key}"}
        for name, key in {
            "admin": keys.create(scopes=["admin"]),
            "writer": keys.create(scopes=["admin", "write"]),
            "reader": keys.create(scopes=["read", "write"]),
            "other": keys.create(scopes=["admin"], collections=["other"]),
        }.items()
    }
    with open_client(home, data_dir=data) as client:
        wait_ready(client)

        def get(name: str) -> Any:
            return client.get("/v1/files", headers=headers[name])

        wait_until(lambda: get("admin").status_code == 200)
        assert get("admin").json()["writable"] is False
        assert get("writer").json()["writable"] is True
        assert get("reader").status_code == 403
        assert get("other").status_code == 404


@pytest.mark.parametrize(
    ("cause", "word"),
    [
        (".exe is not among the enabled formats", "FOOTNOTE_FORMATS"),
        ("has 30,000,000 bytes, more than 20,000,000", "FOOTNOTE_MAX_FILE_BYTES"),
        ("contains no text on its 3 pages (scanned?): run ocrmypdf first", "ocrmypdf"),
        ("is protected by a password", "password"),
        ("damaged PDF: no trailer", "save it again"),
        ("took more than 60 s to read", "smaller"),
        ("something that nobody thought of", "whole"),
    ],
)
def test_a_cause_has_its_remedy(cause: str, word: str) -> None:
    assert word in remedy(cause)


def test_hostile_names_are_data(client: LocalClient, home: Path) -> None:
    folder = home / "articles" / "hostile"
    folder.mkdir()
    names = ["<img src=x onerror=alert(1)>.txt", "=cmd|' ' !A0.csv", "\u202egnp.txt", "a\tb.txt"]
    for name in names:
        (folder / name).write_text("Words.\n")
    wait_until(lambda: len(states(client, q="hostile/")) == len(names))
    reply = client.get("/v1/files", params={"q": "hostile/"})
    assert reply.headers["content-type"] == "application/json"
    assert {f"hostile/{name}" for name in names} == set(states(client, q="hostile/"))
