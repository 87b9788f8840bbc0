"""What becomes of what the service does: a log line and figures, made here and nowhere else."""

from rag.outcome import Outcome

from .logs import log_outcome, log_request
from .metrics import Metrics
from .settings import Settings


class Telemetry:
    """Hears of every question and every request that is over."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._log_content = settings.log_content

    def ended(self, outcome: Outcome) -> None:
        """Takes a question that has ended."""
        log_outcome(outcome, log_content=self._log_content)
        self.metrics.ended(outcome)

    def over(self, method: str, route: str | None, status: int, took_s: float) -> None:
        """Takes a request that is over; `route` is its template, None where none took it."""
        log_request(method, route, status, took_s)
        self.metrics.request(method, route, status, took_s)
