"""Keys over HTTP: created once, listed with their last use, revoked; and the widget's lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.security.keys import KeyStore
from api.state.sqlite import SqliteFile
from tests.console.conftest import open_client, wait_ready
from tests.support.processes import LocalClient, link_index, wait_until

SITE = "https://docs.example.org"


@pytest.fixture
def client(lakes: Path, tmp_path: Path) -> Iterator[LocalClient]:
    data = link_index(lakes / ".data", tmp_path / "data")
    with open_client(lakes, data_dir=data, widget_origins=(SITE,)) as client:
        wait_ready(client)
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def create(client: LocalClient, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return client.post("/v1/keys", json=body, headers=headers)


def test_a_key_is_shown_once_used_listed_and_revoked(client: LocalClient) -> None:
    refused = create(client, scopes=["read"])
    assert refused.status_code == 422
    assert "first key" in refused.json()["detail"]
    made = create(client, name="<b>me</b>", scopes=["admin", "read"])
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    own = bearer(made.json()["key"])
    wait_until(lambda: client.get("/v1/keys").status_code == 401)
    body = {"scopes": ["read"], "collections": ["default"], "expires_days": 2, "name": "a site"}
    reader = create(client, own, **body).json()
    theirs = bearer(reader["key"])
    wait_until(lambda: client.get("/v1/sources", headers=theirs).status_code == 200)
    first, second = client.get("/v1/keys", headers=own).json()["keys"]
    assert (first["id"], first["name"], first["status"]) == (
        made.json()["id"],
        "<b>me</b>",
        "valid",
    )
    assert first["last_used"] >= first["created"]
    assert (second["scopes"], second["collections"]) == (["read"], ["default"])
    assert second["expires"] > second["created"]
    assert second["last_used"] is not None
    assert made.json()["key"] not in client.get("/v1/keys", headers=own).text

    itself = client.delete(f"/v1/keys/{first['id']}", headers=own)
    assert (itself.status_code, itself.json()["code"]) == (409, "own_key")
    assert client.delete(f"/v1/keys/{second['id']}", headers=own).status_code == 204
    wait_until(lambda: client.get("/v1/sources", headers=theirs).status_code == 401)
    gone = client.delete("/v1/keys/00000000", headers=own)
    assert (gone.status_code, gone.json()["code"]) == (404, "key_not_found")


def test_a_key_of_some_collections_gives_and_sees_no_others(
    client: LocalClient, tmp_path: Path
) -> None:
    keys = KeyStore(SqliteFile(tmp_path / "data" / "state.sqlite3"))
    keys.create(scopes=["admin"])
    own = bearer(keys.create(scopes=["admin"], collections=["default"]))
    wait_until(lambda: client.get("/v1/keys", headers=own).status_code == 200)
    assert len(client.get("/v1/keys", headers=own).json()["keys"]) == 1
    assert create(client, own, scopes=["read"], collections=["other"]).status_code == 404
    made = create(client, own, scopes=["read"])
    listed = {one["id"]: one for one in client.get("/v1/keys", headers=own).json()["keys"]}
    assert listed[made.json()["id"]]["collections"] == ["default"]
    foreign = keys.all()[0].id
    assert client.delete(f"/v1/keys/{foreign}", headers=own).status_code == 404


def test_a_key_of_some_groups_gives_no_others(client: LocalClient, tmp_path: Path) -> None:
    keys = KeyStore(SqliteFile(tmp_path / "data" / "state.sqlite3"))
    own = bearer(keys.create(scopes=["admin"], groups=["hr"]))
    wait_until(lambda: client.get("/v1/keys", headers=own).status_code == 200)
    for body in ({"groups": ["hr", "board"]}, {"groups": []}):
        assert create(client, own, scopes=["admin"], **body).status_code == 403
    made = [create(client, own, scopes=["read"], **body) for body in ({}, {"groups": []})]
    listed = {one["id"]: one for one in client.get("/v1/keys", headers=own).json()["keys"]}
    assert [listed[one.json()["id"]]["groups"] for one in made] == [["hr"], []]


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": ["admin"], "expires_days": 0},
        {"scopes": ["admin"], "collections": []},
        {"scopes": ["admin"], "name": "x" * 201},
        {},
    ],
    ids=str,
)
def test_what_no_key_can_be_is_refused(body: dict[str, Any], client: LocalClient) -> None:
    assert create(client, **body).status_code == 422


def test_the_lines_to_paste_and_what_blocks_them(client: LocalClient) -> None:
    body = client.get("/v1/widget/origins").json()
    assert body["origins"] == [SITE]
    assert body["script"] == '<script src="http://127.0.0.1/widget/v1.js" defer></script>'
    assert body["element"] == "<footnote-chat></footnote-chat>"
    assert body["blockers"][0].startswith(f"{SITE}: only this machine can reach")
