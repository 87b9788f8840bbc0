"""The openai client against a faulty upstream: the right error in time, nothing left behind."""

import asyncio
import base64
import math
import os
import struct
import subprocess
import sys
import time
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import AnswerError, ModelMisbehaved, ModelUnavailable
from rag.model.openai_chat import OpenAIChat
from rag.model.protocol import Message, ModelEnd, ModelSettings, ModelText
from rag.model.reasoning import ReasoningFilter
from rag.types import Usage
from tests.support.fakes import (
    FakeModel,
    Reply,
    Request,
    model_settings,
    quote_best_sentence,
    reply_sequence,
)
from tests.support.tasks import no_task_outlives

T = TypeVar("T")
KEY = "sk-very-secret"
TEXT = "Paris is the capital of France [1.2]."
SETTINGS = model_settings(model="tiny", api_key=KEY, max_tokens=100)
QUICK = replace(SETTINGS, total_s=1.0, between_tokens_s=0.5)
ASKED = (Message("system", "Be brief."), Message("user", "Which city?"))


SLACK_S = 10.0
PARTS = ("<think>", "<thinking>", "[THINK]", "<|channel|>analysis<|message|>", "<|im_end|>", "<|")


def alone(work: Coroutine[Any, Any, T]) -> T:
    """Runs the work in a loop of its own and sees to it that no task outlives it."""

    async def run() -> T:
        try:
            return await work
        finally:
            await no_task_outlives()

    return asyncio.run(run())


async def talk(server: FakeModel, given: ModelSettings = SETTINGS) -> tuple[str, ModelEnd]:
    chat = OpenAIChat(replace(given, base_url=server.base_url))
    try:
        said, end = "", None
        async for item in chat.stream(ASKED):
            assert end is None
            if isinstance(item, ModelText):
                assert item.text
                said += item.text
            else:
                end = item
        assert end
        return said, end
    finally:
        await chat.close()


def failing(server: FakeModel, given: ModelSettings = QUICK) -> AnswerError:
    """The error the talk ends with, which must not wait for more than the deadline.

    The slack is for a machine that does other things too.
    """
    OpenAIChat(given)  # the first one imports the client
    began = time.monotonic()
    with pytest.raises(AnswerError) as caught:
        alone(talk(server, given))
    assert time.monotonic() - began < given.total_s + SLACK_S
    assert KEY not in str(caught.value)
    return caught.value


def test_an_answer_comes_in_pieces_and_ends_with_its_reason_and_tokens() -> None:
    with FakeModel(TEXT) as server:
        assert alone(talk(server)) == (TEXT, ModelEnd("stop", Usage(4, 7)))
    body = server.requests[0].body
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which city?"},
    ]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny", 0.0, 100)


def test_a_length_cut_is_passed_on() -> None:
    with FakeModel(Reply(TEXT, finish_reason="length")) as server:
        assert alone(talk(server))[1].finish_reason == "length"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("no_answer", ModelUnavailable),
        ("slow_tokens", ModelUnavailable),
        ("stall", ModelUnavailable),
        ("endless", ModelUnavailable),
        ("hang_up", ModelUnavailable),
        ("cut", ModelUnavailable),
        ("error_event", ModelUnavailable),
        ("http_400", ModelUnavailable),
        ("http_401", ModelUnavailable),
        ("http_403", ModelUnavailable),
        ("http_404", ModelUnavailable),
        ("http_429", ModelUnavailable),
        ("http_500", ModelUnavailable),
        ("redirect", ModelUnavailable),
        ("ended", ModelMisbehaved),
        ("no_finish", ModelMisbehaved),
        ("bad_json", ModelMisbehaved),
        ("bad_utf8", ModelMisbehaved),
        ("deep_json", ModelMisbehaved),
        ("odd_shapes", ModelMisbehaved),
        ("empty_choices", ModelMisbehaved),
        ("null_content", ModelMisbehaved),
        ("html_200", ModelMisbehaved),
        ("gzip", ModelMisbehaved),
        ("huge", ModelMisbehaved),
        ("long_line", ModelMisbehaved),
    ],
)
def test_a_fault_is_the_right_error_in_time(fault: str, kind: type[AnswerError]) -> None:
    flood = fault in ("huge", "long_line")
    given = SETTINGS if flood else replace(QUICK, max_bytes=50_000_000)
    with FakeModel(TEXT, fault=fault) as server:
        error = failing(server, given)
    assert type(error) is kind
    if not flood and fault != "gzip":
        assert server.host in str(error)


