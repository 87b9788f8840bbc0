"""Every option of OpenAI's chat requests is honoured, refused by name, or listed as ignored."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import httpx
import openai
import pytest
from openai.types.chat import completion_create_params
from openai.types.chat.chat_completion_content_part_param import ChatCompletionContentPartParam

from api.errors import ParameterUnsupported
from api.wire.openai_options import HONOURED, IGNORED, NOT_READ, REFUSED, check_options
from tests.support.processes import ROOT, RunningService

QUESTION = "How many people bought an SU7 in a single year?"
ASKED: list[Any] = [{"role": "user", "content": QUESTION}]
SCHEMA = {"name": "s", "schema": {"type": "object"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
NAMED = {"type": "function", "function": {"name": "f"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}

REFUSED_VALUES: list[tuple[str, Any]] = [
    *(("n", value) for value in (0, 2, 128, "1")),
    ("response_format", {"type": "json_object"}),
    ("response_format", {"type": "json_schema", "json_schema": SCHEMA}),
    ("response_format", "json"),
    *(("tool_choice", value) for value in ("required", NAMED, {"type": "custom"}, 1)),
    ("tool_choice", {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}),
    ("function_call", {"name": "f"}),
    ("logprobs", True),
    ("top_logprobs", 3),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("modalities", ["audio"]),
    ("modalities", ["text", "audio"]),
    *(("stop", value) for value in ("\n", ["a", "b"])),
    ("web_search_options", {}),
    ("moderation", {"model": "omni-moderation-latest"}),
]
DEFAULT_VALUES: list[tuple[str, Any]] = [
    *((name, None) for name in REFUSED),
    ("n", 1),
    ("response_format", {"type": "text"}),
    *(("tool_choice", value) for value in ("auto", "none")),
    ("tool_choice", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}),
    ("function_call", "none"),
    ("logprobs", False),
    ("top_logprobs", 0),
    ("modalities", ["text"]),
    *(("stop", value) for value in ("", [])),
]


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_every_option_that_openais_client_knows_is_classified() -> None:
    documented: set[str] = set()
    for shape in ("Base", "NonStreaming", "Streaming"):
        shape_type = getattr(completion_create_params, f"CompletionCreateParams{shape}")
        documented |= set(get_type_hints(shape_type))
    classes = [HONOURED, IGNORED, set(REFUSED)]
    assert set().union(*classes) == documented, "honour it, refuse it, or list it as ignored"
    assert sum(map(len, classes)) == len(documented), "one class each"


def test_every_part_of_a_message_that_openais_client_knows_is_classified() -> None:
    types = {
        get_args(get_args(get_type_hints(part, include_extras=True)["type"])[0])[0]
        for part in get_args(get_args(ChatCompletionContentPartParam)[0])
        or get_args(ChatCompletionContentPartParam)
    }
    assert types == {"text", *NOT_READ}


def test_the_reference_lists_what_is_ignored_and_refused() -> None:
    reference = (ROOT / "api" / "README.md").read_text("utf-8")
    section = reference.split("## OpenAI-compatible clients")[1].split("\n## ")[0]
    assert [name for name in sorted(IGNORED | set(REFUSED)) if f"`{name}`" not in section] == []


@pytest.mark.parametrize(("name", "value"), REFUSED_VALUES)
def test_what_changes_the_answer_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ParameterUnsupported) as caught:
        check_options({name: value})
    assert caught.value.field == f"body.{name}"


@pytest.mark.parametrize(("name", "value"), DEFAULT_VALUES)
def test_what_asks_for_one_text_is_accepted(name: str, value: Any) -> None:
    check_options({name: value})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "value"), [("n", 2), REFUSED_VALUES[5], ("tool_choice", "required"), ("stop", "\n")]
)
def test_a_refusal_is_400_in_openais_shape(
    name: str, value: Any, stream: bool, client: openai.OpenAI
) -> None:
    options: dict[str, Any] = {name: value, "stream": stream}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="footnote", messages=ASKED, **options)
    assert (caught.value.param, caught.value.code) == (name, "unsupported_parameter")
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ([IMAGE], "images are not read"),
        ([{"type": "text", "text": " "}, IMAGE], "images are not read"),
        ([AUDIO], "audio is not read"),
        ([FILE, IMAGE], "files are not read"),
        ([{"type": "video"}], "parts of type 'video' are not read"),
    ],
)
def test_a_question_without_words_says_what_is_not_read(
    parts: list[Any], cause: str, client: openai.OpenAI
) -> None:
    messages: list[Any] = [{"role": "user", "content": parts}]
    with pytest.raises(openai.BadRequestError, match=cause) as caught:
        client.chat.completions.create(model="footnote", messages=messages)
    assert caught.value.param == "messages"


def test_what_is_ignored_leaves_the_answer_as_it_is(
    client: openai.OpenAI, service: RunningService
) -> None:
    plain = client.chat.completions.create(model="footnote", messages=ASKED)
    body = {"model": "footnote", "messages": ASKED, **{name: [{"x": 1}] for name in IGNORED}}
    reply = httpx.post(f"{service.url}/v1/chat/completions", json=body).json()
    assert reply["choices"][0]["message"]["content"] == plain.choices[0].message.content


def test_usage_is_zeros_where_no_model_answered(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="footnote", messages=ASKED)
    create = client.chat.completions.create
    *_, last, counts = create(
        model="footnote", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices[0].finish_reason == "stop"
    assert counts.choices == []
    for usage in (plain.usage, counts.usage):
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (0, 0, 0)
    chunks = list(create(model="footnote", messages=ASKED, stream=True))
    assert [chunk for chunk in chunks if chunk.usage or not chunk.choices] == []
