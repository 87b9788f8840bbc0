"""No secret that a setting or a variable holds is in a log, metric, trace, reply, export or report.

Every setting that may hold one is filled with a canary, the service is used for real while its
upstreams work, refuse, fail and send back what they receive, at every log level that can be set.
"""

import importlib.util
import json
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from api.errors import SettingRefused
from api.settings import Settings, load_settings
from tests.support.extras import needs
from tests.support.fakes import FakeModel, Reply, Request, quote_best_sentence
from tests.support.otlp_collector import FakeOtlpCollector
from tests.support.postgres import PostgresServer, find_programs
from tests.support.processes import RunningService, free_port, link_model, run_footnote

CANARY = "qanary"
QUESTION = "How long did the lake freeze in 1998?"
SITE = "https://docs.example.org"

SECRET = {
    *("llm.base_url", "llm.api_key", "llm.headers", "llm.query"),
    *("embed.base_url", "embed.api_key", "rerank.base_url", "rerank.api_key"),
    *("otlp_endpoint", "rate_limit_storage", "state", "auth.client_secret"),
}
"""The settings that may hold a secret, in themselves or in a URL."""
PLAIN = {
    *("corpus", "data_dir", "collection", "collections", "access", "formats", "max_file_bytes"),
    *("allow_unmarked_corpora", "writable_names", "max_corpus_bytes", "max_corpus_files"),
    *("allow_writes", "add_networks", "host", "port", "insecure", "public_url", "allowed_hosts"),
    *("widget_origins", "widget_collections", "public_page", "rate_limit_per_minute", "root_path"),
    *("trusted_proxies", "max_concurrent_answers", "max_wait_s", "workers", "drain_s"),
    *(
        "reader",
        "support_mode",
        "support_judge",
        "keep_answers",
        "keep_questions_days",
        "metrics_port",
        "log_content",
    ),
    *("log_level", "role", "shared", "shared_poll_s", "pool", "engine", "in_place"),
    *("llm.model", "llm.temperature", "llm.max_tokens", "llm.passage_chars"),
    "llm.deadline_s",
    *("embed.model", "embed.built_in", "embed.path", "embed.runtime", "rerank.model"),
    *("auth.issuer", "auth.client_id", "auth.audience", "auth.scopes", "auth.groups_claim"),
    *("auth.groups", "auth.session_hours", "auth.trusted_header", "auth.trusted_groups_header"),
}
"""The others; `public_url`, which is part of every link, refuses user names and queries."""
STORE_VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_TOKEN"),
    *("AWS_SSE_CUSTOMER_KEY_BASE64", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY"),
    *("AZURE_STORAGE_MASTER_KEY", "AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
    *("AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_TOKEN"),
    *("AZURE_FABRIC_SESSION_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_BEARER_TOKEN"),
)
"""Credentials that the libraries of object stores read by themselves."""
LOUD = {
    "FOOTNOTE_LOG_CONTENT": "true",
    "FOOTNOTE_LOG_LEVEL": "info",
    "OPENAI_LOG": "debug",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONWARNINGS": "always",
    "GRPC_VERBOSITY": "info",
}
"""Every variable that raises a log level."""
FAULTS = ("http_401", "http_400", "http_500", "echo", "bad_json", "html_200", "error_event")


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The names of all settings, those of groups with a dot."""
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from leaves(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_setting_is_known_to_hold_a_secret_or_not() -> None:
    unknown = set(leaves(Settings)) - PLAIN - SECRET
    assert not unknown, "add it to SECRET, and its canary to `secret_env`, or to PLAIN"
    assert {name for name in SECRET if variable(name) not in secret_env("h", 1, "h", 2)} == set()


def variable(setting: str) -> str:
    return "FOOTNOTE_" + setting.replace(".", "__").upper()


UNREACHABLE_STATE = f"postgresql://footnote:{CANARY}-state@127.0.0.1:9/footnote"


def secret_env(
    model: str,
    redis_port: int,
    collector: str,
    proxy_port: int,
    *,
    state: str = UNREACHABLE_STATE,
) -> dict[str, str]:
    """An environment with a canary in everything that may hold a secret; the hosts are given."""
    url = f"http://{CANARY}-user-{{0}}:{CANARY}-pass-{{0}}@{model}/v1"
    proxy = f"http://{CANARY}-proxy-user:{CANARY}-proxy-pass@127.0.0.1:{proxy_port}"
    return {
        "FOOTNOTE_LLM__MODEL": "a-model",
        "FOOTNOTE_LLM__BASE_URL": url.format("llm"),
        "FOOTNOTE_LLM__API_KEY": f"{CANARY}_llm_key",  # a word: it may come back as a code
        "FOOTNOTE_LLM__HEADERS": json.dumps({"X-Gateway": f"{CANARY}-gateway"}),
        "FOOTNOTE_LLM__QUERY": json.dumps({"api-key": f"{CANARY}-query"}),
        "FOOTNOTE_EMBED__MODEL": "fake",
        "FOOTNOTE_EMBED__BASE_URL": url.format("embed"),
        "FOOTNOTE_EMBED__API_KEY": f"{CANARY}_embed_key",
        "FOOTNOTE_RERANK__BASE_URL": url.format("rerank"),
        "FOOTNOTE_RERANK__API_KEY": f"{CANARY}_rerank_key",
        "FOOTNOTE_OTLP_ENDPOINT": f"{collector}/?key={CANARY}-otlp-query",
        "FOOTNOTE_RATE_LIMIT_STORAGE": f"redis://:{CANARY}-redis@127.0.0.1:{redis_port}/0",
        "FOOTNOTE_STATE": state,
        "FOOTNOTE_AUTH__ISSUER": f"http://127.0.0.1:{redis_port}/",
        "FOOTNOTE_AUTH__CLIENT_ID": "footnote",
        "FOOTNOTE_AUTH__CLIENT_SECRET": f"{CANARY}-client-secret",
        "FOOTNOTE_KEY": f"{CANARY}-footnote-key",
        "OPENAI_API_KEY": f"{CANARY}-openai-key",
        "OPENAI_BASE_URL": url.format("openai"),
        "OPENAI_ADMIN_KEY": f"{CANARY}-openai-admin",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{CANARY}-otlp,{CANARY} malformed",
        "AWS_ENDPOINT_URL": url.format("aws"),
        **{name: f"{CANARY}-{name.lower()}" for name in STORE_VARIABLES},
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "NO_PROXY": "127.0.0.1",
    }


def echo(request: Request) -> str:
    """All that the request said, as one text."""
    return f"{request.path} {dict(request.headers)}"


@dataclass
class Upstream:
    """The reply of every endpoint: a fault, if one is set, which repeats the request."""

    fault: str | None = None
    codes: Iterator[str] = field(
        default_factory=lambda: cycle((f"{CANARY}_llm_key", f"{CANARY}_embed_key"))
    )

    def __call__(self, request: Request) -> str | Reply:
        is_retried = self.fault not in ("echo", "http_401")  # by the openai client, for seconds
        if self.fault is None or (is_retried and "embeddings" in request.path):
            return quote_best_sentence(request) if "messages" in request.body else ""
        received = echo(request)
        error = {"message": received, "type": received, "param": received, "code": next(self.codes)}
        return Reply(text="", fault=self.fault, error=error, finish_reason=received)


@dataclass
class Seen:
    """What was shown somewhere, by place."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, place: str, text: str) -> None:
        self.texts[place] = self.texts.get(place, "") + text

    def places_of(self, *secrets: str) -> list[str]:
        """Where a secret is, with the text around it."""
        return [
            f"{place}: …{text[max(0, at.start() - 200) : at.end() + 60]}…"
            for place, text in self.texts.items()
            for secret in secrets
            if (at := re.search(re.escape(secret), text, re.IGNORECASE))
        ]


def write_corpus(home: Path, seeds_data: Path) -> None:
    link_model(home, seeds_data)
    (home / "articles").mkdir()
    for name in ("lake", "river"):
        text = f"The {name} froze for 142 days in 1998. The ice of the {name} was thick.\n"
        (home / "articles" / f"{name}.txt").write_text(text)
    case = {
        "id": "a",
        "question": QUESTION,
        "answers": ["142"],
        "evidence": [{"source": "lake.txt", "quote": "The lake froze for 142 days in 1998."}],
    }
    (home / "cases.jsonl").write_text(json.dumps(case))


def use(service: RunningService, key: str, seen: Seen, place: str) -> str:
    """Calls every kind of route; returns the widget token that it was given."""
    headers = {"Authorization": f"Bearer {key}"}
    message = {"role": "user", "content": QUESTION}
    chat = {"model": "footnote", "messages": [message]}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        replies = [
            client.post("/v1/answers", json={"question": QUESTION}),
            client.post("/v1/answers", json={"question": QUESTION, "stream": True}),
            client.post("/v1/search", json={"query": "river"}),
            client.post("/v1/chat/completions", json=chat),
            client.post("/v1/sync", json={}),
            *(client.get(path) for path in ("/readyz", "/v1/sources", "/v1/models", "/metrics")),
            client.get("/readyz", headers={"Authorization": ""}),
        ]
        answer = replies[0].json()
        feedback = {"rating": "up", "question": QUESTION, "answer": "142 days"}
        replies.append(client.post(f"/v1/answers/{answer.get('id')}/feedback", json=feedback))
        job = replies[4].json().get("id")
        replies.append(client.get(f"/v1/jobs/{job}"))
        token = client.post("/v1/widget/token", json={}, headers={"Origin": SITE}).json()["token"]
    for reply in replies:
        seen.add(place, f"{reply.request.url.path} {dict(reply.headers)} {reply.text}\n")
    return str(token)


def run_commands(home: Path, env: Mapping[str, str], url: str, seen: Seen, place: str) -> None:
    """Runs every command that reports something, two at a time."""
    secret_url = url.replace("http://", f"http://{CANARY}-url-user:{CANARY}-url-pass@", 1)

    def run_one(command: tuple[str, ...]) -> None:
        done = run_footnote(*command, cwd=home, env=env)
        assert "Traceback" not in done.stderr
        seen.add(
            f"{place}: {command[0]} {command[1][:9]} {len(command)}", done.stdout + done.stderr
        )

    commands = [
        ("doctor", "articles", "--online"),
        ("status", "--json"),
        ("ask", QUESTION, "--json"),
        ("ask", QUESTION, "--url", f"{secret_url}?key={CANARY}-url-query"),
        ("search", "x", "--url", secret_url.replace("@", "/@")),
        ("feedback", "export"),
        ("eval", "run", "cases.jsonl", "--out", f"runs/{place}-url", "--url", secret_url),
        ("eval", "run", "cases.jsonl", "--out", f"runs/{place}"),
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_one, commands))
    run_one(("eval", "judge", f"runs/{place}", "--base-url", env["FOOTNOTE_LLM__BASE_URL"]))


