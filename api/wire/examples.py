"""One example of each shape on the wire, for the OpenAPI document; all tell of the same question.

The answer is what the service says of `seeds/`, shortened; tests hold each against its model.
"""

from typing import Any

Example = dict[str, Any]  # JSON

_SOURCE: Example = {
    "source_id": "3d59b3f8a59fee4e",
    "source": "the-partners-behind-xiaomis-car.md",
    "title": "The partners behind Xiaomi's car",
}
_SHA256 = "5b53d6076a0aca1369f461abd0c4f49b7cab95714f5eb626f1a2cea0de39d751"
_VIEW = "/v1/sources/3d59b3f8a59fee4e/view"
_QUESTION = "How many people bought an SU7 in a single year?"
_SENTENCE = "In one year the SU7 found 215,000 buyers."
_ANSWER = f"{_SENTENCE} [1]"

_SIGNED = "start=2648&end=2689&v=5b53d6076a0a&q=0e0c3fd1a0b95d3f4b77&exp=1796173200&sig=QWx0…"
_TURN: Example = {"role": "user", "content": "Tell me about the SU7."}
_FILTERS: Example = {
    "source": ["the-partners-behind-xiaomis-car.md"],
    "tags": ["cars"],
    "since": "2025-01-01",
    "until": "2026-11-24",
}
_LEFT: Example = {"path": "cars/scan.pdf", "cause": "holds no text"}
_REPORT: Example = {
    "generation": "000002",
    "published": True,
    "added": 1,
    "changed": 0,
    "removed": 0,
    "unchanged": 5,
    "chunks": 131,
    "skipped": [_LEFT],
    "seconds": 2.4,
}
_READY: Example = {"status": "ready", "generation": "000001", "complete": True, "sources": 5}
_SCORES: Example = {"dense": 0.6329, "lexical": 0.5204, "sentence": 0.4726}
_INDEX: Example = {"collection": "default", "generation": "000001", "complete": True}
_USAGE: Example = {"prompt_tokens": 812, "completion_tokens": 14}
_PASSAGE: Example = {
    "rank": 1,
    **_SOURCE,
    "heading": "From phones to cars",
    "page": None,
    "start": 2648,
    "end": 2689,
    "text": _SENTENCE,
    "score": 0.4557,
    "scores": _SCORES,
    "url": f"{_VIEW}?{_SIGNED}#cite",
}
_CITATION: Example = {
    "n": 1,
    **_SOURCE,
    "heading": "From phones to cars",
    "page": None,
    "line": 25,
    "sha256": _SHA256,
    "start": 2648,
    "end": 2689,
    "quote": _SENTENCE,
    "before": "as Tesla has shown.\n\n",
    "after": " The next model, an SUV called YU7,",
    "url": f"{_VIEW}?{_SIGNED}#cite",
}
_SAID: Example = {
    "text": _ANSWER,
    "start": 0,
    "end": len(_ANSWER),
    "status": "supported",
    "why": None,
    "citations": [1],
}
_BODY: Example = {
    "id": "ans_zpEndGSoXbpsLIbV",
    "question": _QUESTION,
    "standalone_question": _QUESTION,
    "answer": _ANSWER,
    "format": "text",
    "answered": True,
    "reason": None,
    "confidence": 0.4205,
    "answerer": "extractive",
    "model": None,
    "degraded": False,
    "sentences": [_SAID],
    "citations": [_CITATION],
    "passages": [_PASSAGE],
    "index": _INDEX,
    "timings_ms": {"retrieve": 12.1, "answer": 0.8, "total": 12.9},
    "usage": None,
}
_KNOWN: Example = {
    "id": _SOURCE["source_id"],
    "source": _SOURCE["source"],
    "title": _SOURCE["title"],
    "sha256": _SHA256,
    "size_bytes": 2886,
    "length": 2886,
    "metadata": {},
    "url": _VIEW,
}
_INVALID: Example = {"field": "body.question", "message": "Field required"}
_PROBLEM: Example = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "the index is not ready yet; /readyz tells how far it is",
    "code": "index_building",
    "request_id": "req_5f0c6a1b2d3e4f50",
}
_MESSAGE: Example = {"role": "user", "content": _QUESTION}
_URL_CITATION: Example = {
    "start_index": len(_SENTENCE) + 1,
    "end_index": len(_ANSWER),
    "title": _SOURCE["title"],
    "url": f"http://127.0.0.1:8000{_CITATION['url']}",
}
_ANNOTATION: Example = {"type": "url_citation", "url_citation": _URL_CITATION}
_REPLY: Example = {"role": "assistant", "content": _ANSWER, "annotations": [_ANNOTATION]}
_CHOICE: Example = {"index": 0, "message": _REPLY, "finish_reason": "stop"}
_TOKENS: Example = {**_USAGE, "total_tokens": 826}
_MADE: Example = {"id": _BODY["id"], "created": 1795550754, "model": "footnote"}
_DELTA: Example = {"content": _SENTENCE}
_PIECE: Example = {"index": 0, "delta": _DELTA, "finish_reason": None}
_MODEL: Example = {"id": "footnote", "object": "model", "created": 0, "owned_by": "footnote"}
_CHAT_ERROR: Example = {
    "message": "no model 'gpt'; GET /v1/models lists them",
    "type": "invalid_request_error",
    "param": None,
    "code": "model_not_found",
}

