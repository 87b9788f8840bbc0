"""The log: JSON or readable, with ids, and without questions, passages or answers."""

import json
import logging
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from structlog.contextvars import bound_contextvars

from api.telemetry.logs import describe_exception, formatter
from rag.errors import ModelUnavailable
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import ROOT, RunningService, wait_until, write_lake_articles

CANARY = "qanary7"
QUESTION = f"How long did the lake freeze in 1998, {CANARY}?"


def lines_of(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


def format_line(record_of: logging.LogRecord, *, is_terminal: bool = False) -> str:
    return formatter(is_terminal=is_terminal, log_content=False).format(record_of)


def record(message: str, *, name: str = "footnote", **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, "a.py", 1, message, (), None)
    vars(made).update(extra)
    return made


def send_canaries(url: str) -> None:
    """Says the canary wherever a client can say something."""
    headers = {
        "Authorization": f"Bearer {CANARY}",
        "X-Api-Key": CANARY,
        "Cookie": f"key={CANARY}",
        "User-Agent": CANARY,
        "X-Request-Id": f"{CANARY} with a space",
        "Idempotency-Key": CANARY,
    }
    history = [{"role": "user", "content": CANARY}, {"role": "assistant", "content": CANARY}]
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        for body in (
            {"question": QUESTION},
            {"question": QUESTION, "stream": True, "history": history},
            {"question": QUESTION, "filters": {"source": [f"{CANARY}/"]}},
            {"question": QUESTION, "collection": CANARY},
            {"question": f"{CANARY} " * 900},
            {"question": {CANARY: 1}},
        ):
            client.post("/v1/answers", json=body)
        message = {"role": "user", "content": QUESTION}
        client.post("/v1/chat/completions", json={"model": "footnote", "messages": [message]})
        client.post("/v1/chat/completions", json={"model": CANARY, "messages": [message]})
        client.post("/v1/answers/ans_1/feedback", json={"rating": "up", "comment": CANARY})
        client.post("/v1/search", json={"query": CANARY})
        client.post("/v1/answers", content=b'{"question": ' + CANARY.encode())
        client.post("/v1/answers", content=CANARY, headers={"Content-Type": CANARY})
        client.get(f"/v1/sources?cursor={CANARY}&sig={CANARY}")
        client.get(f"/v1/sources/{CANARY}/view?start=0&end=5&v={CANARY}&sig={CANARY}&exp=1")
        client.get(f"/{CANARY}%0a%1b[31m?{CANARY}={CANARY}")
        client.get("/v1/sources", headers={"Host": f"{CANARY}.test"})
        client.get("/v1/sources", headers={"Origin": f"http://{CANARY}", "Referer": CANARY})
        job = client.put(f"/v1/files/{CANARY}.txt?{CANARY}={CANARY}", content=CANARY).json()
        wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["status"] == "done")
        client.delete(f"/v1/files/{CANARY}.md")


def test_nothing_a_client_or_a_model_says_is_in_the_log_or_the_metrics(home: Path) -> None:
    write_lake_articles(home / "articles")
    says = cycle(
        [
            Reply(text=f"{CANARY} [1.1]"),
            Reply(fault="http_400", error={"message": CANARY, "param": CANARY}),
            Reply(text=f"{CANARY} and more", fault="bad_json"),
        ]
    )
    with FakeModel(lambda _request: next(says)) as model:
        env = {
            "FOOTNOTE_LLM__MODEL": "a-model",
            "FOOTNOTE_LLM__BASE_URL": model.base_url,
            "FOOTNOTE_LLM__API_KEY": CANARY,
            "FOOTNOTE_ALLOW_WRITES": "true",
        }
        with RunningService("articles", cwd=home, env=env) as service:
            send_canaries(service.url)
            metrics = httpx.get(f"{service.url}/metrics").text
            log = service.stop()
    assert CANARY not in metrics.lower()
    assert 'status="200"' in metrics
    assert len(model.requests) >= 3
    assert CANARY not in log.lower()
    assert "froze" not in log
    describe_exception = [line for line in lines_of(log) if line["event"] == "request"]
    routes = {line["route"] for line in describe_exception if line["status"] < 300}
    assert {"/v1/answers", "/v1/chat/completions", "/v1/files/{path:path}"} <= routes
    assert {"answered", "failed"} <= {line["event"] for line in lines_of(log)}


