"""The OpenAPI document: the committed one is the service's, valid, and its examples are true."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from api.cli.openapi import document
from api.http.openapi import EXAMPLES_FILE
from api.wire import job_schemas, openai_schemas, schemas
from api.wire.console import access, evaluations, feedback, files, generations, questions
from tests.support.processes import ROOT, SEEDS

EXAMPLES: dict[str, Any] = json.loads(EXAMPLES_FILE.read_text("utf-8"))
COMMITTED = (ROOT / "openapi.json").read_text("utf-8")
DOCUMENT: dict[str, Any] = json.loads(COMMITTED)
KNOWN: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
CONSOLE = (access, evaluations, feedback, files, generations, questions)
MODELS = {
    name: model
    for module in (schemas, openai_schemas, job_schemas, *CONSOLE)
    for name, model in vars(module).items()
    if isinstance(model, type) and issubclass(model, BaseModel) and name in KNOWN
}


def test_the_committed_document_is_what_the_service_says() -> None:
    assert document() == COMMITTED, "python -m api.cli.openapi > openapi.json"


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_shape_has_an_example() -> None:
    assert [name for name, schema in KNOWN.items() if not schema.get("examples")] == []
    assert EXAMPLES.keys() - KNOWN.keys() == set()


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_what_its_model_would_send(name: str) -> None:
    example = EXAMPLES[name]
    sent = (
        MODELS[name].model_validate_json(json.dumps(example), strict=True).model_dump(mode="json")
    )
    assert example.keys() <= sent.keys(), "a name that the model does not know"
    assert _within(example, sent)


def _within(example: Any, sent: Any) -> bool:
    """Whether an example is what was sent, with fields left out at most."""
    if isinstance(example, dict):
        return all(_within(value, sent[key]) for key, value in example.items())
    if isinstance(example, list):
        return len(example) == len(sent) and all(map(_within, example, sent))
    return bool(example == sent)


def test_the_examples_quote_is_in_the_seeds() -> None:
    cited = EXAMPLES["Citation"]
    text = (SEEDS / cited["source"]).read_text("utf-8")
    assert text[cited["start"] : cited["end"]] == cited["quote"]
    assert text[: cited["start"]].endswith(cited["before"])
    assert text[cited["end"] :].startswith(cited["after"])
    assert text.count("\n", 0, cited["start"]) + 1 == cited["line"]


def test_every_operation_has_a_short_id_of_its_own() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not name.isidentifier()] == []
    assert {"ask", "search", "list_sources", "get_source", "get_source_text"} <= set(ids)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_what_goes_wrong_has_one_shape(operation: dict[str, Any]) -> None:
    kind, shape = "application/problem+json", "Problem"
    if "openai" in operation["tags"]:
        kind, shape = "application/json", "ChatErrorBody"
    for status, response in operation["responses"].items():
        page = status == "404" and operation["operationId"] in ("view_source", "get_original")
        if int(status) >= 400 and operation["operationId"] != "readyz" and not page:
            said = {"schema": {"$ref": f"#/components/schemas/{shape}"}}
            assert response["content"] == {kind: said}, status


def test_what_needs_a_key_says_so() -> None:
    public = {"get /livez", "get /readyz", "post /v1/widget/token"}
    assert {name for name in OPERATIONS if "security" not in OPERATIONS[name]} == public
    for name in OPERATIONS.keys() - public:
        assert {"401", "403", "421", "429", "503"} <= OPERATIONS[name]["responses"].keys(), name


def test_the_chunks_of_a_chat_are_named_too() -> None:
    told = OPERATIONS["post /v1/chat/completions"]["responses"]["200"]["content"]
    chunk, end = told["text/event-stream"]["schema"]["properties"]["data"]["anyOf"]
    assert chunk["contentSchema"]["$ref"].endswith("/ChatChunk")
    assert end == {"const": "[DONE]"}


def test_the_events_of_a_stream_name_the_shape_of_their_data() -> None:
    answered = OPERATIONS["post /v1/answers"]["responses"]["200"]["content"]
    events = answered["text/event-stream"]["schema"]["oneOf"]
    told = {
        event["properties"]["event"]["const"]: event["properties"]["data"]["contentSchema"]["$ref"]
        for event in events
    }
    assert list(told) == [
        *("passages", "search", "delta", "sentence", "citation", "done", "error"),
    ]
    assert {ref.rpartition("/")[2] for ref in told.values()} <= KNOWN.keys()
    assert answered["application/json"]["schema"]["$ref"] == told["done"]
