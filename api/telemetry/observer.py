"""What becomes of what the service does: log lines, figures and spans, made here alone."""

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

    from .tracing import Spans

_PROBES = {"/livez", "/readyz", "/metrics"}


class Telemetry:
    """Hears of every question and every request that is over."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._log_content = settings.log_content
        self._spans = _spans(settings)

    @property
    def for_fastapi(self) -> "TelemetryConfig":
        """What FastAPI's own telemetry may do: request spans, where we make spans, and no more.

        Its log records would carry errors' words, and it would find an endpoint in the environment.
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
    async def following(self, service: Service) -> AsyncIterator[None]:
        """Looks at the service while the block runs; then sends what is left to send."""
        try:
            async with self.metrics.following(service):
                yield
        finally:
            if self._spans:
                await asyncio.to_thread(self._spans.close)

    def ended(self, outcome: Outcome) -> None:
        """Takes a question that has ended."""
        log_outcome(outcome, log_content=self._log_content)
        self.metrics.ended(outcome)
        if self._spans:
            self._spans.ended(outcome)

    def over(self, method: str, route: str | None, status: int, took_s: float) -> None:
        """Takes a request that is over; `route` is its template, None where none took it."""
        log_request(method, route, status, took_s)
        self.metrics.request(method, route, status, took_s)


def _spans(settings: Settings) -> "Spans | None":
    """Returns what makes spans; None, and nothing is imported, unless an endpoint is set."""
    if settings.otlp_endpoint is None:
        return None
    from .tracing import Spans, exporter_to

    return Spans(exporter_to(settings.otlp_endpoint), log_content=settings.log_content)