def test_a_requests_lines_carry_its_id_and_the_stages_durations(lakes: Path) -> None:
    with RunningService("--no-sync", cwd=lakes) as service:
        for stream in (False, True):
            httpx.post(
                f"{service.url}/v1/answers",
                json={"question": "How long did the lake freeze in 1998?", "stream": stream},
                headers={"X-Request-Id": f"from-a-proxy-{stream}"},
                timeout=60,
            )
        lines = lines_of(service.stop())
    for stream in (False, True):
        ours = [line for line in lines if line.get("request_id") == f"from-a-proxy-{stream}"]
        answered, request = sorted(ours, key=lambda line: str(line["event"]))
        assert (answered["event"], request["event"]) == ("answered", "request")
        assert (request["route"], request["status"]) == ("/v1/answers", 200)
        assert answered["answer_id"].startswith("ans_")
        assert answered["citations"] >= 1
        assert {"retrieve", "answer", "cite", "support"} <= answered["stages_ms"].keys()
        assert answered["stages_ms"]["cite"] <= answered["stages_ms"]["answer"]
        assert {"timestamp", "level", "logger"} <= request.keys()


def test_content_is_logged_only_if_the_setting_says_so(lakes: Path) -> None:
    env = {"FOOTNOTE_LOG_CONTENT": "true"}
    with RunningService("--no-sync", cwd=lakes, env=env) as service:
        httpx.post(f"{service.url}/v1/answers", json={"question": QUESTION}, timeout=60)
        (answered,) = [line for line in lines_of(service.stop()) if "question" in line]
    assert answered["question"] == QUESTION
    assert "142 days" in answered["answer"]
    assert "142 days" in "".join(answered["passages"])


def test_a_line_carries_its_trace() -> None:
    context = trace.SpanContext(0xABC, 0xDEF, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)), bound_contextvars(request_id="r"):
        line = json.loads(format_line(record("hello", status=200)))
    assert (line["trace_id"], line["span_id"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert (line["event"], line["request_id"], line["status"]) == ("hello", "r", 200)
    assert "trace_id" not in json.loads(format_line(record("hello")))


def test_an_exception_is_logged_by_class_and_frames_without_its_message() -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ExceptionGroup(
                CANARY, [ValueError(CANARY), OSError(28, "No space", CANARY)]
            ) from error
    except ExceptionGroup as error:
        description = describe_exception(error, log_content=False)
        whole = json.dumps(describe_exception(error, log_content=True))
    assert CANARY not in json.dumps(description)
    assert [cause["type"] for cause in description["causes"]] == [
        "ValueError",
        "OSError",
        "KeyError",
    ]
    assert description["causes"][1]["message"] == "No space"
    assert description["frames"][0].startswith("test_logs.py:")
    assert CANARY in whole


def test_our_own_errors_keep_their_messages() -> None:
    assert (
        describe_exception(ModelUnavailable("it is down"), log_content=False)["message"]
        == "it is down"
    )


def test_of_a_librarys_message_the_first_line_is_kept() -> None:
    message = f"Task exception was never retrieved\nfuture: <Task exception=X('{CANARY}')>"
    lost = record(message, name="asyncio", question=CANARY)
    assert CANARY not in format_line(lost)
    assert "never retrieved" in format_line(lost)


def test_on_a_terminal_lines_are_readable_and_nothing_steers_the_screen() -> None:
    line = format_line(record("skipped \x1b[2J\u202ename.txt", status=200), is_terminal=True)
    assert "\\x1b[2J\\u202ename.txt" in line
    assert "\u202e" not in line
    assert "\x1b[2J" not in line
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)


def test_on_a_terminal_an_exception_is_a_block_of_lines() -> None:
    failed = record("broke")
    try:
        raise ModelUnavailable("down") from ZeroDivisionError(CANARY)
    except ModelUnavailable as error:
        failed.exc_info = (type(error), error, error.__traceback__)
    text = format_line(failed, is_terminal=True)
    assert "ModelUnavailable: down\n  at test_logs.py:" in text
    assert "from ZeroDivisionError" in text
    assert CANARY not in text


LEVELS = """
import io, logging, sys
from api.telemetry.logs import access_log, configure_logging, log, log_request
level = sys.argv[2] or None
stream = type("Stream", (io.StringIO,), {"isatty": lambda self: sys.argv[1] == "terminal"})()
configure_logging(stream, log_content=False, level=level)
logging.getLogger("footnote.sync").info("parse 5/5")
log_request("GET", "/livez", 200, 0.001)
log.info("answered")
log.warning("failed")
for word in ("parse 5/5", "request", "answered", "failed"):
    if word in stream.getvalue():
        print(word)
"""
EVERYTHING = ["parse 5/5", "request", "answered", "failed"]


@pytest.mark.parametrize(
    ("stream", "level", "expected"),
    [
        ("terminal", "", ["parse 5/5", "failed"]),
        ("terminal", "info", EVERYTHING),
        ("terminal", "warning", ["failed"]),
        ("file", "", EVERYTHING),
        ("file", "warning", ["failed"]),
    ],
)
def test_a_terminal_gets_no_line_for_each_question_unless_asked(
    stream: str, level: str, expected: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEVELS, stream, level],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:-1] == expected
