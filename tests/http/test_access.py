"""Who may read what: 3 groups, 60 articles with a canary each, and every way in.

What a group reads is compared with a service that never had the other articles.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.app import create_app
from api.bootstrap import open_state
from api.security.keys import KeyStore
from api.settings import Settings, load_settings
from tests.support.processes import LocalClient, link_model, run_footnote, wait_until

GROUPS = ("hr", "legal", "board")
TOPICS = (
    *("holiday", "laptop", "parking", "canteen", "training", "pension", "travel", "visitor"),
    *("badge", "printer", "warehouse", "supplier", "invoice", "contract", "audit", "server"),
    *("backup", "garden", "bicycle", "library"),
)
KINDS = {"hr": "leave", "legal": "dispute", "board": "merger", "open": "welcome"}
TOML = '[access]\n"board/" = ["board"]\n'
QUESTIONS = (
    *("How many days does the holiday leave take?", "How long does the laptop dispute take?"),
    *("How many days does the parking merger take?", "How long is the canteen welcome?"),
    *("Which articles are there?", "Which articles mention the dispute?", "Summarise it"),
    *("Summarise the article Training leave", "Who decides on the pension merger?"),
    *("Wer entscheidet über den audit dispute?", "What is the colour of Jupiter?"),
    *("Tell me about the server merger", "backup dsipute days", "What can you do?"),
)


IGNORED = ("id", "answer_id", "timings_ms", "created")


def canary(group: str, topic: str) -> str:
    """Returns a word that only one article has."""
    return f"zq{group}{topic}"


def article(group: str, topic: str, number: int) -> str:
    """Returns the text of an article."""
    front = f"---\naccess: [{group}]\n---\n" if group == "legal" else ""
    kind, word = KINDS[group], canary(group, topic)
    return (
        f"{front}# {topic.capitalize()} {kind} {word}\n\n"
        f"The {topic} {kind} takes {100 + number} days and is called {word}. "
        f"{word.capitalize()} is decided by the head of {topic}.\n"
    )


def write_corpus(folder: Path, groups: tuple[str, ...]) -> Path:
    """Writes the articles of these groups, those for everybody among them."""
    for place, group in enumerate(("open", *GROUPS)):
        if group not in (*groups, "open"):
            continue
        (folder / group).mkdir(parents=True)
        for number, topic in enumerate(TOPICS if group != "open" else TOPICS[:10]):
            file = folder / group / f"{topic}-{canary(group, topic)}.md"
            file.write_text(article(group, topic, 20 * place + number))
    if "hr" in groups:
        (folder / "hr" / ".footnote-access").write_text("# who works there\nhr\n")
    return folder


@dataclass
class Place:
    """A service, and the keys of who asks it."""

    client: LocalClient
    keys: dict[str, str]

    def as_(self, who: str) -> Callable[..., Any]:
        """Returns a function that sends a request of somebody."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} if who in self.keys else {}
        return lambda method, path, **more: self.client.request(
            method, path, headers=headers | more.pop("headers", {}), **more
        )


