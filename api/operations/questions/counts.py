"""How many questions this process has answered and refused since it started, by collection."""

import threading
import time

from rag.timing import Outcome


class AnswerCounts:
    """Counts finished questions; what failed is not counted. Safe for threads."""

    def __init__(self) -> None:
        self.since_s = time.time()
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}

    def record(self, outcome: Outcome) -> None:
        """Counts how a question ended."""
        answer = outcome.answer
        if answer is None:
            return
        state = "tentative" if answer.tentative else "answered"
        key = outcome.index.collection, state if answer.answered else "refused"
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1

    def of(self, collection: str) -> dict[str, int]:
        """Returns the counts of `answered`, `refused`, `tentative` and their `total`."""
        states = ("answered", "refused", "tentative")
        with self._lock:
            counts = {state: self._counts.get((collection, state), 0) for state in states}
        return counts | {"total": sum(counts.values())}