_QUOTED: Example = {"source": _CITATION["source"], "quote": _CITATION["quote"]}

EXAMPLES: dict[str, Example] = {
    "AskBody": {"question": _QUESTION, "top_k": 5},
    "SearchBody": {"query": "SU7 buyers", "top_k": 5},
    "TokenAsked": {"origin": "https://docs.example.org", "collections": ["default"]},
    "TokenMade": {"token": "fw_WyJodHRwczov….kUT9pxjir5ix", "expires_in_s": 600},
    "Turn": _TURN,
    "Quoted": _QUOTED,
    "FeedbackBody": {
        "rating": "up",
        "comment": "Just what I needed.",
        "question": _QUESTION,
        "answer": _ANSWER,
        "citations": [_QUOTED],
    },
    "Filters": _FILTERS,
    "Scores": _SCORES,
    "Index": _INDEX,
    "Usage": _USAGE,
    "Passage": _PASSAGE,
    "Citation": _CITATION,
    "Sentence": _SAID,
    "AnswerBody": _BODY,
    "HitsBody": {"hits": [_PASSAGE], "index": _INDEX},
    "SourceBody": _KNOWN,
    "SourcesBody": {"sources": [_KNOWN], "next_cursor": None, "index": _INDEX},
    "Alive": {"status": "alive"},
    "CollectionReady": _READY,
    "SyncBody": {"collection": "default"},
    "Left": _LEFT,
    "Report": _REPORT,
    "JobError": {
        "code": "index_unavailable",
        "detail": "the index cannot be used; the log says why",
    },
    "JobBody": {
        "id": "job_5f0c7d3ab1e94d20",
        "kind": "put",
        "collection": "default",
        "path": "cars/yu7.md",
        "status": "done",
        "created_at": "2026-11-24T20:15:00+00:00",
        "ended_at": "2026-11-24T20:15:03+00:00",
        "progress": None,
        "report": _REPORT,
        "error": None,
    },
    "Ready": {**_READY, "version": "0.1.0", "answerer": "extractive"},
    "Invalid": _INVALID,
    "Problem": _PROBLEM,
    "PassagesEvent": {"id": _BODY["id"], "passages": [_PASSAGE]},
    "DeltaEvent": {"text": _SENTENCE, "format": "text"},
    "SentenceEvent": {"index": 0, **_SAID},
    "CitationEvent": {"citation": _CITATION},
    "ChatBody": {"model": "footnote", "messages": [_MESSAGE]},
    "ChatMessage": _MESSAGE,
    "ContentPart": {"type": "text", "text": _QUESTION},
    "StreamOptions": {"include_usage": True},
    "ChatCompletion": {**_MADE, "choices": [_CHOICE], "usage": _TOKENS},
    "ChatChoice": _CHOICE,
    "ChatReply": _REPLY,
    "Annotation": _ANNOTATION,
    "StreamedAnnotation": {**_ANNOTATION, "index": 0},
    "UrlCitation": _URL_CITATION,
    "TokenUsage": _TOKENS,
    "ChatChunk": {**_MADE, "object": "chat.completion.chunk", "choices": [_PIECE]},
    "ChunkChoice": _PIECE,
    "ChatDelta": _DELTA,
    "ModelList": {"object": "list", "data": [_MODEL]},
    "ModelCard": _MODEL,
    "ChatError": _CHAT_ERROR,
    "ChatErrorBody": {"error": _CHAT_ERROR},
    "ErrorEvent": {"problem": {**_PROBLEM, "errors": None}, "retryable": True},
}
"""By the name of the model in `schemas.py` and `openai_schemas.py`."""
