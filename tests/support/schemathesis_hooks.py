"""Hooks and checks for schemathesis, which loads this module through SCHEMATHESIS_HOOKS.

Environment: `CANARIES`, a JSON list of strings that no response may contain; `ORIGIN`, an origin
that widget tokens may be issued for.
"""

import json
import os
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

MAX_URL_BYTES = 60_000
ORIGIN = os.environ.get("ORIGIN")
CANARIES = [text.encode() for text in json.loads(os.environ.get("CANARIES", "[]"))]


@schemathesis.check
def leaks_no_secret(ctx: CheckContext, response: Response, case: Case) -> None:
    """Asserts that no canary is in the body or the headers of a response."""
    body_and_headers = response.content + json.dumps(response.headers).encode()
    assert not any(canary in body_and_headers for canary in CANARIES), "a canary is in the response"


@schemathesis.hook
def filter_query(context: HookContext, query: dict[str, Any]) -> bool:
    """Skips queries that the HTTP parser rejects before our code runs: 64 KB of headers."""
    return len(json.dumps(query)) < MAX_URL_BYTES // 6  # a character takes up to twelve in the URL


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: Any) -> Any:
    """Gives half of the file paths a suffix that the corpus accepts."""
    path = path_parameters.get("path") if isinstance(path_parameters, dict) else None
    if isinstance(path, str) and path and len(path) % 2:
        return {**path_parameters, "path": f"{path}.md"}
    return path_parameters


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Requests half of the answers as a stream, and widget tokens for the allowed origin."""
    if not isinstance(body, dict):
        return body
    if isinstance(url := body.get("url"), str) and url.startswith("http"):
        return {**body, "url": "http://127.0.0.1:9/"}  # a test asks no name server
    if {"question", "messages"} & body.keys() and len(body) % 2:
        return {"stream": True, **body}
    if body.get("origin", ORIGIN) is None:
        return {**body, "origin": ORIGIN}
    return body
