"""What the OpenAPI document says beyond the routes: problems, the events of a stream, examples.

`python -m api.cli.openapi > openapi.json` writes the committed document.
"""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ..security.permissions import TABLE, Who
from ..wire import schemas
from ..wire.examples import EXAMPLES
from ..wire.openai_schemas import ChatChunk, ChatErrorBody
from ..wire.problem_details import documented, documented_chat

_EVENTS: dict[str, type[BaseModel]] = {
    "passages": schemas.PassagesEvent,
    "delta": schemas.DeltaEvent,
    "sentence": schemas.SentenceEvent,
    "citation": schemas.CitationEvent,
    "done": schemas.AnswerBody,
    "error": schemas.ErrorEvent,
}
_AT = "#/components/schemas/"
_CONVERTER = re.compile(r":\w+(?=})")
"""What a template of the router holds and one of OpenAPI does not."""


def _data(model: type[BaseModel]) -> dict[str, object]:
    return {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": _AT + model.__name__},
    }


def _event(name: str, model: type[BaseModel]) -> dict[str, object]:
    properties = {"event": {"const": name}, "data": _data(model), "id": {"type": "string"}}
    return {"type": "object", "required": ["event", "data"], "properties": properties}


# `itemSchema`, which OpenAPI 3.2 has for this, is not valid in a 3.1 document.
EVENTS: dict[str, object] = {
    "description": "The answer, whole or as events; the last event is `done` or `error`",
    "content": {
        "text/event-stream": {
            "schema": {"oneOf": [_event(name, model) for name, model in _EVENTS.items()]}
        }
    },
}

CHUNKS: dict[str, object] = {
    "description": "The answer, whole or as chunks; `[DONE]` follows the last",
    "content": {
        "text/event-stream": {
            "schema": {
                "type": "object",
                "required": ["data"],
                "properties": {"data": {"anyOf": [_data(ChatChunk), {"const": "[DONE]"}]}},
            }
        }
    },
}


def describe(app: FastAPI) -> None:
    """Gives `app` an OpenAPI document that knows the problems and the events."""

    def made() -> dict[str, Any]:  # Any: FastAPI's own type for it
        if app.openapi_schema is None:
            built = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            known = built.setdefault("components", {}).setdefault("schemas", {})
            for name, schema in _definitions().items():
                known.setdefault(name, schema)
            for name in known.keys() & EXAMPLES.keys():
                known[name]["examples"] = [EXAMPLES[name]]
            built["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            rules = {_CONVERTER.sub("", path): rules for path, rules in TABLE.items()}
            for path, operations in built["paths"].items():
                _guarded(operations, rules.get(path, {}))
            app.openapi_schema = built
        return app.openapi_schema

    app.openapi = made  # type: ignore[method-assign]  # FastAPI's documented way


def _guarded(operations: dict[str, Any], rules: Mapping[str, Who]) -> None:
    """Adds what a key is needed for, and how a call ends that no route sees."""
    for method, operation in operations.items():
        who, statuses = rules.get(method.upper()), []
        if who and who.scope:
            operation["security"] = [{"key": []}]
            statuses += [401, 403, 421, 429]
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            # a body that is no JSON, too slow, too large, or does not say it is
            statuses += [400, 408, 413, 415]
        shape = documented_chat if "openai" in operation.get("tags", ()) else documented
        operation["responses"] |= {str(k): v for k, v in shape(*statuses).items()}


def _definitions() -> dict[str, Any]:  # Any: JSON schemas
    models = [
        (model, "serialization")
        for model in (schemas.Problem, ChatChunk, ChatErrorBody, *_EVENTS.values())
    ]
    _, document = models_json_schema(models, ref_template=_AT + "{model}")  # type: ignore[arg-type]  # a literal in a tuple
    definitions: dict[str, Any] = document["$defs"]
    return definitions
