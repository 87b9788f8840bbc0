"""The evaluations that were started over HTTP: a folder each, with its status beside its run.

`DATA/evaluations/COLLECTION/ID/status.json` says what it is and how far it came; `run/` is what
`footnote eval run` writes, so that the terminal reads these runs, too.
"""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rag.evaluation.run import Run, write_atomic

from ...errors import NotFound, RequestError

Json = dict[str, Any]  # JSON

STATUS_FILE = "status.json"
INTERRUPTED = "the service was stopped before it ended"
MAX_LISTED = 200
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation; `progress` has `done`, `total` and `correct` while it runs."""

    id: str
    time: str
    label: str | None
    cases: int
    case_set: str
    status: Literal["running", "done", "failed"]
    progress: Json | None = None
    error: str | None = None


class EvaluationStore:
    """The evaluations of one collection; methods block and raise OSError."""

    def __init__(self, data_dir: Path, collection: str) -> None:
        """Opens nothing yet."""
        self._folder = data_dir.absolute() / "evaluations" / collection

    def create(self, *, label: str | None, cases: int, case_set: str) -> Evaluation:
        """Returns a new evaluation, which runs."""
        now = datetime.now(UTC)
        evaluation = Evaluation(
            id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            time=now.isoformat(timespec="seconds"),
            label=label,
            cases=cases,
            case_set=case_set,
            status="running",
        )
        (self._folder / evaluation.id).mkdir(0o700, parents=True)
        self.save(evaluation)
        return evaluation

    def save(self, evaluation: Evaluation) -> None:
        """Stores what became of an evaluation."""
        text = json.dumps(asdict(evaluation), ensure_ascii=False)
        write_atomic(self._folder / evaluation.id / STATUS_FILE, text)

    def all(self) -> list[Evaluation]:
        """Returns the evaluations, the newest first, at most MAX_LISTED."""
        if not self._folder.is_dir():
            return []
        ids = sorted(
            (p.name for p in self._folder.iterdir() if _ID.fullmatch(p.name)), reverse=True
        )
        found = (self._read(one) for one in ids[:MAX_LISTED])
        return [one for one in found if one is not None]

    def get(self, evaluation_id: str) -> Evaluation:
        """Returns an evaluation; raises NotFound."""
        found = self._read(evaluation_id) if _ID.fullmatch(evaluation_id) else None
        if found is None:
            raise NotFound("evaluation", evaluation_id)
        return found

    def _read(self, evaluation_id: str) -> Evaluation | None:
        try:
            text = (self._folder / evaluation_id / STATUS_FILE).read_text("utf-8")
            found = Evaluation(**json.loads(text))
        except (OSError, ValueError, TypeError):
            return None
        if found.status == "running" and not self.is_running():
            return replace(found, status="failed", progress=None, error=INTERRUPTED)
        return found

    def run_folder(self, evaluation_id: str) -> Path:
        """Returns the folder of its run."""
        return self._folder / evaluation_id / "run"

    def run(self, evaluation_id: str) -> Run:
        """Returns the run of a finished evaluation; raises NotFound, RunUnreadable."""
        self.get(evaluation_id)
        return Run(self.run_folder(evaluation_id))

    def summary(self, evaluation_id: str) -> Json | None:
        """Returns the summary of a finished run; None before it is written."""
        try:
            text = (self.run_folder(evaluation_id) / "summary.json").read_text("utf-8")
            summary: Json = json.loads(text)
        except (OSError, ValueError):
            return None
        return summary

    @contextmanager
    def running(self) -> Iterator[None]:
        """Holds the one place for an evaluation of this data folder; raises RequestError."""
        from filelock import FileLock, Timeout

        self._lock_file.parent.mkdir(0o700, parents=True, exist_ok=True)
        lock = FileLock(self._lock_file, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            message = "another evaluation is running; wait until it has ended"
            raise RequestError("evaluation_running", message) from None
        try:
            yield
        finally:
            lock.release()

    def is_running(self) -> bool:
        """Returns whether some process runs an evaluation in this data folder."""
        try:
            with self.running():
                return False
        except RequestError:
            return True

    @property
    def _lock_file(self) -> Path:
        return self._folder.parent / "running.lock"
