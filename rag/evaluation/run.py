"""A run: its folder, its resumable samples, and the loop that sends each case to the target.

`run.json` holds the configuration, `samples.jsonl` one line per case, appended as it completes. A
line that a kill cut off is truncated on resume.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from .cases import Case, fingerprint
from .errors import CaseFailed, RunConflict, RunUnreadable
from .metrics.score import score_sample
from .results import GoldEvidence, Response, Sample
from .targets import Target

SCHEMA = 1
RUN_FILE, SAMPLES_FILE = "run.json", "samples.jsonl"
_FILES = (RUN_FILE, SAMPLES_FILE, "summary.json", "report.html", "report.md", "junit.xml",
          "judge.jsonl", "agreement.json")  # fmt: skip

Json = dict[str, Any]  # Any: JSON as stored


class Run:
    """A run's folder, opened for reading or for more samples."""

    def __init__(self, folder: Path) -> None:
        """Reads the configuration; raises RunUnreadable if there is none."""
        self.folder = folder
        try:
            self.metadata: Json = json.loads((folder / RUN_FILE).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RunUnreadable(f"{folder} contains no run") from error
        if self.metadata.get("schema") != SCHEMA:
            raise RunUnreadable(f"{folder} was written by another version of Footnote")

    @property
    def case_ids(self) -> list[str]:
        """The ids of all its cases in order, pending ones included."""
        return list(self.metadata["cases"])

    def samples(self) -> list[Sample]:
        """Returns the completed samples in case order; raises RunUnreadable on a damaged line."""
        try:
            samples = [Sample.from_json(line) for line in self.read_lines(SAMPLES_FILE)]
        except (KeyError, TypeError, ValueError) as error:
            raise RunUnreadable(f"{self.folder / SAMPLES_FILE} is damaged: {error}") from error
        sample_by_id = {sample.case.id: sample for sample in samples}
        return [sample_by_id[id_] for id_ in self.case_ids if id_ in sample_by_id]

    def read_lines(self, name: str) -> list[Json]:
        """Returns a file's complete JSON lines; raises ValueError on one that is not JSON."""
        path = self.folder / name
        complete = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        return [json.loads(line) for line in complete.decode("utf-8").split("\n") if line]

    def append_line(self, name: str, line: Json) -> None:
        """Appends a JSON line; it is in the operating system's hands when this returns."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=True) + "\n")

    def truncate_partial_line(self) -> None:
        """Removes the last sample if a kill left it incomplete."""
        path = self.folder / SAMPLES_FILE
        content = path.read_bytes() if path.exists() else b""
        if content and not content.endswith(b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])

    def write_file(self, name: str, text: str) -> None:
        """Writes one of the run's other files atomically."""
        write_atomic(self.folder / name, text)


def write_atomic(path: Path, text: str) -> None:
    """Writes a file by rename, so that a reader sees the old or the new one."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, "utf-8", errors="backslashreplace", newline="")
    temporary.replace(path)


def open_run(
    folder: Path,
    cases: Sequence[Case],
    config: Mapping[str, object],
    *,
    overwrite: bool,
    about: str | None = None,
) -> Run:
    """Returns the folder's run, created or resumed; `about` says in words what is measured.

    Raises RunConflict if the folder contains a run with another configuration or other cases, or
    files that belong to no run.
    """
    config = json.loads(json.dumps(config))
    if (folder / RUN_FILE).exists():
        if not overwrite:
            run = Run(folder)
            _check_same_run(run, cases, config)
            run.truncate_partial_line()
            return run
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunConflict(folder, ["files that belong to no run"])
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    metadata = {
        "schema": SCHEMA,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "about": about,
        "config": config,
        "config_sha256": _config_sha256(config),
        "data_sha256": fingerprint(cases),
        "cases": [case.id for case in cases],
    }
    write_atomic(folder / RUN_FILE, json.dumps(metadata, indent=1, ensure_ascii=False))
    return Run(folder)


def _config_sha256(config: Mapping[str, object]) -> str:
    return sha256(json.dumps(config, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _check_same_run(run: Run, cases: Sequence[Case], config: Mapping[str, object]) -> None:
    differences = []
    existing = run.metadata["config"]
    if run.metadata["config_sha256"] != _config_sha256(config):
        differences = [
            f"{key} is {existing.get(key)!r} there, {config.get(key)!r} here"
            for key in sorted({*existing, *config})
            if existing.get(key) != config.get(key)
        ]
    if run.metadata["data_sha256"] != fingerprint(cases):
        there, here = run.case_ids, [case.id for case in cases]
        detail = f"{len(there)} there, {len(here)} here" if there != here else "same ids"
        differences.append(f"the cases ({detail})")
    if differences:
        raise RunConflict(run.folder, differences)


@dataclass(frozen=True, slots=True)
class Progress:
    """Cases completed and correct so far, and seconds elapsed and remaining."""

    done: int
    total: int
    correct: int
    elapsed_s: float
    remaining_s: float | None

    @property
    def share_correct(self) -> float:
        """The share of the completed cases that is correct, 0 to 1."""
        return self.correct / self.done if self.done else 0.0


async def run_cases(
    run: Run,
    cases: Sequence[Case],
    target: Target,
    *,
    concurrency: int,
    on_progress: Callable[[Progress], None],
) -> None:
    """Adds the missing samples to the run; a kill loses only the cases in progress.

    Raises TargetUnavailable if the target can no longer be reached.
    """
    samples = run.samples()
    completed_ids = {sample.case.id for sample in samples}
    pending = deque(case for case in cases if case.id not in completed_ids)
    started, before = time.perf_counter(), len(samples)
    done, correct = before, sum(_is_correct(s) for s in samples)

    def report() -> None:
        elapsed_s = time.perf_counter() - started
        fresh = done - before
        remaining_s = elapsed_s / fresh * (len(cases) - done) if fresh else None
        on_progress(Progress(done, len(cases), correct, elapsed_s, remaining_s))

    async def worker() -> None:
        nonlocal done, correct
        while pending:
            sample = await run_case(target, pending.popleft())
            run.append_line(SAMPLES_FILE, sample.to_json())
            done, correct = done + 1, correct + _is_correct(sample)
            report()

    report()
    workers = [asyncio.create_task(worker()) for _ in range(max(1, concurrency))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def run_case(target: Target, case: Case) -> Sample:
    """Returns the target's sample of one case; raises TargetUnavailable."""
    started = time.perf_counter()
    response, error = None, None
    try:
        response = await target.ask(case)
    except CaseFailed as failure:
        error = str(failure)[:500] or type(failure).__name__
    wall_ms = round((time.perf_counter() - started) * 1000, 1)
    gold = [
        GoldEvidence.locate(e.source, e.quote, await target.text(e.source)) for e in case.evidence
    ]
    if response is not None:
        response = await _verify_citations(response, target)
    return Sample(case=case, response=response, error=error, gold=tuple(gold), wall_ms=wall_ms)


async def _verify_citations(response: Response, target: Target) -> Response:
    """Returns the response with each quote compared with the source's text."""
    if response.citations is None:
        return response
    checked = []
    for citation in response.citations:
        text = await target.text(citation.source)
        valid = None if text is None else text[citation.start : citation.end] == citation.quote
        checked.append(replace(citation, valid=valid))
    return replace(response, citations=tuple(checked))


def _is_correct(sample: Sample) -> bool:
    return score_sample(sample, ks=()).failure is None
