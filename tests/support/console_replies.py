"""Replies of the console's routes, with one text wherever a file, reader or model says something.

`Routes` answers a page's requests for them in the browser, so that the page, its scripts and its
policy come from the real service while what it shows may be anything.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Json = dict[str, Any]
Reply = Json | Callable[[str, Json], Json | tuple[int, Json]]

TIME = "2026-11-28T09:30:00Z"
RUNS = ("run-2", "run-1")


def replies(text: str = "") -> dict[str, Reply]:
    """Returns a reply for each route, by method and path; `{}` in a path stands for anything."""
    return {
        "GET /v1/me": {"name": text or "Ada", "session": text or "1f2e3d"},
        "GET /readyz": {"status": "ready", "generation": "000002", "complete": True},
        **_documents(text),
        **_questions(text),
        **_feedback(text),
        **_quality(text),
        **_access(text),
    }


def merged_replies(texts: list[str]) -> dict[str, Reply]:
    """Returns the replies of the first text, their lists with what those of the others have."""
    merged = replies(texts[0])
    for other in map(replies, texts[1:]):
        for name, reply in other.items():
            into = merged[name]
            if isinstance(reply, dict) and isinstance(into, dict):
                lists = {key for key, one in reply.items() if isinstance(one, list)}
                merged[name] = into | {key: into[key] + reply[key] for key in lists}
    return merged


def problem(code: str, detail: str) -> Json:
    return {"type": "about:blank", "title": "no", "code": code, "detail": detail}


def job(path: str | None = None, status: str = "done", **changes: Any) -> Json:
    report = {"added": 1, "changed": 0, "removed": 0, "unchanged": 3, "skipped": []}
    return {
        "id": "job-1",
        "kind": "put" if path else "sync",
        "path": path,
        "status": status,
        "created_at": TIME,
        "ended_at": TIME if status == "done" else None,
        "progress": None,
        "report": report if status == "done" else None,
        "error": None,
    } | changes


def _documents(text: str) -> dict[str, Reply]:
    def file(path: str, **changes: Any) -> Json:
        return {
            "path": f"{path}{text}",
            "state": "indexed",
            "cause": None,
            "remedy": None,
            "title": text or "The lake in winter",
            "source_id": text or "s1",
            "passages": 12,
            "date": text or "2026-01-05",
            "language": text or "en",
            "bytes": 48_213,
            "modified": text or TIME,
        } | changes

    skipped = {
        "state": "skipped",
        "cause": text or "contains no text",
        "remedy": text or "Scan it with text recognition, or leave it out.",
        "title": None,
        "source_id": None,
        "passages": None,
        "date": None,
    }
    generation = {
        "generation": text or "000002",
        "is_serving": True,
        "built_at": text or TIME,
        "sources": 42,
        "passages": 512,
        "bytes": 3_400_000,
        "complete": False,
        "embedder": text or "minilm",
        "engine": text or "embedded",
    }
    before = {**generation, "generation": "000001", "is_serving": False, "complete": True}
    passage = {
        "start": 0,
        "end": 30,
        "heading": text or "Ice",
        "page": 3,
        "text": text or "It was cold. The lake froze.",
        "units": [
            {"start": 0, "end": 12, "kind": text or "sentence", "text": text or "It was cold."},
            {"start": 13, "end": 28, "kind": "sentence", "text": text or "The lake froze."},
        ],
    }
    url = text or "/v1/sources/s1/view?start=0&end=30"
    source = {"id": text or "s1", "source": text or "lake.md", "title": text or "The lake"}
    return {
        "GET /v1/files": {
            "files": [
                file("lake.md"),
                file("scan.pdf", **skipped),
                file("new.md", state="waiting", title=None, source_id=None, passages=None),
            ],
            "counts": {"indexed": 1, "skipped": 1, "waiting": 1},
            "next": None,
            "writable": True,
        },
        "GET /v1/files/{}/passages": {
            "source": {**source, "length": 56, "url": url},
            "text_length": 56,
            "notes": [text or "2 pictures were left out"],
            "passages": [passage, {**passage, "start": 28, "end": 56, "page": None}],
            "next": None,
        },
        "GET /v1/sources/{}/text": {"text": text or "It was cold. The lake froze. It was cold. …"},
        "GET /v1/generations": {"generations": [generation, before], "building": None},
        "POST /v1/generations/rollback": {"generation": text or "000001"},
        "POST /v1/sync": job(),
        "PUT /v1/files/{}": lambda path, _: job(unquote(path)),
        "POST /v1/files": {"jobs": [job(text or "example.org/page.html")]},
        "DELETE /v1/files/{}": lambda path, _: job(unquote(path)),
        "GET /v1/jobs": {"jobs": []},
        "GET /v1/jobs/{}": job(),
    }


def _questions(text: str) -> dict[str, Reply]:
    def question(at: int, state: str, **changes: Any) -> Json:
        return {
            "id": f"ans_{at}{text}",
            "time": text or TIME,
            "question": text or "How long did the lake stay frozen?",
            "kind": text or "question",
            "state": state,
            "reason": text or ("low_confidence" if state == "refused" else None),
            "confidence": 0.87,
            "rating": "down" if state == "refused" else None,
            "latency_ms": 41.3,
            "collection": text or "default",
            "language": text or "en",
        } | changes

    group = {
        "question": text or "Can I bring my dog?",
        "count": 14,
        "refused": 12,
        "tentative": 1,
        "answered": 1,
        "rated_down": 3,
        "ids": [text or "ans_1"],
        "last": text or TIME,
    }
    scores = {"dense": 0.71, "lexical": 0.92, "sentence": 0.66} | ({text: 0.5} if text else {})
    passage = {
        "rank": 1,
        "source": text or "lake.md",
        "start": 0,
        "end": 30,
        "text": text or "It was cold. The lake froze.",
        "score": 0.87,
        "scores": scores,
    }
    citation = {"source": text or "lake.md", "quote": text or "The lake froze."}
    answer = text or "The lake stayed frozen for 142 days. [1]"
    record = {
        **question(1, "answered"),
        "standalone_question": text or "How long did the lake stay frozen in 1998?",
        "answerer": "model",
        "model": text or "a-model",
        "answer": answer,
        "passages": [passage, {**passage, "rank": 2, "text": None}],
        "messages": [{"role": text or "system", "content": text or "Answer from the passages."}],
        "citations": [citation],
        "timings_ms": {"retrieve": 12.0, "answer": 1900.0, "total": 1912.0},
    }
    return {
        "GET /v1/questions": {
            "questions": [
                question(1, "refused"),
                question(2, "tentative"),
                question(3, "answered"),
            ],
            "next": None,
            "counts": {"answered": 31, "refused": 12, "tentative": 4, "total": 47, "since": TIME},
            "kept_days": 30,
            "how_to": None,
        },
        "GET /v1/questions/groups": {"groups": [group, {**group, "refused": 0, "answered": 13}]},
        "GET /v1/questions/export": {"text": text or "id\n"},
        "GET /v1/questions/{}": record,
        "POST /v1/questions/{}/replay": {
            "answer": {"answer": answer},
            "differences": [text or "the answer has another citation"],
        },
    }


def _feedback(text: str) -> dict[str, Reply]:
    one = {
        "answer_id": text or "ans_1",
        "time": text or TIME,
        "rating": "down",
        "comment": text or "It thawed in March, not in May.",
        "question": text or "When did the lake thaw?",
        "answer": text or "The lake thawed in May. [1]",
        "citations": [{"source": text or "lake.md", "quote": text or "It thawed in May."}],
        "words": "client",
        "by": text or "key 1a2b3c4d",
        "collection": text or "default",
        "correct_answer": text or "In March.",
        "accepted_as": None,
    }
    up = {**one, "answer_id": "ans_2", "rating": "up", "comment": None, "correct_answer": None}
    return {
        "GET /v1/feedback": {
            "feedback": [one, {**up, "words": "service", "accepted_as": text or "case-1"}],
            "next": None,
        },
        "POST /v1/feedback/{}/case": {"case": text or "case-2"},
        "DELETE /v1/feedback/{}": {},
        "GET /v1/feedback/export": {"text": text or "{}"},
    }


def _quality(text: str) -> dict[str, Reply]:
    metrics = {
        "answer_cited": {"value": 0.81, "low": 0.7, "high": 0.89, "n": 62, "unit": "rate"},
        "hit@5": {"value": 0.94, "low": 0.88, "high": 0.98, "n": 50, "unit": "rate"},
        text or "prompt_tokens": {
            "value": 900.0,
            "low": None,
            "high": None,
            "n": 62,
            "unit": text or "tokens",
        },
    }
    run = {
        "id": f"{RUNS[0]}{text}",
        "time": text or TIME,
        "label": text or "with the new model",
        "cases": 62,
        "metrics": metrics,
        "status": "done",
        "progress": None,
    }
    wrong = {
        "id": text or "c1",
        "question": text or "When did the lake thaw?",
        "expected": [text or "in March"],
        "answerable": True,
        "answer": text or "The lake thawed in May. [1]",
        "answered": True,
        "tentative": False,
        "failure": text or "wrong",
        "error": text or None,
        "citations": [{"source": text or "lake.md", "quote": text or "It thawed in May."}],
    }
    older = {**run, "id": f"{RUNS[1]}{text}", "label": text or "before"}
    failed = {
        **run,
        "id": f"x{text}",
        "status": "failed",
        "metrics": {},
        "error": text or "stopped",
    }
    change = {
        "metric": text or "answer_cited",
        "before": 0.74,
        "after": 0.81,
        "difference": 0.07,
        "low": 0.01,
        "high": 0.13,
        "p": 0.031,
    }
    flip = {"id": text or "c1", "question": text or "How long did the lake stay frozen?"}
    return {
        "GET /v1/cases": {"cases": 3, "file": text or "cases/default.jsonl"},
        "GET /v1/evaluations": {"evaluations": [run, older, failed]},
        "POST /v1/evaluations": {"id": "run-3"},
        "GET /v1/evaluations/compare": {
            "metrics": [change],
            "fixed": [{**flip, "before": text or "wrong", "after": None}],
            "broken": [{**flip, "before": None, "after": text or "not_retrieved"}],
        },
        "GET /v1/evaluations/{}": {**run, "results": [wrong, {**wrong, "failure": None}]},
        "GET /v1/evaluations/{}/report": {"text": text or "<!doctype html>"},
    }


def _access(text: str) -> dict[str, Reply]:
    key = {
        "id": text or "1a2b3c4d",
        "name": text or "our site",
        "scopes": [text or "read"],
        "collections": [text] if text else None,
        "created": text or TIME,
        "expires": None,
        "last_used": text or TIME,
        "status": "valid",
    }
    revoked = {**key, "id": "5e6f7a8b", "name": text or "a trial", "status": "revoked"}
    return {
        "GET /v1/keys": {"keys": [key, revoked]},
        "POST /v1/keys": {"id": "9c0d1e2f", "key": text or "fn_9c0d1e2f_secret"},
        "DELETE /v1/keys/{}": {},
        "GET /v1/widget/origins": {
            "origins": [text or "https://site.example"],
            "script": text or '<script src="https://kb.example/widget/v1.js" defer></script>',
            "element": text or "<footnote-chat></footnote-chat>",
            "blockers": [text or "the service has no key"],
        },
        "GET /v1/doctor": {
            "ok": False,
            "checks": [
                {"check": text or "index", "ok": True, "detail": text or "42 articles"},
                {"check": "model", "ok": None, "detail": text or "no model is configured"},
                {"check": "disk", "ok": False, "detail": text or "1 GB is left"},
            ],
        },
    }


class Routes:
    """Answers a page's requests for these routes, and records them."""

    def __init__(self, page: "Page") -> None:
        self.replies = replies()
        self.requests: list[tuple[str, str, Json]] = []
        for path in ("/v1/**", "/readyz*", "/sign-out*"):
            page.route(f"**{path}", self._answer)

    def sent(self, what: str) -> list[Json]:
        """Returns the bodies and parameters sent to a route, such as `POST /v1/sync`, in order."""
        return [body for method, path, body in self.requests if f"{method} {path}" == what]

    def _answer(self, route: "Route") -> None:
        request = route.request
        path = _path(request.url)
        body: Json = {name: one[-1] for name, one in parse_qs(urlsplit(request.url).query).items()}
        if request.method == "POST":
            body |= request.post_data_json or {}
        self.requests.append((request.method, path, body))
        reply, inner = self._find(request.method, path)
        given = reply(inner, body) if callable(reply) else reply
        status, content = given if isinstance(given, tuple) else (200, given)
        if set(content) == {"text"}:
            body_bytes = content["text"].encode(errors="replace")
            route.fulfill(status=status, body=body_bytes, content_type="text/plain")
        else:
            kind = "application/problem+json" if status >= 400 else "application/json"
            route.fulfill(status=status, body=json.dumps(content), content_type=kind)

    def _find(self, method: str, path: str) -> tuple[Reply, str]:
        """Returns the reply of a route, and what its path has in place of `{}`."""
        if reply := self.replies.get(f"{method} {path}"):
            return reply, ""
        for route, reply in self.replies.items():
            before, _, after = route.removeprefix(f"{method} ").partition("{}")
            if route.startswith(f"{method} ") and "{}" in route and after == after.strip():
                inner = path.removeprefix(before).removesuffix(after)
                if path.startswith(before) and path.endswith(after) and inner:
                    return reply, inner
        return lambda *_: (404, problem("not_found", f"{method} {path}")), ""


def _path(url: str) -> str:
    return urlsplit(url).path
