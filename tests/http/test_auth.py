"""Authentication and authorization before every route, and the cost of refused requests."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from api.app import create_app
from api.cli import run
from api.errors import StateUnreadable
from api.security.keys import KeyStore
from api.security.permissions import PERMISSIONS, PermissionTable
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from tests.support.processes import (
    LocalClient,
    RunningService,
    link_index,
    run_footnote,
    wait_until,
)

ASK = {"question": "How long did the lake freeze in 1998?"}


@pytest.fixture
def data(lakes: Path, tmp_path: Path) -> Path:
    """A data folder of its own over the index of the lakes."""
    return link_index(lakes / ".data", tmp_path / "data")


@contextmanager
def served(data: Path, **flags: Any) -> Iterator[LocalClient]:
    with LocalClient(create_app(load_settings({"data_dir": data, **flags}))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] not in ("starting", "building"))
        yield client


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_any_key_loopback_may_do_everything(data: Path) -> None:
    with served(data) as client:
        assert client.post("/v1/answers", json=ASK).json()["answered"] is True
        assert client.get("/readyz").json()["sources"] == 2


def test_once_a_key_was_made_nothing_is_told_without_one(data: Path) -> None:
    keys = KeyStore(SqliteFile(data / "state.sqlite3"))
    key = keys.create(scopes=["read"])
    with served(data) as client:
        refused = client.post("/v1/answers", json=ASK)
        answer = client.post("/v1/answers", json=ASK, headers=bearing(key))
        told = client.get("/readyz").json()
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert answer.json()["answered"] is True
    assert (told["status"], told["generation"]) == ("ready", "000001")
    assert told["sources"] is told["answerer"] is None


def test_a_wrong_key_is_no_better_than_none_even_where_anyone_may_call(data: Path) -> None:
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    with served(data) as client:
        for header in (f"Bearer {key}x", f"Basic {key}", "Bearer", key, "Bearer \xff"):
            headers = {"Authorization": header.encode("latin-1")}
            assert client.get("/v1/sources", headers=headers).status_code == 401
            assert client.get("/livez", headers=headers).status_code == 200


def test_a_key_opens_what_its_scopes_say(data: Path) -> None:
    keys = KeyStore(SqliteFile(data / "state.sqlite3"))
    read, write = keys.create(scopes=["read"]), keys.create(scopes=["write"])
    with served(data) as client:
        assert client.get("/v1/sources", headers=bearing(read)).status_code == 200
        refused = client.get("/v1/sources", headers=bearing(write))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert client.get("/metrics", headers=bearing(read)).status_code == 403


def test_a_key_of_another_collection_finds_none(data: Path) -> None:
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"], collections=["news"])
    with served(data) as client:
        for response in (
            client.post("/v1/answers", json=ASK, headers=bearing(key)),
            client.post("/v1/answers", json=ASK | {"stream": True}, headers=bearing(key)),
            client.post("/v1/search", json={"query": "ice"}, headers=bearing(key)),
            client.get("/v1/sources", headers=bearing(key)),
            client.get("/v1/sources/x/text", headers=bearing(key)),
        ):
            assert (response.status_code, response.json()["code"]) == (404, "collection_not_found")


def test_what_the_table_does_not_name_is_called_by_nobody(data: Path) -> None:
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read", "write", "admin"])
    called: list[str] = []
    app = create_app(load_settings({"data_dir": data}))
    app.add_api_route("/forgotten", lambda: called.append("route"))
    app.add_api_route("/v1/search", lambda: called.append("method"), methods=["PATCH"])
    app.mount("/box", lambda scope, receive, send: called.append("mount"))
    client = LocalClient(app, headers=bearing(key))
    assert client.get("/forgotten").status_code == 404
    assert client.get("/box/thing").status_code == 404
    refused = client.patch("/v1/search")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert LocalClient(app).get("/forgotten").status_code == 401
    assert called == []


def test_a_mount_is_guarded_like_a_route(data: Path) -> None:
    KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    called: list[str] = []
    app = create_app(load_settings({"data_dir": data}))
    app.mount("/mcp", lambda scope, receive, send: called.append("mount"))
    client = LocalClient(app)
    for path in ("/mcp", "/mcp/"):
        assert client.post(path, json={}).status_code == 401
    assert called == []


@pytest.mark.parametrize(
    "path", ["//v1/sources", "/v1//sources", "/v1/sources/", "/v1/sources%2f", "/V1/sources", "/v1"]
)
def test_another_spelling_of_a_path_opens_nothing(path: str, data: Path) -> None:
    KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    with served(data) as client:
        assert client.get(path, follow_redirects=False).status_code == 401


def test_where_the_keys_cannot_be_read_nothing_is_open(data: Path) -> None:
    (data / "state.sqlite3").write_bytes(b"no database" * 100)
    client = LocalClient(create_app(load_settings({"data_dir": data})))
    refused = client.get("/v1/sources")
    assert (refused.status_code, refused.json()["code"]) == (503, "state_unreadable")
    assert client.get("/livez").status_code == 200
    with pytest.raises(StateUnreadable):
        KeyStore(SqliteFile(data / "state.sqlite3")).all()


def test_a_key_that_is_revoked_elsewhere_stops_working_in_a_running_service(
    data: Path, tmp_path: Path
) -> None:
    made = run_footnote("keys", "create", "--data-dir", data, cwd=tmp_path)
    key = made.stdout.strip()
    with RunningService("--no-sync", "--data-dir", data, cwd=tmp_path) as service:

        def status() -> int:
            return httpx.get(f"{service.url}/v1/sources", headers=bearing(key)).status_code

        assert status() == 200
        assert (
            run_footnote("keys", "revoke", key[3:11], "--data-dir", data, cwd=tmp_path).returncode
            == 0
        )
        wait_until(lambda: status() == 401, timeout_s=5)
        log = service.stop()
    assert key not in log


def test_a_key_that_is_made_beside_a_running_service_opens_it_at_once(
    data: Path, tmp_path: Path
) -> None:
    KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    with RunningService("--no-sync", "--data-dir", data, cwd=tmp_path) as service:
        made = run_footnote("keys", "create", "--data-dir", data, cwd=tmp_path).stdout.strip()
        search = ("search", "ice", "--json", "--url", service.url)
        found = run_footnote(*search, "--key", made, cwd=tmp_path)
        by_variable = run_footnote(*search, cwd=tmp_path, env={"FOOTNOTE_KEY": made})
        refused = run_footnote(*search, cwd=tmp_path)
    assert '"hits"' in found.stdout, found.stderr
    assert '"hits"' in by_variable.stdout, by_variable.stderr
    assert refused.returncode == 3, "a key is a matter of configuration"
    assert "the API key is missing or not valid" in refused.stderr


def test_others_reach_a_service_only_with_a_key_or_insecure(
    data: Path, bare_environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exposed = ["serve", "--host", "0.0.0.0", "--no-sync", "--data-dir", str(data)]
    assert run(exposed) == 3
    assert "footnote keys create" in capsys.readouterr().err
    app = create_app(load_settings({"data_dir": data, "host": "0.0.0.0"}))
    assert LocalClient(app).get("/v1/sources").status_code == 401, "as when the keys are gone"


def paths() -> Iterator[tuple[str, set[str]]]:
    """Every path of the app with its methods; a mount stands for all below it."""
    app = create_app(load_settings({"data_dir": Path("nowhere")}))
    for context in iter_route_contexts(app.routes):
        assert context.path is not None
        below = "/{path:path}" if isinstance(context.original_route, Mount) else ""
        yield context.path + below, set(context.methods or {"GET"})


def test_every_route_and_mount_of_the_app_has_a_row_for_each_method() -> None:
    missing = [
        (path, method)
        for path, methods in paths()
        for method in methods - {"HEAD"}
        if method not in PERMISSIONS.get(path, {})
    ]
    assert missing == [], "add them to api/security/permissions.py"


def test_the_first_row_that_matches_decides_and_no_row_is_hidden() -> None:
    permissions = PermissionTable(PERMISSIONS)
    for template, methods in PERMISSIONS.items():
        path = re.sub(r"{\w+:path}", "a/b", template)
        assert permissions.find(re.sub(r"{\w+}", "x", path)) is methods, template