def start(home: Path, corpus: Path, data: Path, patch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Indexes and serves a corpus."""
    link_model(home, data)
    (home / "footnote.toml").write_text(TOML)
    done = run_footnote("sync", corpus, cwd=home)
    assert done.returncode == 0, done.stderr
    with patch.context() as context:
        context.chdir(home)
        flags = {"corpus": corpus, "data_dir": home / ".data", "allow_writes": True}
        settings: Settings = load_settings(flags | {"rate_limit_per_minute": 0})
        store = KeyStore(open_state(settings).main)
        keys = {
            group: store.create(scopes=["read", "write"], groups=[group, "everyone"])
            for group in GROUPS
        }
        keys["nobody"] = store.create(scopes=["read", "write"])
        keys["admin"] = store.create(scopes=["read", "write", "admin"])
        with LocalClient(create_app(settings)) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200)
            yield Place(client, keys)


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.fixture(scope="module")
def everything(
    tmp_path_factory: pytest.TempPathFactory, seeds_data: Path, patch: pytest.MonkeyPatch
) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("access")
    yield from start(home, write_corpus(home / "articles", GROUPS), seeds_data, patch)


@pytest.fixture(scope="module", params=GROUPS)
def alone(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    seeds_data: Path,
    patch: pytest.MonkeyPatch,
) -> Iterator[tuple[str, Place]]:
    """A service that has the articles of one group alone."""
    home, group = tmp_path_factory.mktemp("alone"), request.param
    for place in start(home, write_corpus(home / "articles", (group,)), seeds_data, patch):
        yield group, place


def forbidden(group: str) -> list[str]:
    """Returns the canaries that a group must not see."""
    return [canary(other, topic) for other in GROUPS if other != group for topic in TOPICS]


def normal(body: Any) -> Any:
    """Returns a reply without ids, times and signatures."""
    if isinstance(body, dict):
        left = {
            k: v for k, v in body.items() if k not in ("id", "answer_id", "timings_ms", "created")
        }
        return {k: urlsplit(v).path if k == "url" and v else normal(v) for k, v in left.items()}
    if isinstance(body, list):
        return [normal(one) for one in body]
    return body


def ways(place: Place, who: str) -> dict[str, Any]:
    """Asks in every way, and returns what came back."""
    send, found = place.as_(who), dict[str, Any]()
    for question in QUESTIONS:
        ask = {"question": question, "include_passages": True, "top_k": 20}
        found[f"answer {question}"] = send("POST", "/v1/answers", json=ask).json()
        found[f"search {question}"] = send(
            "POST", "/v1/search", json={"query": question, "top_k": 20}
        ).json()
    turns = [{"role": "user", "content": QUESTIONS[0]}, {"role": "assistant", "content": "?"}]
    later = {"question": "And the dispute?", "history": turns}
    found["follow-up"] = send("POST", "/v1/answers", json=later).json()
    messages = {"model": "footnote", "messages": [{"role": "user", "content": QUESTIONS[1]}]}
    found["chat"] = send("POST", "/v1/chat/completions", json=messages).json()
    for name, arguments in (
        ("search", {"query": QUESTIONS[2]}),
        ("ask", {"question": QUESTIONS[2]}),
    ):
        params = {"name": name, "arguments": arguments}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        accept = {"Accept": "application/json, text/event-stream"}
        reply = send("POST", "/mcp", json=call, headers=accept).json()["result"]
        found[f"mcp {name}"] = reply["structuredContent"]
    found["suggestions"] = send("GET", "/v1/suggestions").json()
    found["sources"] = send("GET", "/v1/sources?limit=100").json()
    found["ready"] = send("GET", "/readyz").json()
    return found


def test_a_group_is_answered_as_if_there_were_no_other_articles(
    alone: tuple[str, Place], everything: Place
) -> None:
    group, reference = alone
    found, expected = ways(everything, group), ways(reference, "admin")
    del expected["ready"], found["ready"]
    for way, reply in expected.items():
        assert normal(found[way]) == normal(reply), way


@pytest.mark.parametrize("group", [*GROUPS, "nobody"])
def test_no_way_in_shows_a_canary_of_another_group(group: str, everything: Place) -> None:
    replies = ways(everything, group)
    send = everything.as_(group)
    stream = send("POST", "/v1/answers", json={"question": QUESTIONS[1], "stream": True}).text
    articles = send("GET", "/articles").text
    text = json.dumps([replies, stream, articles], ensure_ascii=False).lower()
    assert [word for word in forbidden(group) if word in text] == []
    assert replies["ready"].get("sources") is None


def test_whoever_is_unrestricted_sees_every_article(everything: Place) -> None:
    listed = everything.as_("admin")("GET", "/v1/sources?limit=100").json()
    assert len(listed["sources"]) == 70


def sources_of(place: Place, who: str, group: str) -> list[dict[str, Any]]:
    listed = place.as_(who)("GET", "/v1/sources?limit=100").json()["sources"]
    return [one for one in listed if one["source"].startswith(f"{group}/")]


@pytest.mark.parametrize("page", ["", "/text", "/view", "/original", "/view?as=text"])
def test_a_source_of_another_group_does_not_exist(page: str, everything: Place) -> None:
    hidden = sources_of(everything, "admin", "board")[0]["id"]
    url = f"/v1/sources/{hidden}{page}"
    assert everything.as_("board")("GET", url).status_code == 200
    replies = [everything.as_(who)("GET", url) for who in ("hr", "legal", "nobody")]
    unknown = everything.as_("hr")("GET", url.replace(hidden, "0" * 16))
    for reply in replies:
        assert reply.status_code == unknown.status_code == 404
        assert re.sub("[0-9a-f]{16,}|req_\\w+", "", reply.text) == re.sub(
            "[0-9a-f]{16,}|req_\\w+", "", unknown.text
        )


def test_a_link_opens_what_its_maker_may_read(everything: Place) -> None:
    ask = {"question": "How many days does the parking merger take?"}
    answer = everything.as_("board")("POST", "/v1/answers", json=ask).json()
    link = answer["citations"][0]["url"]
    assert canary("board", "parking") in everything.client.get(link).text
    forged = link.replace("board", "hr")
    assert everything.client.get(forged).status_code == 403
    assert everything.client.get(re.sub("&groups=[^&#]*", "", link)).status_code == 403


def test_a_link_ends_with_the_permission_of_its_maker(
    tmp_path: Path, seeds_data: Path, patch: pytest.MonkeyPatch
) -> None:
    corpus = write_corpus(tmp_path / "articles", ("hr",))
    with contextmanager(start)(tmp_path, corpus, seeds_data, patch) as place:
        client, ask = place.client, {"question": "How many days does the holiday leave take?"}
        answer = place.as_("hr")("POST", "/v1/answers", json=ask).json()
        link = answer["citations"][0]["url"]
        assert client.get(link).status_code == 200
        (corpus / "hr" / ".footnote-access").write_text("board\n")
        place.as_("admin")("POST", "/v1/sync", json={})
        wait_until(lambda: client.get(link).status_code == 404)
        asked = {who: place.as_(who)("POST", "/v1/answers", json=ask).text for who in GROUPS}
        is_seen = {who: canary("hr", "holiday") in text for who, text in asked.items()}
        assert is_seen == {"hr": False, "legal": False, "board": True}


def test_a_widget_token_has_the_groups_of_its_issuer_or_fewer(everything: Place) -> None:
    origin = {"Origin": "http://127.0.0.1"}

    def seen(who: str, **body: object) -> int:
        made = everything.as_(who)("POST", "/v1/widget/token", json=body, headers=origin)
        if made.status_code != 200:
            return int(made.status_code)
        bearer = {"Authorization": f"Bearer {made.json()['token']}", **origin}
        return len(everything.client.get("/v1/sources?limit=100", headers=bearer).json()["sources"])

    assert seen("hr") == 30
    assert seen("hr", groups=[]) == 10
    assert seen("hr", groups=["board"]) == 403
    assert seen("admin") == 10
    assert seen("admin", groups=["board", "legal"]) == 50


def test_nobody_changes_what_they_may_not_read(everything: Place) -> None:
    for path in ("hr/new.md", "board/new.md", f"legal/holiday-{canary('legal', 'holiday')}.md"):
        for method in ("PUT", "DELETE"):
            sent = {"content": b"Text."} if method == "PUT" else {}
            reply = everything.as_("nobody")(method, f"/v1/files/{path}", **sent)
            assert reply.status_code == 403, (method, path)
            assert reply.json()["detail"] == "this path is for other groups"


def test_a_job_tells_a_restricted_caller_no_counts(everything: Place) -> None:
    job = everything.as_("hr")("POST", "/v1/sync", json={}).json()
    deadline = time.monotonic() + 60
    while job["status"] not in ("done", "failed") and time.monotonic() < deadline:
        job = everything.as_("hr")("GET", f"/v1/jobs/{job['id']}").json()
        time.sleep(0.1)
    assert job["status"] == "done"
    assert {job["report"][name] for name in ("added", "unchanged", "chunks")} == {None}
    whole = everything.as_("admin")("GET", f"/v1/jobs/{job['id']}").json()
    assert whole["report"]["unchanged"] == 70