@pytest.mark.parametrize(("fault", "status"), [("http_401", "401"), ("http_403", "403")])
def test_a_refused_key_names_the_status_and_makes_no_retry(fault: str, status: str) -> None:
    reply = Reply(fault=fault, error={"message": f"bad key {KEY}", "code": "invalid_api_key"})
    with FakeModel(reply) as server:
        error = failing(server)
    assert f"status {status}, invalid_api_key" in str(error)
    assert not error.retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["http_429", "http_500", "http_503", "hang_up", "error_event"])
def test_a_passing_fault_is_tried_again(fault: str) -> None:
    with FakeModel(reply_sequence(Reply(fault=fault), TEXT)) as server:
        assert alone(talk(server))[0] == TEXT
    assert len(server.requests) == 2


def test_a_fault_after_the_first_words_is_not_tried_again() -> None:
    with FakeModel(TEXT, fault="cut") as server:
        failing(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["http_429", "http_503"])
@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [("3600", 3600), ("Fri, 31 Dec 2055 23:59:59 GMT", math.inf), ("9" * 400, math.inf)],
)
def test_a_wait_beyond_the_deadline_is_not_waited_for(
    fault: str, retry_after: str, wait_s: float
) -> None:
    with FakeModel(Reply(fault=fault, retry_after=retry_after)) as server:
        error = failing(server)
    assert len(server.requests) == 1
    assert error.retryable
    assert "asks to wait" in str(error)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after_s == min(wait_s, 86_400)


def test_a_wait_within_the_deadline_is_kept() -> None:
    busy = Reply(fault="http_429", retry_after="1")
    with FakeModel(reply_sequence(busy, TEXT)) as server:
        began = time.monotonic()
        assert alone(talk(server))[0] == TEXT
        assert time.monotonic() - began >= 1


def test_an_unreachable_endpoint_is_unavailable() -> None:
    with FakeModel() as server:
        pass
    assert isinstance(failing(server), ModelUnavailable)


@pytest.mark.parametrize(
    ("named", "left_out", "put_in"),
    [
        ("max_tokens", "max_tokens", "max_completion_tokens"),
        ("temperature", "temperature", None),
        ("stream_options", "stream_options", None),
    ],
)
def test_a_refused_parameter_is_left_out_for_good(
    named: str, left_out: str, put_in: str | None
) -> None:
    def picky(request: Request) -> Reply:
        if named in request.body:
            message = f"Unsupported parameter: '{named}'. Use 'max_completion_tokens' instead."
            return Reply(fault="http_400", error={"message": message})
        return Reply(TEXT)

    async def twice(server: FakeModel) -> None:
        chat = OpenAIChat(replace(SETTINGS, base_url=server.base_url))
        for _ in range(2):
            assert [item async for item in chat.stream(ASKED)]
        await chat.close()

    with FakeModel(picky) as server:
        alone(twice(server))
    assert [left_out in request.body for request in server.requests] == [True, False, False]
    assert put_in is None or server.requests[-1].body[put_in] == 100


def test_a_parameter_refused_again_and_again_ends() -> None:
    stubborn = Reply(fault="http_400", error={"message": "no", "param": "temperature"})
    with FakeModel(stubborn) as server:
        failing(server)
    assert len(server.requests) == 2


