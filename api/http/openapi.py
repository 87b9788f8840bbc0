"""Completes the OpenAPI document: problems, the events of a stream, examples, required keys.

`python -m api.cli.openapi > openapi.json` writes the committed document.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ..security.permissions import PERMISSIONS, Permission
from ..wire.job_schemas import AddBody
from ..wire.openai_schemas import ChatChunk, ChatErrorBody
from ..wire.problem_details import chat_problem_responses, problem_responses
from ..wire.schemas import Problem
from ..wire.stream_schemas import STREAM_EVENTS

EXAMPLES_FILE = Path(__file__).parents[1] / "wire" / "examples.json"
"""One example for each schema, by its name; all of them are about the same question."""
_SCHEMAS = "#/components/schemas/"
_CONVERTER = re.compile(r":\w+(?=})")
"""The part of a Starlette path template that OpenAPI lacks, as in `{path:path}`."""


def _data(model: type[BaseModel]) -> dict[str, object]:
    return {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": _SCHEMAS + model.__name__},
    }


def _event(name: str, model: type[BaseModel]) -> dict[str, object]:
    properties = {"event": {"const": name}, "data": _data(model), "id": {"type": "string"}}
    return {"type": "object", "required": ["event", "data"], "properties": properties}


def _stream(description: str, schema: dict[str, object]) -> dict[str, object]:
    # `itemSchema`, which OpenAPI 3.2 has for this, is not valid in a 3.1 document.
    return {"description": description, "content": {"text/event-stream": {"schema": schema}}}


EVENT_STREAM_RESPONSE = _stream(
    "The answer, whole or as events; the last event is `done` or `error`",
    {"oneOf": [_event(name, model) for name, model in STREAM_EVENTS.items()]},
)

CHUNK_STREAM_RESPONSE = _stream(
    "The answer, whole or as chunks; `[DONE]` follows the last",
    {
        "type": "object",
        "required": ["data"],
        "properties": {"data": {"anyOf": [_data(ChatChunk), {"const": "[DONE]"}]}},
    },
)


def install_openapi(app: FastAPI) -> None:
    """Makes `app.openapi()` return the completed document."""

    def openapi() -> dict[str, Any]:  # Any: FastAPI's own type for it
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _build(app: FastAPI) -> dict[str, Any]:  # Any: FastAPI's own type for it
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in _definitions().items():
        schemas.setdefault(name, schema)
    examples = json.loads(EXAMPLES_FILE.read_text("utf-8"))
    for name in schemas.keys() & examples.keys():
        schemas[name]["examples"] = [examples[name]]
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    permissions = {_CONVERTER.sub("", path): methods for path, methods in PERMISSIONS.items()}
    for path, operations in document["paths"].items():
        _add_middleware_responses(operations, permissions.get(path, {}))
    return document


def _add_middleware_responses(
    operations: dict[str, Any], permissions: Mapping[str, Permission]
) -> None:
    """Adds the required key, and the responses of the middleware, which no route declares."""
    for method, operation in operations.items():
        permission, statuses = permissions.get(method.upper()), []
        if permission and (permission.scope or permission.needs_caller):
            operation["security"] = [{"key": []}]
            statuses += [401, 403, 421, 429]
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            # a body that is not JSON, too slow, too large or of another media type
            statuses += [400, 408, 413, 415]
        is_openai = "openai" in operation.get("tags", ())
        responses = (chat_problem_responses if is_openai else problem_responses)(*statuses)
        operation["responses"] |= {str(status): one for status, one in responses.items()}


def _definitions() -> dict[str, Any]:  # Any: JSON schemas
    models = (Problem, AddBody, ChatChunk, ChatErrorBody, *STREAM_EVENTS.values())
    inputs = [(model, "serialization") for model in models]
    _, document = models_json_schema(inputs, ref_template=_SCHEMAS + "{model}")  # type: ignore[arg-type]  # a literal in a tuple
    definitions: dict[str, Any] = document["$defs"]
    return definitions
