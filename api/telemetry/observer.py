"""Where every finished question and request is reported: as log lines, metrics and spans."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rag.timing import Outcome

from ..service.service import Service
from ..settings import Settings
from .logs import log_outcome, log_request
from .metrics import Metrics

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

    from .tracing import SpanRecorder

_PROBES = {"/livez", "/readyz", "/metrics"}


class Telemetry:
    """Observes every question and request at its end."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._log_content = settings.log_content
        self._spans: SpanRecorder | None = None
        if settings.otlp_endpoint:
            from . import tracing  # OpenTelemetry's SDK is imported only if it is needed

            exporter = tracing.otlp_exporter(settings.otlp_endpoint)
            self._spans = tracing.SpanRecorder(exporter, log_content=settings.log_content)

    @property
    def for_fastapi(self) -> "TelemetryConfig":
        """Limits FastAPI's own telemetry to request spans, and those to a set `otlp_endpoint`.

        Its log records would contain error messages, and it would find an endpoint in the
        environment.
        """
        return {
            "tracer_provider": self._spans.provider if self._spans else None,
            "tracing": self._spans is not None,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
            "exclude": lambda scope: scope["path"] in _PROBES,
        }

    @asynccontextmanager
    async def run(self, service: Service) -> AsyncIterator[None]:
        """Samples the service's state while the block runs; then exports the remaining spans."""
        try:
            async with self.metrics.sampling(service):
                yield
        finally:
            if self._spans:
                await asyncio.to_thread(self._spans.close)

    def record_outcome(self, outcome: Outcome) -> None:
        """Records a finished question."""
        log_outcome(outcome, log_content=self._log_content)
        self.metrics.record_outcome(outcome)
        if self._spans:
            self._spans.record_outcome(outcome)

    def record_request(
        self, method: str, route: str | None, status: int, duration_s: float
    ) -> None:
        """Records a finished request; `route` is its template, None where none matched."""
        log_request(method, route, status, duration_s)
        self.metrics.record_request(method, route, status, duration_s)
