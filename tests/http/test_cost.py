"""What an outsider costs: no embedding, no model call, no look at an article or its index."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import get_contextvars

from api.app import create_app
from api.security.keys import KeyStore
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from index.embed.factory import EmbedSpec
from index.store.generation import Generation
from tests.support.corpus_builder import sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel, quote_best_sentence
from tests.support.processes import LocalClient, wait_until

LAKE = "The lake froze for 142 days in 1998. The ice was thick.\n"
QUESTION = {"question": "How long did the lake freeze in 1998?"}
CHAT = {"model": "footnote", "messages": [{"role": "user", "content": "How thick was the ice?"}]}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "ask", "arguments": QUESTION},
}
REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/answers", QUESTION),
    ("POST", "/v1/answers", QUESTION | {"stream": True}),
    ("POST", "/v1/search", {"query": "ice"}),
    ("POST", "/v1/chat/completions", CHAT),
    ("POST", "/mcp", CALL),
    ("GET", "/v1/sources", None),
    ("GET", "/v1/sources/{id}", None),
    ("GET", "/v1/sources/{id}/text", None),
    ("GET", "/v1/sources/{id}/view", None),
    ("GET", "/v1/sources/{id}/view?start=0&end=9&v=a&q=b&exp=99999999999&sig=c", None),
]


@dataclass
class Opened:
    """Sees every file and database that this process opens while it is on."""

    watching: bool = False
    paths: list[str] = field(default_factory=list)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event in ("open", "sqlite3.connect"):
            self.paths.append(str(arguments[0]))


class Counting:
    """A collection that counts how often requests ask for its generation, and gives it."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.leases = inner, 0

    def lease(self, groups: frozenset[str] | None = None) -> AbstractContextManager[Generation]:
        self.leases += "request_id" in get_contextvars()  # the metrics lease it every second, too
        leased: AbstractContextManager[Generation] = self._inner.lease(groups)
        return leased

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture(scope="module")
def opened() -> Opened:
    hook = Opened()
    sys.addaudithook(hook)  # there is no way to take it off
    return hook


@pytest.fixture
def chat() -> Iterator[FakeModel]:
    with FakeModel(quote_best_sentence) as model:
        yield model


def test_an_outsider_costs_nothing(
    tmp_path: Path, hosted: EmbedSpec, embeddings: FakeModel, chat: FakeModel, opened: Opened
) -> None:
    data = tmp_path / "data"
    sync_in_process(
        sync_request(write_files(tmp_path / "corpus", {"lake.txt": LAKE}), data, hosted)
    )
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    flags = {
        "data_dir": data,
        "embed.model": "fake",
        "embed.base_url": embeddings.base_url,
        "llm.model": "a-model",
        "llm.base_url": chat.base_url,
    }
    app = create_app(load_settings(flags))
    with LocalClient(app) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        counting = Counting(app.state.service.collections["default"])
        app.state.service.collections["default"] = counting
        headers = {"Authorization": f"Bearer {key}"}
        listed = client.get("/v1/sources", headers=headers).json()
        source = listed["sources"][0]["id"]
        counting.leases = 0
        embedded = len(embeddings.requests)
        opened.watching = True
        for sent in ({}, {"Authorization": f"Bearer {key}x"}, headers | {"Origin": "null"}):
            for method, path, body in REQUESTS:
                refused = client.request(
                    method, path.replace("{id}", source), json=body, headers=sent
                )
                assert refused.status_code in (401, 403)
                assert "lake" not in refused.text
        opened.watching = False
        costs = (counting.leases, len(embeddings.requests) - embedded, len(chat.requests))
        assert costs == (0, 0, 0)
        opened_paths = {path for path in opened.paths if str(tmp_path) in path}
        looked_at_each_second = data / "collections" / "default" / "CURRENT"
        allowed = {str(data / "state.sqlite3"), str(looked_at_each_second)}
        assert opened_paths <= allowed, "the keys are read, and nothing else"
        answer = client.post("/v1/answers", json=QUESTION, headers=headers).json()
    assert "142 days" in answer["answer"]
    assert counting.leases > 0, "it counts"
    assert len(embeddings.requests) > embedded
    assert len(chat.requests) > 0
