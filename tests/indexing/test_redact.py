"""What must not be shown is cut from any text, and the log has warnings only of other programs."""

import io
import logging
import subprocess
import sys

import pytest

from index.errors import EmbedderMismatch
from index.redact import (
    LibraryFilter,
    check_url,
    redact,
    register_secrets,
    register_url,
    strip_urls,
)
from rag.errors import ModelUnavailable
from tests.support.processes import ROOT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('POST http://usr:pass@host:80/v1?api-key=x#y "HTTP', 'POST http://host:80/v1 "HTTP'),
        ("'https://token@host/a', https://host/b?c", "'https://host/a', https://host/b"),
        ("redis://:pw@10.0.0.1:6379/0", "redis://10.0.0.1:6379/0"),
        ("async+redis://u:p@h and http:/u:p@h/a", "async+redis://h and http:/h/a"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1/"),
        ("mail me@host.example: 3://4, a:/b?c", "mail me@host.example: 3://4, a:/b?c"),
    ],
)
def test_urls_lose_their_user_and_query_and_nothing_else(text: str, expected: str) -> None:
    assert strip_urls(text) == expected


def test_registered_values_are_cut_however_they_are_encoded() -> None:
    register_url("http://operator:p%40ss%2Fword1@host/v1?key=gateway-key")
    register_secrets(["sk-a/b+c=d", "short", None])
    text = "p@ss/word1 p%40ss%2Fword1 gateway-key sk-a/b+c=d sk-a%2Fb%2Bc%3Dd operator short"
    assert redact(text) == " ".join(["[redacted]"] * 5 + ["operator", "short"])
    assert redact("Basic b3BlcmF0b3I6cEBzcy93b3JkMQ==") == "Basic [redacted]"


def test_messages_of_errors_are_redacted() -> None:
    register_secrets(["sk-in-a-message"])
    assert str(ModelUnavailable("it said sk-in-a-message")) == "it said [redacted]"
    error = EmbedderMismatch("m@http://u:p@h/v1/?k=v", "m@http://h/v2")
    assert "m@http://h/v1/ but" in str(error)


@pytest.mark.parametrize(
    "url", ["http://a:b/c@h", "http://a:1/c@h", "http://[h", "http://", "http://h:x", "http://h /a"]
)
def test_a_malformed_url_is_refused_without_its_value(url: str) -> None:
    with pytest.raises(ValueError, match="percent-encode") as refused:
        check_url(url)
    assert url not in str(refused.value)


def test_of_other_loggers_only_warnings_pass_whatever_their_level() -> None:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.addFilter(LibraryFilter())
    for name in ("footnote", "footnote.answer", "httpx2", "footnotes", "uvicorn.access", "root"):
        logger = logging.Logger(name, logging.DEBUG)
        logger.addHandler(handler)
        logger.info("%s info", name)
        logger.warning("%s warning", name)
    infos = [line for line in output.getvalue().splitlines() if line.endswith("info")]
    assert infos == ["footnote info", "footnote.answer info"]
    assert output.getvalue().count("warning") == 6


CRASH = """
import logging, threading, warnings
from index.redact import guard_stderr, register_secrets
register_secrets(["sk-in-a-crash"])
guard_stderr()
logging.getLogger("httpx2").setLevel(logging.DEBUG)
logging.getLogger("httpx2").info("POST http://usr:sk-in-a-crash@host")
logging.getLogger("otel").warning("header sk-in-a-crash is malformed")
warnings.warn("http://usr:pass@host", UserWarning)
thread = threading.Thread(target=lambda: int("sk-in-a-crash"))
thread.start(); thread.join()
raise ValueError("http://usr:pass@host?k=sk-in-a-crash")
"""


def test_what_a_process_writes_of_itself_is_redacted() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 2
    assert "header [redacted] is malformed" in done.stderr
    assert "POST" not in done.stderr
    assert "sk-in-a-crash" not in done.stderr.replace(CRASH, "")
    assert "usr:pass" not in done.stderr
