"""The OpenAPI document: the committed one is the service's, valid, and its examples are true."""

import json
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from api import schemas
from api.examples import EXAMPLES
from api.openapi import document
from tests.running import ROOT, SEEDS

COMMITTED = (ROOT / "openapi.json").read_text("utf-8")
DOCUMENT: dict[str, Any] = json.loads(COMMITTED)
KNOWN: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
MODELS = {
    name: model
    for name, model in vars(schemas).items()
    if isinstance(model, type) and issubclass(model, BaseModel) and name in KNOWN
}


def test_the_committed_document_is_what_the_service_says() -> None:
    assert document() == COMMITTED, "python -m api.openapi > openapi.json"


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_shape_has_an_example() -> None:
    assert [name for name, schema in KNOWN.items() if not schema.get("examples")] == []
    assert EXAMPLES.keys() - KNOWN.keys() == set()


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_what_its_model_would_send(name: str) -> None:
    example = EXAMPLES[name]
    sent = MODELS[name].model_validate(example, strict=True).model_dump(mode="json")
    assert example.keys() <= sent.keys(), "a name that the model does not know"
    assert {key: sent[key] for key in example} == example


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
def test_what_goes_wrong_is_always_a_problem(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        kinds = list(response.get("content", {}))
        if int(status) >= 400 and operation["operationId"] != "readyz":
            assert kinds == ["application/problem+json"], status


def test_the_events_of_a_stream_name_the_shape_of_their_data() -> None:
    answered = OPERATIONS["post /v1/answers"]["responses"]["200"]["content"]
    events = answered["text/event-stream"]["schema"]["oneOf"]
    told = {
        event["properties"]["event"]["const"]: event["properties"]["data"]["contentSchema"]["$ref"]
        for event in events
    }
    assert list(told) == ["passages", "delta", "sentence", "citation", "done", "error"]
    assert {ref.rpartition("/")[2] for ref in told.values()} <= KNOWN.keys()
    assert answered["application/json"]["schema"]["$ref"] == told["done"]
