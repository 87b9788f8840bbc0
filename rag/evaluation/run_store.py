"""A run's folder: its configuration, and its samples, a line each as they come.

A line is whole or it is not there: what a kill cut off is dropped when the run is resumed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from . import results as samples
from .cases import Case, fingerprint
from .errors import RunConflict, RunUnreadable
from .results import Sample

SCHEMA = 1
RUN, SAMPLES = "run.json", "samples.jsonl"
_OWN = {RUN, SAMPLES, "summary.json", "report.html", "report.md", "junit.xml"}
_OWN |= {"judge.jsonl", "agreement.json"}

Json = dict[str, Any]  # Any: JSON as it is kept


def config_sha256(config: Mapping[str, object]) -> str:
    """Returns the sha256 of a configuration, whatever the order of its keys."""
    return sha256(json.dumps(config, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Run:
    """A run's folder, opened for reading or for more samples."""

    def __init__(self, folder: Path) -> None:
        """Reads its configuration; raises RunUnreadable where it has none."""
        self.folder = folder
        try:
            self.about: Json = json.loads((folder / RUN).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RunUnreadable(f"{folder} holds no run") from error
        if self.about.get("schema") != SCHEMA:
            raise RunUnreadable(f"{folder} was written by another version of Footnote")

    @property
    def order(self) -> list[str]:
        """The ids of all its cases, those not asked yet included."""
        return list(self.about["cases"])

    def samples(self) -> list[Sample]:
        """Returns the samples in the order of the cases; raises RunUnreadable on a broken line."""
        try:
            found = [samples.from_line(line) for line in self._lines()]
        except (KeyError, TypeError, ValueError) as error:
            raise RunUnreadable(f"{self.folder / SAMPLES} is damaged: {error}") from error
        return samples.by_case(found, self.order)

    def _lines(self) -> Iterator[Json]:
        path = self.folder / SAMPLES
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        for line in whole.decode("utf-8").split("\n"):
            if line:
                yield json.loads(line)

    def mend(self) -> None:
        """Cuts off the last line where a kill left it unfinished."""
        path = self.folder / SAMPLES
        if path.exists():
            held = path.read_bytes()
            whole = held[: held.rfind(b"\n") + 1]
            if whole != held:
                path.write_bytes(whole)

    def add(self, sample: Sample) -> None:
        """Appends a sample; it is on the disk's side of this process when this returns."""
        line = json.dumps(samples.as_line(sample), ensure_ascii=True)
        with (self.folder / SAMPLES).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def write(self, name: str, text: str) -> None:
        """Writes one of the run's other files, whole or not at all."""
        write_whole(self.folder / name, text)


def write_whole(path: Path, text: str) -> None:
    """Writes a file by rename, so that a reader sees the old or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, "utf-8", errors="backslashreplace", newline="")
    fresh.replace(path)


def start(
    folder: Path, cases: Sequence[Case], config: Mapping[str, object], *, overwrite: bool
) -> Run:
    """Returns the run of this folder, begun or resumed.

    Raises RunConflict where it holds a run of another configuration or of other cases, or files
    that are no run's.
    """
    config = json.loads(json.dumps(config))
    if (folder / RUN).exists():
        if not overwrite:
            run = Run(folder)
            _refuse_another(run, cases, config)
            run.mend()
            return run
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunConflict(folder, ["files that are no run's"])
    folder.mkdir(parents=True, exist_ok=True)
    for name in _OWN:
        (folder / name).unlink(missing_ok=True)
    about = {
        "schema": SCHEMA,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": config,
        "config_sha256": config_sha256(config),
        "data_sha256": fingerprint(cases),
        "cases": [case.id for case in cases],
    }
    write_whole(folder / RUN, json.dumps(about, indent=1, ensure_ascii=False))
    return Run(folder)


def _refuse_another(run: Run, cases: Sequence[Case], config: Mapping[str, object]) -> None:
    differences = []
    known = run.about["config"]
    if run.about["config_sha256"] != config_sha256(config):
        differences = [
            f"{key} is {known.get(key)!r} there, {config.get(key)!r} here"
            for key in sorted({*known, *config})
            if known.get(key) != config.get(key)
        ]
    if run.about["data_sha256"] != fingerprint(cases):
        there, here = run.order, [case.id for case in cases]
        counts = f"{len(there)} there, {len(here)} here"
        differences.append("the cases" + (f" ({counts})" if there != here else " (same ids)"))
    if differences:
        raise RunConflict(run.folder, differences)
