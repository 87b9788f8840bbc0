"""Structured logging to stderr: a JSON object a line, or readable lines on a terminal.

Each line has the ids of its request and trace. Questions, passages and answers are logged only with
`log_content`; an exception is reduced to its class and stack frames, since the message of a
third-party error may contain anything.
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
from index.redact import OWN_LOGGER, log_to, redact
from rag.errors import AnswerError
from rag.timing import Outcome

from ..errors import ApiError
from ..settings_types import LogLevel
from ..wire.escape import escape

log = logging.getLogger("footnote.answers")
access_log = logging.getLogger("footnote.access")

_SAFE_ERRORS = (ApiError, AnswerError, IndexingError, sqlite3.Error)
"""Errors whose messages are logged: ours, and SQLite's, which contain no values."""
_MAX_FRAMES = 30


def configure_logging(stream: TextIO, *, log_content: bool, level: LogLevel | None = None) -> None:
    """Sends this process's log to `stream` from now on.

    Without a `level` all of it, but on a terminal no line for each request and question.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(is_terminal=stream.isatty(), log_content=log_content))
    log_to(handler)
    logging.getLogger(OWN_LOGGER).setLevel(logging.WARNING if level == "warning" else logging.INFO)
    is_brief = level is None and stream.isatty()
    for logger in (log, access_log):
        logger.setLevel(logging.WARNING if is_brief else logging.NOTSET)
    structlog.configure(  # libraries that use it get loggers of the standard library, filtered too
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.render_to_log_kwargs],
    )


def formatter(*, is_terminal: bool, log_content: bool) -> logging.Formatter:
    """Returns the formatter of log records: readable, or JSON."""
    if is_terminal:
        stamper = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        console = structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)
        renderers: list[Processor] = [_escape_values, console]
    else:
        stamper = structlog.processors.TimeStamper(fmt="iso", utc=True)
        renderers = [structlog.processors.JSONRenderer()]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            stamper,
            structlog.stdlib.add_log_level,
            _add_trace,
            _add_fields,
            _ExceptionFilter(log_content=log_content),
            _redact_values,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


_add_extra = structlog.stdlib.ExtraAdder()


def _add_fields(logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Adds the logger's name, and our own fields; cuts a library's message to its first line.

    asyncio, for one, puts the message of a lost exception on the lines after it.
    """
    name = event["_record"].name
    event["logger"] = name
    if name.partition(".")[0] == OWN_LOGGER:
        return _add_extra(logger, level, event)
    event["event"] = str(event["event"]).strip().partition("\n")[0]
    return event


class _ExceptionFilter:
    """Replaces an exception by the parts of it that may be logged."""

    def __init__(self, *, log_content: bool) -> None:
        self._log_content = log_content

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        exc_info = event.pop("exc_info", None)
        error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
        if isinstance(error, BaseException):
            event["error"] = describe_exception(error, log_content=self._log_content)
        return event


def _redact_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: _redacted(value) for key, value in event.items()}


def _redacted(value: Any) -> Any:  # Any: a field of a log line
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redacted(inner) for key, inner in value.items()}
    return [_redacted(inner) for inner in value] if isinstance(value, list | tuple) else value


def describe_exception(error: BaseException, *, log_content: bool) -> dict[str, Any]:  # Any: JSON
    """Returns an exception's class, its message if that is safe, its frames and its causes."""
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    description: dict[str, Any] = {
        "type": type(error).__name__,
        "frames": [f"{_short_path(f.filename)}:{f.lineno} {f.name}" for f in frames],
    }
    if log_content or isinstance(error, _SAFE_ERRORS):
        description["message"] = str(error)
    elif isinstance(error, OSError) and error.strerror:
        description["message"] = error.strerror  # without the path
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    causes = [*inner, *([cause] if cause else [])]
    if causes:
        description["causes"] = [describe_exception(c, log_content=log_content) for c in causes]
    return description


def _short_path(filename: str) -> str:
    """Returns a file's path without the folders of this machine."""
    parts = Path(filename).parts
    for root in ("site-packages", "api", "rag", "index"):
        if root in parts:
            last = len(parts) - 1 - parts[::-1].index(root)
            return "/".join(parts[last + (root == "site-packages") :])
    return parts[-1] if parts else filename


def _escape_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escapes control characters for a terminal, and formats an exception as lines."""
    error = event.pop("error", None)
    escaped = {
        key: escape(value) if isinstance(value, str) else value for key, value in event.items()
    }
    if isinstance(error, Mapping):
        escaped["exception"] = escape("\n".join(_exception_lines(error)))
    return escaped


def _exception_lines(error: Mapping[str, Any]) -> list[str]:
    message = f": {error['message']}" if "message" in error else ""
    lines = [f"{error['type']}{message}", *(f"  at {frame}" for frame in error["frames"][::-1])]
    for cause in error.get("causes", ()):
        first, *rest = _exception_lines(cause)
        lines += [f"from {first}", *rest]
    return lines


def log_request(method: str, route: str | None, status: int, duration_s: float) -> None:
    """Writes the line of a finished request; `route` is its template."""
    fields = {"method": method, "route": route, "status": status, "ms": round(duration_s * 1000, 1)}
    access_log.info("request", extra=fields)


def outcome_name(outcome: Outcome) -> str:
    """Returns how a question ended, as it is called in logs, metrics and spans."""
    if outcome.answer:
        return "answered" if outcome.answer.answered else "abstained"
    return "failed" if outcome.error else "client_disconnected"


def log_outcome(outcome: Outcome, *, log_content: bool) -> None:
    """Writes the line of a finished question, with its text only if `log_content`."""
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
        fields["cause"] = type(outcome.error).__name__
    if answer := outcome.answer:
        fields |= {
            "kind": answer.kind,
            "reason": answer.reason,
            "answerer": answer.answerer,
            "degraded": answer.degraded,
            "confidence": round(answer.confidence, 2),
            "citations": len(answer.citations),
            "unsupported": sum(s.status not in ("supported", "remark") for s in answer.sentences),
            "dropped_markers": answer.dropped_markers,
        }
        if log_content:
            fields |= {
                "standalone_question": answer.standalone_question,
                "answer": answer.answer,
                "passages": [hit.text for hit in answer.passages],
            }
    level = logging.WARNING if outcome.error is not None else logging.INFO
    log.log(level, outcome_name(outcome), extra=fields)
