"""Deadlines of model calls, Retry-After, and which headers are sent."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from rag.errors import ModelMisbehaved, ModelUnavailable
from rag.model.deadlines import (
    MAX_RETRY_AFTER_S,
    Deadline,
    allow_headers,
    limit_body,
    parse_retry_after,
)


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> str:
    return "done"


def test_work_within_the_deadline_returns_its_result() -> None:
    async def run() -> str:
        return await Deadline(5, "host").wait_for(5, at_once)

    assert asyncio.run(run()) == "done"


@pytest.mark.parametrize(
    ("total_s", "timeout_s", "message"),
    [
        (5, 0.01, "the model's endpoint host sent nothing for 0.01 s"),
        (0.01, 5, "the model's endpoint host did not finish within 0.01 s"),
    ],
)
def test_the_shorter_timeout_ends_the_work_and_is_named(
    total_s: float, timeout_s: float, message: str
) -> None:
    async def run() -> None:
        await Deadline(total_s, "host").wait_for(timeout_s, never)

    with pytest.raises(ModelUnavailable, match=f"^{message}$"):
        asyncio.run(run())


def test_after_the_deadline_no_work_starts() -> None:
    async def run() -> None:
        deadline = Deadline(0, "host")
        assert deadline.remaining_s() <= 0
        await deadline.wait_for(5, at_once)

    with pytest.raises(ModelUnavailable, match="did not finish within 0 s"):
        asyncio.run(run())


def test_retry_after_is_seconds_or_a_date_and_at_most_a_day() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert parse_retry_after("7") == 7
    assert parse_retry_after(soon) == pytest.approx(90, abs=5)
    assert parse_retry_after("9" * 400) == MAX_RETRY_AFTER_S


@pytest.mark.parametrize("header", ["", "soon", "-5", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_without_a_usable_retry_after_there_is_no_wait(header: str) -> None:
    assert parse_retry_after(header) == 0


def test_headers_from_the_environment_are_removed() -> None:
    sent = {"Authorization": "Bearer k", "X-Ambient": "1", "Api-Key": "own"}
    request = httpx2.Request("POST", "http://host/v1", headers=sent)
    asyncio.run(allow_headers(frozenset({"api-key"}))(request))
    assert "x-ambient" not in request.headers
    assert request.headers["api-key"] == "own"
    assert request.headers["authorization"] == "Bearer k"


@pytest.mark.parametrize(("size", "is_allowed"), [(10, True), (11, False)])
def test_a_body_over_the_limit_is_an_error(size: int, is_allowed: bool) -> None:
    async def run() -> bytes:
        response = httpx2.Response(200, stream=httpx2.ByteStream(b"x" * size))
        await limit_body(10)(response)
        return await response.aread()

    if is_allowed:
        assert asyncio.run(run()) == b"x" * size
    else:
        with pytest.raises(ModelMisbehaved, match="over 10 bytes"):
            asyncio.run(run())