def read_files(folder: Path, seen: Seen) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            seen.add(f"the file {path.name}", path.read_bytes().decode("latin-1"))


def create_key(home: Path, env: Mapping[str, str]) -> str:
    scopes = [word for scope in ("read", "write", "admin") for word in ("--scope", scope)]
    made = run_footnote("keys", "create", "--json", *scopes, cwd=home, env=env)
    return str(json.loads(made.stdout)["key"])


def prepare(home: Path, seeds_data: Path, env: Mapping[str, str], seen: Seen) -> str:
    """Builds the index and creates a key, which is returned."""
    write_corpus(home, seeds_data)
    synced = run_footnote("sync", "articles", cwd=home, env=env)
    assert synced.returncode == 0, synced.stderr
    seen.add("sync", synced.stdout + synced.stderr)
    return create_key(home, env)


@pytest.fixture
def state(request: pytest.FixtureRequest) -> str:
    """A database whose password is a canary; empty, so SQLite, where PostgreSQL is missing."""
    if not os.environ.get("CI") and not (find_programs() and importlib.util.find_spec("psycopg")):
        return ""
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.new_database(password=f"{CANARY}-state")
    return f"postgresql://{name}:{CANARY}-state@127.0.0.1:{server.port}/{name}"


@pytest.mark.parametrize("level", [{}, LOUD], ids=["default", "loud"])
def test_no_secret_is_shown_while_upstreams_work_and_fail(
    level: dict[str, str], state: str, tmp_path: Path, seeds_data: Path
) -> None:
    upstream, seen, port = Upstream(), Seen(), free_port()
    with FakeOtlpCollector() as collector, FakeModel(upstream) as model:
        proxy = free_port()
        env = secret_env(model.host, free_port(), collector.endpoint, proxy, state=state) | level
        key = prepare(tmp_path, seeds_data, env, seen)
        served = {
            "FOOTNOTE_CORPUS": "articles",
            "FOOTNOTE_ALLOW_WRITES": "true",
            "FOOTNOTE_WIDGET_ORIGINS": SITE,
            "FOOTNOTE_KEEP_ANSWERS": "true",
            "FOOTNOTE_SUPPORT_JUDGE": "model",
            "FOOTNOTE_METRICS_PORT": str(port),
        }
        (tmp_path / "articles" / ".footnote-corpus").touch()
        with RunningService("--no-sync", cwd=tmp_path, env=env | served) as service:
            tokens = [use(service, key, seen, "working")]
            for upstream.fault in FAULTS:
                tokens.append(use(service, key, seen, str(upstream.fault)))
            seen.add("the metrics port", httpx.get(f"http://127.0.0.1:{port}/metrics").text)
            upstream.fault = None if level else "echo"
            run_commands(tmp_path, env | served, service.url, seen, "commands")
            log = service.stop()
    assert len(model.requests) > 30
    assert any(CANARY in echo(request) for request in model.requests)
    assert '"event": "answered"' in log
    assert collector.spans
    read_files(tmp_path, seen)
    seen.add("traces", f"{collector.spans} {collector.resources}")
    seen.add("log", log)
    assert seen.places_of(CANARY) == []
    replies = {"working", *FAULTS}
    public = Seen({place: text for place, text in seen.texts.items() if place not in replies})
    assert public.places_of(key, *tokens) == []


