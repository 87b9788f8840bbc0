"""Traces for OpenTelemetry: FastAPI's span of each request, and below it those of its question.

`rag` hands over when each stage began and ended; the spans are made of that afterwards, so nothing
depends on which task or thread a stage ran in. They carry sizes, names and verdicts; words only
with `log_content`. The GenAI attributes are those of OpenTelemetry's semantic conventions.
"""

import json
import threading
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from rag.timing import Outcome, Stage
from rag.types import Answer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

Attributes = Mapping[str, AttributeValue]

_TOLD_BY_CLIENTS = ("url.path", "url.query", "server.address", "http.request.method_original")
"""What FastAPI puts into its spans as it came; file names and questions may be in it."""
LAST_S = 3.0
"""What is not exported yet when the service ends may take this long."""


def exporter_to(endpoint: str) -> "SpanExporter":
    """Returns what sends spans to an OTLP collector by gRPC; connects at the first span."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"))


class Spans:
    """Makes the spans and gives them to an exporter, in batches, from a thread."""

    def __init__(self, exporter: "SpanExporter", *, log_content: bool) -> None:
        """Reads `OTEL_*` variables for what is not said here: headers, the sampler, the batches."""
        named = {"service.name": "footnote", "service.version": version("footnote")}
        self.provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        self.provider.add_span_processor(_Scrubber())
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("footnote", version("footnote"))
        self._log_content = log_content

    def ended(self, outcome: Outcome) -> None:
        """Makes the spans of a finished question, below the span of its request."""
        stages = {stage.name: stage for stage in outcome.stages}
        below = None
        for name in ("follow_up", "retrieve", "answer", "cite", "support"):
            stage = stages.get(name)
            if stage is None or (name == "follow_up" and not outcome.ask.history):
                continue
            span = self._tracer.start_span(
                name, below, start_time=stage.began_ns, attributes=self._attributes(stage, outcome)
            )
            if outcome.error and stage is outcome.stages[-1]:
                span.set_attribute("error.type", type(outcome.error).__name__)
                span.set_status(Status(StatusCode.ERROR))
            span.end(stage.ended_ns)
            if name == "answer":  # sentences are cited and judged as they are written
                below = set_span_in_context(span)

    def _attributes(self, stage: Stage, outcome: Outcome) -> Attributes:
        answer = outcome.answer
        found: dict[str, AttributeValue] = {"footnote.work_ms": round(stage.work_ms, 3)}
        if stage.name == "retrieve":
            found |= _retrieved(outcome)
            if self._log_content and answer:
                found["gen_ai.retrieval.query.text"] = answer.standalone_question
        elif stage.name == "answer":
            found |= _answered(outcome)
            if self._log_content and answer:
                found["gen_ai.output.messages"] = _message(answer)
        elif answer and stage.name == "cite":
            found["footnote.citations"] = len(answer.citations)
            found["footnote.dropped_markers"] = answer.dropped_markers
        elif answer and stage.name == "support":
            for status in ("supported", "unsupported", "uncited"):
                count = sum(said.status == status for said in answer.sentences)
                found[f"footnote.sentences.{status}"] = count
        return found

    def close(self) -> None:
        """Exports what is left, within LAST_S: a collector that is gone holds up nothing."""
        closing = threading.Thread(target=self.provider.shutdown, daemon=True)
        closing.start()
        closing.join(LAST_S)


def _retrieved(outcome: Outcome) -> Attributes:
    found: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": outcome.index.collection,
        "footnote.generation": outcome.index.generation,
        "footnote.top_k": outcome.ask.top_k,
    }
    if outcome.answer:
        found["footnote.passages"] = len(outcome.answer.passages)
        found["footnote.confidence"] = round(outcome.answer.confidence, 4)
    return found


def _answered(outcome: Outcome) -> Attributes:
    answer, model = outcome.answer, outcome.model
    found: dict[str, AttributeValue] = {"footnote.answer_id": outcome.id}
    if model:
        found |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # its protocol; who speaks it is not known
            "gen_ai.request.model": model,
            "gen_ai.request.stream": True,
        }
        if outcome.first_text_ms is not None:
            found["gen_ai.response.time_to_first_chunk"] = outcome.first_text_ms / 1000
    if answer is None:
        return found | {"footnote.outcome": "failed" if outcome.error else "left"}
    if answer.usage:
        found["gen_ai.usage.input_tokens"] = answer.usage.prompt_tokens
        found["gen_ai.usage.output_tokens"] = answer.usage.completion_tokens
    if answer.reason:
        found["footnote.reason"] = answer.reason
    return found | {
        "footnote.outcome": "answered" if answer.answered else "abstained",
        "footnote.answerer": answer.answerer,
        "footnote.degraded": answer.degraded,
    }


def _message(answer: Answer) -> str:
    parts = [{"type": "text", "content": answer.answer}]
    return json.dumps([{"role": "assistant", "parts": parts, "finish_reason": "stop"}])


class _Scrubber(SpanProcessor):
    """Takes out of a request's span what the client put in; `http.route` tells enough."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Changes the span before anything reads it."""
        if span.kind is not SpanKind.SERVER:
            return
        for name in _TOLD_BY_CLIENTS:
            if name in (span.attributes or {}):
                span.set_attribute(name, "REDACTED")

    def on_end(self, span: ReadableSpan) -> None:
        """Has nothing left to do."""
