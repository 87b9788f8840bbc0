"""OpenTelemetry traces: FastAPI's span of each request, and below it the spans of its question.

`rag` reports when each stage began and ended. The spans are created from that afterwards, so
nothing depends on which task or thread a stage ran in. They carry sizes, names and verdicts, and
texts only with `log_content`. Attributes follow OpenTelemetry's semantic conventions for GenAI.
"""

import json
import threading
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from rag.timing import Outcome, Stage
from rag.types import Answer

from .logs import outcome_name

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

Attributes = Mapping[str, AttributeValue]

_CLIENT_ATTRIBUTES = ("url.path", "url.query", "server.address", "http.request.method_original")
"""FastAPI sets them to what the client sent, which may contain file names and questions."""
SHUTDOWN_TIMEOUT_S = 3.0


def otlp_exporter(endpoint: str) -> "SpanExporter":
    """Returns an exporter to an OTLP collector by gRPC; it connects at the first span."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"))


class SpanRecorder:
    """Creates spans and exports them in batches, from a thread."""

    def __init__(self, exporter: "SpanExporter", *, log_content: bool) -> None:
        """Reads `OTEL_*` variables for what is not set here: headers, the sampler, the batches."""
        names = {"service.name": "footnote", "service.version": version("footnote")}
        self.provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
        self.provider.add_span_processor(_Redactor())
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("footnote", version("footnote"))
        self._log_content = log_content

    def record_outcome(self, outcome: Outcome) -> None:
        """Creates the spans of a finished question, below the span of its request."""
        stages = {stage.name: stage for stage in outcome.stages}
        parent = None
        for name in ("follow_up", "retrieve", "answer", "cite", "support"):
            stage = stages.get(name)
            if stage is None or (name == "follow_up" and not outcome.ask.history):
                continue
            attributes = self._attributes(stage, outcome)
            span = self._tracer.start_span(
                name, parent, start_time=stage.began_ns, attributes=attributes
            )
            if outcome.error and stage is outcome.stages[-1]:
                span.set_attribute("error.type", type(outcome.error).__name__)
                span.set_status(Status(StatusCode.ERROR))
            span.end(stage.ended_ns)
            if name == "answer":  # sentences are cited and verified while they are written
                parent = set_span_in_context(span)

    def _attributes(self, stage: Stage, outcome: Outcome) -> Attributes:
        answer = outcome.answer
        attributes: dict[str, AttributeValue] = {"footnote.work_ms": round(stage.work_ms, 3)}
        if stage.name == "retrieve":
            attributes |= _retrieve_attributes(outcome)
            if self._log_content and answer:
                attributes["gen_ai.retrieval.query.text"] = answer.standalone_question
        elif stage.name == "answer":
            attributes |= _answer_attributes(outcome)
            if self._log_content and answer:
                attributes["gen_ai.output.messages"] = _output_messages(answer)
        elif answer and stage.name == "cite":
            attributes["footnote.citations"] = len(answer.citations)
            attributes["footnote.dropped_markers"] = answer.dropped_markers
        elif answer and stage.name == "support":
            for status in ("supported", "unsupported", "uncited", "remark"):
                count = sum(sentence.status == status for sentence in answer.sentences)
                attributes[f"footnote.sentences.{status}"] = count
        return attributes

    def close(self) -> None:
        """Exports the remaining spans, but waits no longer than SHUTDOWN_TIMEOUT_S for it."""
        shutdown = threading.Thread(target=self.provider.shutdown, daemon=True)
        shutdown.start()
        shutdown.join(SHUTDOWN_TIMEOUT_S)


def _retrieve_attributes(outcome: Outcome) -> Attributes:
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": outcome.index.collection,
        "footnote.generation": outcome.index.generation,
        "footnote.top_k": outcome.ask.top_k,
    }
    if outcome.answer:
        attributes["footnote.passages"] = len(outcome.answer.passages)
        attributes["footnote.confidence"] = round(outcome.answer.confidence, 4)
    return attributes


def _answer_attributes(outcome: Outcome) -> Attributes:
    answer, model = outcome.answer, outcome.model
    attributes: dict[str, AttributeValue] = {
        "footnote.answer_id": outcome.id,
        "footnote.outcome": outcome_name(outcome),
    }
    if model:
        attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",  # its protocol; the vendor is not known
            "gen_ai.request.model": model,
            "gen_ai.request.stream": True,
        }
        if outcome.first_text_ms is not None:
            attributes["gen_ai.response.time_to_first_chunk"] = outcome.first_text_ms / 1000
    if answer is None:
        return attributes
    if answer.usage:
        attributes["gen_ai.usage.input_tokens"] = answer.usage.prompt_tokens
        attributes["gen_ai.usage.output_tokens"] = answer.usage.completion_tokens
    if answer.reason:
        attributes["footnote.reason"] = answer.reason
    return attributes | {
        "footnote.answerer": answer.answerer,
        "footnote.degraded": answer.degraded,
    }


def _output_messages(answer: Answer) -> str:
    parts = [{"type": "text", "content": answer.answer}]
    return json.dumps([{"role": "assistant", "parts": parts, "finish_reason": "stop"}])


class _Redactor(SpanProcessor):
    """Redacts what the client sent from the span of a request; `http.route` remains."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.kind is not SpanKind.SERVER:
            return
        for name in _CLIENT_ATTRIBUTES:
            if name in (span.attributes or {}):
                span.set_attribute(name, "REDACTED")
