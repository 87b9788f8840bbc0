"""The log, on stderr: a JSON object a line, or lines for people where that is a terminal.

Each line carries the ids of its request and trace. What was asked, found and answered is in none,
unless `log_content` says so: an exception is told by its class and its place in the code, since
the words of one that is not ours may hold anything.
"""

import logging
import sqlite3
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from index.errors import IndexingError
from rag.errors import AnswerError
from rag.timing import Outcome

from ..errors import ApiError
from ..wire.escape import screen

log = logging.getLogger("footnote.answers")
access = logging.getLogger("footnote.access")

OWN = "footnote"
"""What our loggers' names begin with."""

_WORDED = (ApiError, AnswerError, IndexingError, sqlite3.Error)
"""Errors whose words are safe: ours, and SQLite's, which hold no values."""
_QUIET = ("httpx", "httpcore", "openai", "chromadb")
"""They tell of every request; we do, too."""
_FRAMES = 30


def start_log(stream: TextIO, *, log_content: bool) -> None:
    """Sends what this process logs to `stream` from now on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(is_terminal=stream.isatty(), log_content=log_content))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(*, is_terminal: bool, log_content: bool) -> logging.Formatter:
    """Returns what makes a line of a record."""
    if is_terminal:
        stamper = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        console = structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)
        shape: list[Processor] = [_for_people, console]
    else:
        stamper = structlog.processors.TimeStamper(fmt="iso", utc=True)
        shape = [structlog.processors.JSONRenderer()]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            stamper,
            structlog.stdlib.add_log_level,
            _traced,
            _named,
            _Errors(log_content=log_content),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shape],
    )


def _traced(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Adds the trace's ids, where there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


_add_extra = structlog.stdlib.ExtraAdder()


def _named(logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Adds the logger's name, and our own fields; of a library's message, the first line is kept.

    asyncio, for one, puts the words of a lost exception into the lines after it.
    """
    name = event["_record"].name
    event["logger"] = name
    if name.partition(".")[0] == OWN:
        return _add_extra(logger, level, event)
    event["event"] = str(event["event"]).strip().partition("\n")[0]
    return event


class _Errors:
    """Replaces an exception by what may be told of it."""

    def __init__(self, *, log_content: bool) -> None:
        self._log_content = log_content

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        found = event.pop("exc_info", None)
        error = found[1] if isinstance(found, tuple) else found
        if isinstance(error, BaseException):
            event["error"] = told(error, log_content=self._log_content)
        return event


def told(error: BaseException, *, log_content: bool) -> dict[str, Any]:  # Any: JSON
    """Returns an exception's class, its words where they are safe, its frames and its causes."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    telling: dict[str, Any] = {
        "type": type(error).__name__,
        "frames": [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if log_content or isinstance(error, _WORDED):
        telling["message"] = str(error)
    elif isinstance(error, OSError) and error.strerror:
        telling["message"] = error.strerror  # without the path
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    causes = [*inner, *([cause] if cause else [])]
    if causes:
        telling["causes"] = [told(one, log_content=log_content) for one in causes]
    return telling


def _place(filename: str) -> str:
    """Returns a file's place without the folders of this machine."""
    parts = Path(filename).parts
    for root in ("site-packages", "api", "rag", "index"):
        if root in parts:
            at = len(parts) - 1 - parts[::-1].index(root)
            return "/".join(parts[at + (root == "site-packages") :])
    return parts[-1] if parts else filename


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Makes every text harmless on a terminal, and an exception a block of lines."""
    error = event.pop("error", None)
    shown = {
        key: screen(value) if isinstance(value, str) else value for key, value in event.items()
    }
    if isinstance(error, Mapping):
        shown["exception"] = screen("\n".join(_block(error)))
    return shown


def _block(error: Mapping[str, Any]) -> list[str]:
    said = f": {error['message']}" if "message" in error else ""
    lines = [f"{error['type']}{said}", *(f"  at {frame}" for frame in error["frames"][::-1])]
    for cause in error.get("causes", ()):
        first, *rest = _block(cause)
        lines += [f"from {first}", *rest]
    return lines


def log_request(method: str, route: str | None, status: int, took_s: float) -> None:
    """Writes the line of a request that is over; `route` is its template."""
    fields = {"method": method, "route": route, "status": status, "ms": round(took_s * 1000, 1)}
    access.info("request", extra=fields)


def log_outcome(outcome: Outcome, *, log_content: bool) -> None:
    """Writes the line of a finished question; its words only with `log_content`."""
    fields: dict[str, Any] = {
        "answer_id": outcome.id,
        "collection": outcome.index.collection,
        "generation": outcome.index.generation,
        "model": outcome.model,
        "stages_ms": {stage.name: round(stage.work_ms, 1) for stage in outcome.stages},
    }
    if log_content:
        fields["question"] = outcome.ask.question
    if outcome.error is not None:
        log.warning("failed", extra=fields | {"cause": type(outcome.error).__name__})
        return
    answer = outcome.answer
    if answer is None:
        log.info("left", extra=fields)
        return
    fields |= {
        "reason": answer.reason,
        "answerer": answer.answerer,
        "degraded": answer.degraded,
        "confidence": round(answer.confidence, 2),
        "citations": len(answer.citations),
        "unsupported": sum(said.status != "supported" for said in answer.sentences),
        "dropped_markers": answer.dropped_markers,
    }
    if log_content:
        fields |= {
            "standalone_question": answer.standalone_question,
            "answer": answer.answer,
            "passages": [hit.text for hit in answer.passages],
        }
    log.info("answered" if answer.answered else "abstained", extra=fields)