def test_unset_parameters_are_not_sent() -> None:
    with FakeModel(TEXT) as server:
        alone(talk(server, replace(SETTINGS, temperature=None, max_tokens=None)))
    assert (
        not {"temperature", "max_tokens", "max_completion_tokens"} & server.requests[0].body.keys()
    )


def test_a_stream_that_never_says_done_is_whole_with_its_finish_reason() -> None:
    with FakeModel(TEXT, fault="no_done") as server:
        assert alone(talk(server)) == (TEXT, ModelEnd("stop", None))


@pytest.mark.parametrize("piece", [1, 7, 500])
def test_thinking_is_left_out(piece: int) -> None:
    with FakeModel(Reply(f"\n<think>Hm </thin> [9.9].</think>\n\n{TEXT}", piece=piece)) as server:
        assert alone(talk(server))[0] == TEXT


OWN_TAGS = (
    "<thinking>Hm.</thinking>{}",
    "<reasoning>Hm [9.9]</reasoning>\n{}",
    "<thought>a < b</thought>{}",
    "[THINK]Hm[/THINK]{}",
    "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>{}",
    "<think>a</think><think>b</think>{}",
    "{}<think>Was that all?",
    "{}<|im_end|>",
    "{}</s>",
    "<|channel|>final<|message|>{}<|return|>",
)


@pytest.mark.parametrize("written", OWN_TAGS)
@pytest.mark.parametrize("piece", [1, 500])
def test_no_kind_of_reasoning_is_answer(written: str, piece: int) -> None:
    with FakeModel(Reply(written.format(TEXT), piece=piece)) as server:
        assert alone(talk(server))[0] == TEXT


def test_reasoning_that_nothing_opened_ends_the_first_answer_and_is_left_out_of_the_next() -> None:
    async def twice(server: FakeModel) -> str:
        chat = OpenAIChat(replace(SETTINGS, base_url=server.base_url))
        try:
            with pytest.raises(ModelMisbehaved, match="reasoning") as refused:
                [item async for item in chat.stream(ASKED)]
            assert refused.value.retryable
            items = [item async for item in chat.stream(ASKED)]
        finally:
            await chat.close()
        return "".join(item.text for item in items if isinstance(item, ModelText))

    with FakeModel(f"Let me see. Paris?\n</think>\n\n{TEXT}") as server:
        assert alone(twice(server)) == TEXT


def test_a_model_that_once_thought_may_answer_at_once() -> None:
    reasoning = ReasoningFilter(is_unopened=True)
    assert reasoning.feed("Paris ") == ""
    assert reasoning.feed("it is.") + reasoning.finish() == "Paris it is."


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_in_a_field_of_its_own_is_left_out(field: str) -> None:
    deltas = ({"role": "assistant"}, {field: "Hm."}, {"content": ""}, {}, {"content": None})
    with FakeModel(Reply(TEXT, before=deltas)) as server:
        assert alone(talk(server)) == (TEXT, ModelEnd("stop", Usage(4, 7)))


@given(st.lists(st.sampled_from([*PARTS, "Paris", " ", "\n"]), max_size=9), st.data())
def test_reasoning_do_not_depend_on_how_the_text_is_cut(
    parts: list[str], data: st.DataObject
) -> None:
    text = "".join(parts)
    cut = data.draw(st.integers(0, len(text)))
    whole, cuts = ReasoningFilter(), ReasoningFilter()
    one = whole.feed(text) + whole.finish()
    assert cuts.feed(text[:cut]) + cuts.feed(text[cut:]) + cuts.finish() == one


def test_thinking_without_an_answer_is_no_answer() -> None:
    with FakeModel(Reply("<think>Hm", finish_reason="length")) as server:
        assert "length" in str(failing(server))


@pytest.mark.parametrize("text", ["<", "<think", "<b>5</b> < 6", "[THIN]", "a <|b", "x <thinker>"])
def test_text_that_only_begins_like_thinking_is_kept(text: str) -> None:
    with FakeModel(text) as server:
        assert alone(talk(server))[0] == text


