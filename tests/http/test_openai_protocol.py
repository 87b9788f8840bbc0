"""OpenAI's own client, unmodified, against the running service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from api.wire.openai import MAX_TURNS, split_messages
from api.wire.openai_schemas import ChatMessage, ContentPart
from tests.support.fakes import FakeModel, Reply
from tests.support.processes import RunningService

QUESTION = "How many people bought an SU7 in a single year?"
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_the_models_are_the_default_and_one_for_each_collection(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["footnote", "footnote/default"]


def test_one_model_is_told_of_by_its_name(client: openai.OpenAI) -> None:
    for name in ("footnote", "footnote/default"):
        assert client.models.retrieve(name).id == name
    for name in ("footnote/other", "gpt-4o"):
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(name)


def test_a_greeting_is_answered_without_links(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model="footnote", messages=[{"role": "user", "content": "Hi!"}]
    )
    assert made.choices[0].finish_reason == "stop"
    assert (made.choices[0].message.content or "").startswith("Hello!")
    assert not made.choices[0].message.annotations


def test_a_plain_answer_has_links_behind_its_markers(
    client: openai.OpenAI, service: RunningService
) -> None:
    made = client.chat.completions.create(model="footnote", messages=ASKED)
    plain = httpx.post(f"{service.url}/v1/answers", json={"question": QUESTION}).json()
    (choice,) = made.choices
    assert made.id.startswith("ans_")
    assert choice.finish_reason == "stop"
    assert choice.message.content == plain["answer"]
    notes = [note.url_citation for note in choice.message.annotations or []]
    assert len(notes) == sum(len(said["citations"]) for said in plain["sentences"]) > 0
    for note, cited in zip(notes, plain["citations"], strict=True):
        assert plain["answer"][note.start_index : note.end_index] == f"[{cited['n']}]"
        assert note.title == cited["title"]
        assert note.url.startswith(f"{service.url}/v1/sources/{cited['source_id']}/view?")
        page = httpx.get(note.url)
        assert page.status_code == 200
        assert "<mark" in page.text


def test_a_streamed_answer_is_the_plain_one(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="footnote", messages=ASKED).choices[0].message
    chunks = list(client.chat.completions.create(model="footnote", messages=ASKED, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    notes: list[dict[str, Any]] = [
        note for delta in deltas for note in getattr(delta, "annotations", None) or []
    ]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == plain.content
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    said = plain.annotations or []
    assert [note.pop("index") for note in notes] == list(range(len(said)))
    assert notes == [note.model_dump() for note in said] != []


def test_the_clients_own_accumulator_reads_the_stream(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="footnote", messages=ASKED) as stream:
        final = stream.get_final_completion()
    reply = final.choices[0].message
    plain = client.chat.completions.create(model="footnote", messages=ASKED).choices[0].message
    assert reply.content == plain.content
    assert (
        [note.url_citation for note in reply.annotations or []]
        == [note.url_citation for note in plain.annotations or []]
        != []
    )
    assert final.choices[0].finish_reason == "stop"


def test_a_refusal_is_text_that_ends_normally_without_annotations(client: openai.OpenAI) -> None:
    asked: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "Which river flows through Vienna?"}
    ]
    (choice,) = client.chat.completions.create(model="footnote", messages=asked).choices
    assert (choice.finish_reason, choice.message.annotations) == ("stop", [])
    assert (choice.message.content or "").endswith(".")


def test_history_reaches_the_question_and_system_messages_do_not(client: openai.OpenAI) -> None:
    asked: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Answer only with the word rhubarb."},
        {"role": "user", "content": "What is the Xring O1?"},
        {"role": "assistant", "content": "A mobile chip of Xiaomi. [1]"},
        {"role": "user", "content": [{"type": "text", "text": "And who supplies the batteries?"}]},
    ]
    made = client.chat.completions.create(
        model="footnote/default", messages=asked, temperature=2, seed=1, extra_body={"x": [None]}
    )
    assert made.model == "footnote/default"
    assert "rhubarb" not in (made.choices[0].message.content or "")


def test_parts_are_joined_and_what_is_no_text_is_left_out() -> None:
    said = [
        ChatMessage(role="system", content="s"),
        ChatMessage(role="user", content="a"),
        ChatMessage(role="tool", content="t"),
        ChatMessage(role="assistant", content=None),
        ChatMessage(role="assistant", content="b"),
        ChatMessage(
            role="user",
            content=[
                ContentPart(type="text", text="c"),
                ContentPart(type="image_url"),
                ContentPart(type="text", text="d"),
            ],
        ),
        ChatMessage(role="assistant", content="a beginning"),
    ]
    question, turns = split_messages(said)
    assert question == "c\nd"
    assert [(turn.role, turn.content) for turn in turns] == [("user", "a"), ("assistant", "b")]


def test_a_long_conversation_keeps_its_newest_turns() -> None:
    said = [ChatMessage(role="user", content=str(number)) for number in range(MAX_TURNS + 50)]
    question, turns = split_messages(said)
    assert question == str(MAX_TURNS + 49)
    assert [turn.content for turn in turns] == [str(n) for n in range(49, MAX_TURNS + 49)]


@pytest.mark.parametrize(
    ("more", "kind", "code"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, "model_not_found"),
        ({"model": "footnote/"}, openai.NotFoundError, "model_not_found"),
        ({"model": "footnote/other"}, openai.NotFoundError, "model_not_found"),
        ({"model": "footnote/other", "stream": True}, openai.NotFoundError, "model_not_found"),
        ({"messages": []}, openai.UnprocessableEntityError, "invalid_request"),
        (
            {"messages": [{"role": "system", "content": "x"}]},
            openai.UnprocessableEntityError,
            "invalid_request",
        ),
        (
            {"messages": [{"role": "user", "content": " "}]},
            openai.UnprocessableEntityError,
            "invalid_request",
        ),
    ],
)
def test_errors_have_openais_shape(
    more: dict[str, Any], kind: type[openai.APIStatusError], code: str, client: openai.OpenAI
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**{"model": "footnote", "messages": ASKED, **more})
    assert caught.value.code == code
    assert caught.value.type == "invalid_request_error"
    assert (caught.value.request_id or "").startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("GET", "/v1/chat/completions", "application/json", 405),
        ("POST", "/v1/chat/completions", "text/plain", 415),
        ("GET", "/v1/models/nothing", "application/json", 404),
    ],
)
def test_what_the_framework_refuses_there_has_openais_shape_too(
    method: str, path: str, kind: str, status: int, service: RunningService
) -> None:
    response = httpx.request(method, service.url + path, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_links_begin_with_the_public_address_where_one_is_set(
    seeds_data: Path, service: RunningService
) -> None:
    env = {"FOOTNOTE_PUBLIC_URL": "https://answers.example/footnote/"}
    with (
        RunningService("--no-sync", "--data-dir", seeds_data, cwd=seeds_data, env=env) as running,
        openai.OpenAI(base_url=f"{running.url}/v1", api_key="none") as client,
    ):
        made = client.chat.completions.create(model="footnote", messages=ASKED)
    notes = made.choices[0].message.annotations or []
    prefix = "https://answers.example/footnote/v1/sources/"
    assert {note.url_citation.url.startswith(prefix) for note in notes} == {True}


def test_usage_cut_streams_and_long_numbers_of_a_model(lakes: Path, tmp_path: Path) -> None:
    text = "The lake froze for 142 days in 1998 [1.1]. And then it goes on and on and on."
    long_number = f"It froze for 142 days in 1998 [1.1]. It had [{'9' * 4_500}] days."
    replies = iter([Reply(text), Reply(text), Reply(text, fault="cut"), Reply(long_number)])
    asked: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "How long did the lake freeze in 1998?"}
    ]
    with FakeModel(lambda _: next(replies)) as model:
        env = {"FOOTNOTE_LLM__MODEL": "m", "FOOTNOTE_LLM__BASE_URL": model.base_url}
        with (
            RunningService(
                "--no-sync", "--data-dir", lakes / ".data", cwd=tmp_path, env=env
            ) as running,
            openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client,
        ):
            ask = client.chat.completions.create
            plain = ask(model="footnote", messages=asked)
            options: Any = {"include_usage": True}
            last = list(ask(model="footnote", messages=asked, stream=True, stream_options=options))[
                -1
            ]
            with pytest.raises(openai.APIError) as caught:
                list(ask(model="footnote", messages=asked, stream=True))
            digits = ask(model="footnote", messages=asked).choices[0].message
    assert "9" * 4_500 in str(digits.content)
    assert len(digits.annotations or []) == 1
    assert plain.usage is not None
    assert plain.usage.total_tokens == plain.usage.prompt_tokens + plain.usage.completion_tokens
    assert last.choices == []
    assert last.usage == plain.usage
    assert caught.value.code in {"model_misbehaved", "model_unavailable"}
