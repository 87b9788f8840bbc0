"""Whatever goes wrong over HTTP is problem+json with a code and the request's id."""

import ast
import gzip
import json
import logging
import re
from collections.abc import Iterator

import pytest

from api.app import create_app
from api.errors import STATUS_BY_CODE, IndexBuilding, RequestInvalid, error_info
from api.http.middleware import MAX_BODY_BYTES
from api.routes.deps import MAX_QUESTION_CHARS
from api.security.permissions import ANYONE
from api.settings import load_settings
from index.errors import GenerationMissing, IndexingError, SharedUnavailable, SourceUnreadable
from rag.errors import AnswerError, ModelUnavailable, Overloaded
from tests.support.processes import ROOT, LocalClient

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    """A service with an empty data folder: whatever it can refuse, it refuses before the index."""
    folder = tmp_path_factory.mktemp("empty")
    app = create_app(load_settings({"data_dir": folder}))
    app.add_api_route("/broken", _broken)
    app.state.security.permissions.add("/broken", {"GET": ANYONE})
    with LocalClient(app) as made:
        yield made


def _broken() -> None:
    raise ZeroDivisionError("a secret in the words of a bug")


BODIES: list[tuple[str, str]] = [
    ("no JSON", "nope"),
    ("nothing", ""),
    ("no object", "[1]"),
    ("no question", "{}"),
    ("empty", '{"question": " \\n "}'),
    ("too long", '{"question": "%s"}' % ("x" * (MAX_QUESTION_CHARS + 1))),
    ("no text", '{"question": 5}'),
    ("half a character", '{"question": "\\ud800"}'),
    ("top_k true", '{"question": "x", "top_k": true}'),
    ("top_k text", '{"question": "x", "top_k": "5"}'),
    ("top_k broken", '{"question": "x", "top_k": 1.5}'),
    ("top_k zero", '{"question": "x", "top_k": 0}'),
    ("top_k endless", '{"question": "x", "top_k": 1e400}'),
    ("stream 0", '{"question": "x", "stream": 0}'),
    ("a system turn", '{"question": "x", "history": [{"role": "system", "content": ""}]}'),
]


@pytest.mark.parametrize("body", [body for _, body in BODIES], ids=[name for name, _ in BODIES])
def test_a_request_of_the_wrong_shape_is_422(body: str, client: LocalClient) -> None:
    response = client.post("/v1/answers", content=body, headers=JSON)
    problem = response.json()
    assert response.status_code == problem["status"] == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "invalid_request"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["errors"][0]["field"].startswith("body")


