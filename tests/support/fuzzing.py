"""What schemathesis is told beyond the OpenAPI document; loaded by it through SCHEMATHESIS_HOOKS.

`CANARIES` in the environment, a JSON list, names what no response may hold; `ORIGIN` a page that
tokens may be made for.
"""

import json
import os
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

LONGEST_URL = 60_000
ORIGIN = os.environ.get("ORIGIN")
CANARIES = [text.encode() for text in json.loads(os.environ.get("CANARIES", "[]"))]


@schemathesis.check
def tells_no_secret(ctx: CheckContext, response: Response, case: Case) -> None:
    """No canary is in a response's body or headers."""
    whole = response.content + json.dumps(response.headers).encode()
    assert not any(canary in whole for canary in CANARIES), "a canary is in the response"


@schemathesis.hook
def filter_query(context: HookContext, query: dict[str, Any]) -> bool:
    """Leaves out what the HTTP parser itself refuses, before any of our code: 64 KB of headers."""
    return len(json.dumps(query)) < LONGEST_URL // 6  # every character may be twelve in the URL


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: Any) -> Any:
    """Gives half of the paths below the corpus a name that it takes."""
    path = path_parameters.get("path") if isinstance(path_parameters, dict) else None
    if isinstance(path, str) and path and len(path) % 2:
        return {**path_parameters, "path": f"{path}.md"}
    return path_parameters


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Asks for half of the answers as a stream, and for tokens of a known page."""
    if not isinstance(body, dict):
        return body
    if {"question", "messages"} & body.keys() and len(body) % 2:
        return {"stream": True, **body}
    if body.get("origin", ORIGIN) is None:
        return {**body, "origin": ORIGIN}
    return body
