"""Who may call what: every route and mount of the app, by everybody who may come."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from api.app import create_app
from api.security.answer_ids import issue_answer_id
from api.security.keys import KeyStore
from api.security.widget_tokens import WidgetTokens
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from api.wire.signed_links import STEP_S, LinkSigner
from tests.support.processes import LocalClient, link_index, wait_until

SITE, EVIL = "https://docs.example.org", "https://evil.example"

CALLERS = (
    "nobody wrong expired revoked read write admin other widget foreign "
    "link old_link altered_link other_link"
).split()
IN = 0
"""Let in: not one of the refusals."""

WRITES_OFF = "FOOTNOTE_ALLOW_WRITES"
"""What the one who may write is told where nobody may: it came as far as the route."""

BARRED = dict.fromkeys(["nobody", "wrong", "expired", "revoked"], 401)
LINKS = dict.fromkeys(["link", "old_link", "altered_link", "other_link"], 401)
NO_SCOPE = {"write": 403, "admin": 403, "foreign": 403}
READ = {**BARRED, **LINKS, **NO_SCOPE, "read": IN, "other": 404, "widget": IN}
VIEW = {**READ, "link": IN, "old_link": 403, "altered_link": 403, "other_link": 403}
KEYS = {**READ, "widget": 403}
ADMIN = {**BARRED, **LINKS, **dict.fromkeys(CALLERS[4:10], 403), "admin": IN}
ANYONE = dict.fromkeys(CALLERS, IN)
EXPECTED: dict[str, dict[str, int]] = {
    "anyone": ANYONE,
    "read": READ,
    "read, of no collection": {**READ, "other": IN},
    "own answer": {**READ, "widget": 404},
    "read key": KEYS,
    "read key, of no collection": {**KEYS, "other": IN},
    "view": VIEW,
    "picture, of no PDF": {**VIEW, "read": 404, "widget": 404, "link": 404},
    "write": {**BARRED, **LINKS, **dict.fromkeys(CALLERS[4:10], 403), "write": IN},
    "caller": {**BARRED, **LINKS, **dict.fromkeys(CALLERS[4:8], IN), "widget": 403, "foreign": 403},
    "gone, where nobody can sign in": {**dict.fromkeys(CALLERS, 404)},
    "gone, and never a page's": {**dict.fromkeys(CALLERS, 404), "widget": 403, "foreign": 403},
    "admin": ADMIN,
    "admin, of what there is": {**ADMIN, "admin": 404},
    "admin, of named ones": {**ADMIN, "admin": 422},
    "admin, of two generations": {**ADMIN, "admin": 409},
    "token": {**dict.fromkeys(CALLERS, 403), "read": IN, "other": IN, "widget": IN},
}

QUESTION = {"question": "How long did the lake freeze in 1998?"}
CHAT = {"model": "footnote", "messages": [{"role": "user", "content": "Ice?"}]}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ROWS: dict[tuple[str, str], tuple[str, Any]] = {
    ("GET", "/"): ("anyone", None),
    ("GET", "/livez"): ("anyone", None),
    ("GET", "/readyz"): ("anyone", None),
    ("GET", "/openapi.json"): ("anyone", None),
    ("GET", "/console"): ("anyone", None),
    ("GET", "/console/v1.js"): ("anyone", None),
    ("GET", "/docs"): ("anyone", None),
    ("GET", "/docs/{name}"): ("anyone", None),
    ("GET", "/pages/{path:path}"): ("anyone", None),
    ("GET", "/widget/v1.js"): ("anyone", None),
    ("GET", "/widget/v1.d.ts"): ("anyone", None),
    ("GET", "/widget/{version}/widget.js"): ("anyone", None),
    ("GET", "/sign-in"): ("gone, where nobody can sign in", None),
    ("GET", "/sign-in/callback"): ("gone, where nobody can sign in", None),
    ("POST", "/sign-out"): ("gone, and never a page's", {}),
    ("POST", "/sign-out/back-channel"): ("gone, and never a page's", {}),
    ("GET", "/v1/me"): ("caller", None),
    ("POST", "/v1/widget/token"): ("token", {"origin": SITE}),
    ("POST", "/v1/answers"): ("read", QUESTION),
    ("POST", "/v1/answers/{answer_id}/feedback"): ("own answer", {"rating": "up"}),
    ("POST", "/v1/search"): ("read", {"query": "ice"}),
    ("GET", "/v1/suggestions"): ("read", None),
    ("GET", "/v1/sources"): ("read", None),
    ("GET", "/v1/sources/{source_id}"): ("read", None),
    ("GET", "/v1/sources/{source_id}/text"): ("read", None),
    ("GET", "/v1/sources/{source_id}/view"): ("view", None),
    ("GET", "/v1/sources/{source_id}/original"): ("view", None),
    ("GET", "/v1/sources/{source_id}/pages/{page}.png"): ("picture, of no PDF", None),
    ("GET", "/articles"): ("read", None),
    ("POST", "/v1/chat/completions"): ("read key", CHAT),
    ("GET", "/v1/models"): ("read key, of no collection", None),
    ("GET", "/v1/models/{model:path}"): ("read key", None),
    ("POST", "/mcp"): ("read key, of no collection", PING),
    ("POST", "/mcp/"): ("read key, of no collection", PING),
    ("GET", "/metrics"): ("admin", None),
    ("GET", "/v1/files"): ("admin", None),
    ("GET", "/v1/files/{path:path}/passages"): ("admin", None),
    ("POST", "/v1/files"): ("write", {"url": "http://127.0.0.1:9/"}),
    ("PUT", "/v1/files/{path:path}"): ("write", None),
    ("DELETE", "/v1/files/{path:path}"): ("write", None),
    ("POST", "/v1/sync"): ("write", {}),
    ("GET", "/v1/jobs/{job_id}"): ("write", None),
    ("GET", "/v1/jobs"): ("admin", None),
    ("GET", "/v1/generations"): ("admin", None),
    ("POST", "/v1/generations/rollback"): ("admin, of two generations", None),
    ("GET", "/v1/feedback"): ("admin", None),
    ("GET", "/v1/feedback/export"): ("admin", None),
    ("DELETE", "/v1/feedback/{answer_id}"): ("admin, of what there is", None),
    ("POST", "/v1/feedback/{answer_id}/case"): (
        "admin, of named ones",
        {"answer": ""},  # also where there is feedback, the answer is missing
    ),
    ("GET", "/v1/cases"): ("admin", None),
    ("GET", "/v1/questions"): ("admin", None),
    ("GET", "/v1/questions/groups"): ("admin", None),
    ("GET", "/v1/questions/export"): ("admin", None),
    ("GET", "/v1/questions/{question_id}"): ("admin, of what there is", None),
    ("POST", "/v1/questions/{question_id}/replay"): ("admin, of what there is", None),
    ("GET", "/v1/evaluations"): ("admin", None),
    ("POST", "/v1/evaluations"): ("admin, of named ones", {}),
    ("GET", "/v1/evaluations/compare"): ("admin, of named ones", None),
    ("GET", "/v1/evaluations/{evaluation_id}"): ("admin, of what there is", None),
    ("GET", "/v1/evaluations/{evaluation_id}/report"): ("admin, of what there is", None),
    ("GET", "/v1/keys"): ("admin", None),
    ("POST", "/v1/keys"): ("admin", {"scopes": ["read"]}),
    ("DELETE", "/v1/keys/{key_id}"): ("admin, of what there is", None),
    ("GET", "/v1/widget/origins"): ("admin", None),
    ("GET", "/v1/doctor"): ("admin", None),
}
"""Written by hand, beside `api/access.py`: who may call it, and a body."""


class House:
    """A running service with a key of every kind, and what each caller sends."""

    def __init__(self, client: LocalClient, data: Path) -> None:
        self.client = client
        self.queries: dict[str, str] = {}
        keys = KeyStore(SqliteFile(data / "state.sqlite3"))
        read = keys.create(scopes=["read"])
        links = LinkSigner(SqliteFile(data / "state.sqlite3"), base="", ttl_s=600)
        old = LinkSigner(SqliteFile(data / "state.sqlite3"), base="", ttl_s=-2 * STEP_S)
        self.answer = issue_answer_id(links, "default", f"key:{read[3:11]}")
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        sources = client.get("/v1/sources", headers=bearer(read)).json()["sources"]
        self.source, other = sources[0]["id"], sources[1]["id"]
        revoked = keys.create(scopes=["read"])
        keys.revoke(revoked[3:11])
        past = time.time() - 1
        self.headers = {
            "nobody": {},
            "wrong": bearer("fn_00000000_" + "A" * 43),
            "expired": bearer(keys.create(scopes=["read", "write", "admin"], expires_s=past)),
            "revoked": bearer(revoked),
            "read": bearer(read),
            "write": bearer(keys.create(scopes=["write"])),
            "admin": bearer(keys.create(scopes=["admin"])),
            "other": bearer(keys.create(scopes=["read"], collections=["other"])),
            "widget": bearer(WidgetTokens(links).issue(SITE, ["default"])) | {"Origin": SITE},
            "foreign": bearer(read) | {"Origin": EVIL},
        }
        wait_until(lambda: self.call("other", "GET", "/v1/models", None)[0] == 200)  # all are known
        signed = links.view_url(self.source, "ab" * 32, start=0, end=3, quote="abc")
        self.queries = {
            "link": urlsplit(signed).query,
            "old_link": urlsplit(
                old.view_url(self.source, "ab" * 32, start=0, end=3, quote="abc")
            ).query,
            "altered_link": urlsplit(signed).query.replace("end=3", "end=4"),
            "other_link": urlsplit(
                links.view_url(other, "ab" * 32, start=0, end=3, quote="")
            ).query,
        }

    def call(self, caller: str, method: str, template: str, body: Any) -> tuple[int, str]:
        """Returns the status and the problem's words."""
        path = (
            template.replace("{source_id}", self.source)
            .replace("{answer_id}", self.answer)
            .replace("{question_id}", "ans_0")
            .replace("{evaluation_id}", "20261128-000000-000000")
            .replace("{key_id}", "00000000")
            .replace("{version}", self.client.app.version)  # type: ignore[attr-defined]  # a FastAPI
            .replace("{job_id}", "1")
            .replace("{page}", "1")
            .replace("/docs/{name}", "/docs/swagger-ui.css")
            .replace("/pages/{path:path}", "/pages/ask.js")
            .replace("{path:path}/passages", "lake.txt/passages")
            .replace("{path:path}", "a.txt")
            .replace("{model:path}", "footnote")
        )
        if query := self.queries.get(caller):
            path = f"{path}?{query}"
        headers = self.headers.get(caller, {})
        answered = self.client.request(method, path, json=body, headers=headers)
        kind = answered.headers.get("content-type", "")
        said = answered.json() if "problem" in kind else {}
        return answered.status_code, said.get("detail", "")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def house(lakes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = link_index(lakes / ".data", tmp_path_factory.mktemp("matrix") / "data")
    flags = {"data_dir": data, "widget_origins": (SITE,), "rate_limit_per_minute": 0}
    with LocalClient(create_app(load_settings(flags))) as client:
        yield House(client, data)


def walked() -> set[tuple[str, str]]:
    """Every method of every route; a mount, whatever it holds, is read by GET below its path."""
    app = create_app(load_settings({"data_dir": Path("nowhere")}))
    found = set()
    for context in iter_route_contexts(app.routes):
        assert context.path is not None
        below = "/{path:path}" if isinstance(context.original_route, Mount) else ""
        methods = set(context.methods or {"GET"}) - {"HEAD"}
        found |= {(method, context.path + below) for method in methods}
    return found


def test_every_route_of_the_app_has_a_row_here() -> None:
    assert walked() - set(ROWS) == set(), "say who may call these"
    assert set(ROWS) - walked() == set(), "these are gone"


def test_every_row_says_something_of_every_caller() -> None:
    assert {len(row.keys() & set(CALLERS)) for row in EXPECTED.values()} == {len(CALLERS)}


@pytest.mark.parametrize("row", sorted(ROWS), ids=lambda row: " ".join(row))
def test_a_route_is_open_to_whom_it_is_meant_for(row: tuple[str, str], house: House) -> None:
    kind, body = ROWS[row]
    for caller in CALLERS:
        status, detail = house.call(caller, *row, body)
        expected = EXPECTED[kind][caller]
        if expected != IN:
            assert status == expected, (caller, status, detail)
            assert WRITES_OFF not in detail, caller
        elif kind == "write":
            assert WRITES_OFF in detail, (caller, status, detail)
        else:
            assert status < 400, (caller, status, detail)


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "PUT", "OPTIONS", "HACK"])
def test_no_other_method_opens_anything_to_nobody(method: str, house: House) -> None:
    for _, template in sorted(ROWS):
        if (method, template) not in ROWS:
            status, _ = house.call("nobody", method, template, None)
            assert status in (401, 403), (template, status)