def test_a_field_is_named_as_the_client_wrote_it(client: LocalClient) -> None:
    for content in ("who \ud800", 5, [{"type": "text", "text": "\ud800"}]):
        message = {"role": "user", "content": content}
        body = json.dumps({"model": "footnote", "messages": [message]})
        error = client.post("/v1/chat/completions", content=body, headers=JSON).json()["error"]
        assert re.fullmatch(r"messages\.0\.content(\.0\.text)?", error["param"])
        assert error["message"].startswith(f"body.{error['param']}: ")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/pages/nothing.js", 404, "not_found"),
        ("GET", "/pages/%2e%2e/settings.py", 404, "not_found"),
        ("GET", "/docs/index.html", 404, "not_found"),
        ("GET", "/redoc", 404, "not_found"),
        ("GET", "/v1/answers", 405, "method_not_allowed"),
        ("DELETE", "/v1/sources", 405, "method_not_allowed"),
        ("GET", "/broken", 500, "internal"),
    ],
)
def test_what_the_framework_refuses_has_the_same_shape(
    method: str, path: str, status: int, code: str, client: LocalClient
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "secret" not in response.text


@pytest.mark.parametrize("body", [b'{"question": "\xff"}', b"[" * 1_500], ids=["bytes", "depth"])
def test_a_body_that_no_json_reader_can_read_is_400(body: bytes, client: LocalClient) -> None:
    response = client.post("/v1/answers", content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["code"] == "bad_request"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_does_not_say_it_is_json_is_415(kind: str, client: LocalClient) -> None:
    response = client.post(
        "/v1/answers", content='{"question": "x"}', headers={"Content-Type": kind}
    )
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/answers"), ("PUT", "/v1/files/a.md")])
def test_a_compressed_body_is_415_and_never_taken_as_it_comes(
    method: str, path: str, client: LocalClient
) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    response = client.request(method, path, content=gzip.compress(b"{}"), headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert response.headers["accept-encoding"] == "identity"
    assert "Content-Encoding" in response.json()["detail"]


def test_a_charset_beside_json_is_fine(client: LocalClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/v1/answers", content="{}", headers=headers).status_code == 422


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_413_declared_or_not(declared: bool, client: LocalClient) -> None:
    body = b'{"question": "' + b"x" * MAX_BODY_BYTES + b'"}'
    content = body if declared else iter([body[:1_000], body[1_000:]])
    response = client.post("/v1/answers", content=content, headers=JSON)
    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


def test_a_collection_that_is_not_served_is_404(client: LocalClient) -> None:
    response = client.post("/v1/search", json={"query": "x", "collection": "other"})
    assert response.status_code == 404
    assert response.json()["code"] == "collection_not_found"


def test_an_id_that_a_client_gives_is_kept_if_it_is_harmless(client: LocalClient) -> None:
    for given, kept in [("trace-1.a_B", True), ("x" * 65, False), ("a b", False)]:
        response = client.get("/livez", headers={"X-Request-Id": given})
        assert (response.headers["x-request-id"] == given) is kept


def test_a_request_is_logged_by_its_route_and_nothing_it_said(
    client: LocalClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="footnote.access"):
        client.post("/v1/answers", json={"question": "my secret plan " * 300})
        client.get("/v1/sources/secret/text?start=1")
        client.get("/secret%0alines%1b?q=secret")
        client.get("/pages/secret.js")
        client.request("SECRET", "/livez")
    lines = [vars(record) for record in caplog.records if record.name == "footnote.access"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/answers", 422),
        ("GET", "/v1/sources/{source_id}/text", 503),
        ("GET", None, 404),
        ("GET", "/pages/{path}", 404),
        ("other", None, 405),
    ]
    assert "secret" not in caplog.text.lower()


def test_every_answer_carries_safe_headers(client: LocalClient) -> None:
    for path in ("/livez", "/", "/nothing", "/broken", "/pages/ask.js"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_an_errors_nearest_class_in_the_table_decides() -> None:
    assert error_info(GenerationMissing("c")).code == "index_missing"
    assert error_info(SourceUnreadable("p", "c")).code == "index_unavailable"
    shared = error_info(SharedUnavailable("s3://bucket/prefix", "403 Forbidden"))
    assert (shared.status, shared.code) == (503, "shared_unavailable")
    assert "bucket" not in shared.detail
    assert error_info(IndexBuilding()).status == error_info(Overloaded(1)).status == 503
    assert error_info(RequestInvalid("f", "c")).status == 422
    assert error_info(ZeroDivisionError()).status == error_info(AnswerError()).status == 500


@pytest.mark.parametrize("error", [ModelUnavailable("secret"), IndexingError("secret")])
def test_words_that_may_name_hosts_or_paths_stay_in_the_log(error: Exception) -> None:
    assert "secret" not in error_info(error).detail


def test_every_code_has_one_status() -> None:
    assert STATUS_BY_CODE["index_building"] == 503
    assert all(400 <= status < 600 for status in STATUS_BY_CODE.values())


def test_every_code_that_is_raised_has_a_status() -> None:
    raised = {
        node.args[0].value
        for path in (ROOT / "api").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RequestError"
        if isinstance(node.args[0], ast.Constant)
    }
    assert {"forbidden", "host_unknown", "unauthenticated"} <= raised
    assert raised <= STATUS_BY_CODE.keys()


def test_the_openapi_document_names_the_problems_and_the_events(client: LocalClient) -> None:
    document = client.get("/openapi.json").json()
    asked = document["paths"]["/v1/answers"]["post"]["responses"]
    assert {"200", "404", "413", "415", "422", "500", "503"} <= set(asked)
    assert list(asked["422"]["content"]) == ["application/problem+json"]
    events = asked["200"]["content"]["text/event-stream"]["schema"]["oneOf"]
    names = [event["properties"]["event"]["const"] for event in events]
    assert names == ["passages", "search", "delta", "sentence", "citation", "done", "error"]
    known = document["components"]["schemas"]
    used = {
        event["properties"]["data"]["contentSchema"]["$ref"].rpartition("/")[2] for event in events
    }
    assert used | {"Problem"} <= set(known)
    assert "HTTPValidationError" not in known