def test_no_secret_is_shown_while_every_upstream_is_unreachable(
    tmp_path: Path, seeds_data: Path
) -> None:
    seen = Seen()
    with FakeModel(Upstream()) as model:
        collector = f"http://127.0.0.1:{free_port()}"
        env = secret_env(model.host, free_port(), collector, free_port(), state="")
        key = prepare(tmp_path, seeds_data, env, seen)
    env |= LOUD | {"FOOTNOTE_WIDGET_ORIGINS": SITE, "FOOTNOTE_EMBED__MODEL": ""}
    synced = run_footnote("sync", "articles", cwd=tmp_path, env=env)
    seen.add("sync", synced.stdout + synced.stderr)
    with RunningService("--no-sync", cwd=tmp_path, env=env) as service:
        use(service, key, seen, "unreachable")
        log = service.stop()
    env |= {"NO_PROXY": "", "FOOTNOTE_EMBED__MODEL": "fake"}  # through a proxy that is gone, too
    url = f"http://{CANARY}-user:{CANARY}-pass@127.0.0.1:9"
    for command in (("sync", "articles"), ("doctor", "articles"), ("ask", "x", "--url", url)):
        failed = run_footnote(*command, cwd=tmp_path, env=env)
        assert failed.returncode == 4
        seen.add(f"failed {command[0]}", failed.stdout + failed.stderr)
    seen.add("log", log)
    read_files(tmp_path, seen)
    assert seen.places_of(CANARY) == []