@pytest.mark.parametrize("fault", ["no_answer", "slow_tokens", "stall"])
def test_a_cancelled_talk_closes_the_upstream(fault: str) -> None:
    async def cancelled(server: FakeModel) -> None:
        talking = asyncio.create_task(talk(server))
        while not server.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
        assert await asyncio.to_thread(server.disconnected.wait, 5)

    with FakeModel(Reply(fault=fault, pause_s=0.02)) as server:
        alone(cancelled(server))


def test_closing_the_stream_closes_the_upstream() -> None:
    async def left(server: FakeModel) -> None:
        chat = OpenAIChat(replace(SETTINGS, base_url=server.base_url))
        async with aclosing(chat.stream(ASKED)) as items:
            async for _ in items:
                break
        assert await asyncio.to_thread(server.disconnected.wait, 5)
        await chat.close()

    with FakeModel(Reply(fault="slow_tokens", pause_s=0.02)) as server:
        alone(left(server))


def test_the_consumers_own_time_is_not_interrupted() -> None:
    async def slow(server: FakeModel, seen: list[object]) -> None:
        chat = OpenAIChat(replace(SETTINGS, base_url=server.base_url, total_s=0.3))
        try:
            async for item in chat.stream(ASKED):
                await asyncio.sleep(0.4)
                seen.append(item)
        finally:
            await chat.close()

    seen: list[object] = []
    with FakeModel(TEXT) as server, pytest.raises(ModelUnavailable):
        alone(slow(server, seen))
    assert len(seen) == 1


@pytest.mark.parametrize("bad", ["é", "a\nb"])
def test_a_key_that_cannot_be_sent_is_an_error_without_the_key(bad: str) -> None:
    with FakeModel(TEXT) as server:
        error = failing(server, replace(QUICK, api_key=KEY + bad))
    assert isinstance(error, ModelUnavailable)


def test_the_environment_neither_redirects_nor_signs_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ambient")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-ambient")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-ambient")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Ambient: 1\nAuthorization: Bearer ambient")
    given = replace(SETTINGS, headers={"api-key": "own"}, query={"api-version": "1"})
    with FakeModel(TEXT) as server:
        alone(talk(server, given))
        alone(talk(server, replace(SETTINGS, api_key=None)))
    first, second = server.requests
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert first.headers["api-key"] == "own"
    assert first.path == "/v1/chat/completions?api-version=1"
    assert "ambient" not in str(first.headers) + str(second.headers)
    assert "openai-organization" not in first.headers


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(replace(SETTINGS, headers={"api-key": KEY}, query={"k": KEY}))


def test_importing_the_seam_does_not_import_openai() -> None:
    code = (
        "import rag.model.openai_chat, sys; sys.exit(bool({'openai', 'httpx2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == 0


def test_the_fake_answers_plainly_too_and_embeds() -> None:
    import openai

    def near(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    with (
        FakeModel(TEXT) as server,
        openai.OpenAI(api_key="x", base_url=server.base_url) as client,
    ):
        plain = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "?"}]
        )
        texts = ["the tall bridge", "a tall bridge", "grey cats"]
        rows = client.embeddings.create(model="m", input=texts).data
        raw = client.embeddings.create(model="m", input="cats", encoding_format="base64")
    assert plain.choices[0].message.content == TEXT
    tall, too, cats = (row.embedding for row in rows)
    assert near(tall, tall) == pytest.approx(1)
    assert near(tall, too) > near(tall, cats)
    packed: Any = raw.data[0].embedding
    assert len(struct.unpack("<64f", base64.b64decode(packed))) == 64


def test_the_quoting_script_cites_the_sentence_that_shares_most_words() -> None:
    prompt = "[1.1] Cats are grey.\n[1.2] The bridge is tall.\n\nQuestion: How tall is the bridge?"
    request = Request("/", {}, {"messages": [{"role": "user", "content": prompt}]})
    assert quote_best_sentence(request) == "The bridge is tall. [1.2]"