@needs("psycopg")
def test_no_secret_is_shown_while_the_state_is_unreachable(
    tmp_path: Path, seeds_data: Path
) -> None:
    seen = Seen()
    write_corpus(tmp_path, seeds_data)
    synced = run_footnote("sync", "articles", cwd=tmp_path)
    assert synced.returncode == 0, synced.stderr
    env = {"FOOTNOTE_STATE": UNREACHABLE_STATE, "FOOTNOTE_WIDGET_ORIGINS": SITE, **LOUD}
    with RunningService("--no-sync", cwd=tmp_path, env=env) as service:
        key = f"fn_{'0' * 8}_{CANARY:A<43}"
        use(service, key, seen, "without a state")
        log = service.stop()
    assert "the state database cannot be used" in log
    for command in (("keys", "list"), ("keys", "create"), ("feedback", "export"), ("doctor",)):
        failed = run_footnote(*command, cwd=tmp_path, env=env)
        assert failed.returncode == 4
        assert "Connection refused" in failed.stdout + failed.stderr
        seen.add(" ".join(command), failed.stdout + failed.stderr)
    seen.add("log", log)
    assert seen.places_of(CANARY) == []


MALFORMED = (
    f"http://me:{CANARY}/x@h/v1",
    f"http://me:{CANARY}?x@h/v1",
    f"http://me:1/{CANARY}@h/v1",
    f"http://me:{CANARY}@[h/v1",
    f"http://me:{CANARY} x@h/v1",
    f"{CANARY}@h",
)


URLS = {"public_url", "widget_origins", "auth.issuer"}


@pytest.mark.parametrize("setting", sorted(SECRET | URLS))
def test_a_malformed_setting_is_refused_without_its_value(
    setting: str, bare_environment: Path
) -> None:
    values: list[Any] = list(MALFORMED)
    if setting == "public_url":
        values += [f"https://me:{CANARY}@docs.example.org", f"https://docs.example.org/?k={CANARY}"]
    if setting == "rate_limit_storage":
        values = [value.replace("http:", "redis:") for value in values]
    for value in values:
        is_text = not setting.endswith(("api_key", "client_secret"))
        wrong: Any = value if is_text else [value]
        with pytest.raises(SettingRefused) as refused:
            load_settings({setting: wrong})
        assert CANARY not in str(refused.value)
