"""Runs resume, keep completed samples, and have the same summary whether killed or not."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rag.evaluation.cases import Case, Evidence
from rag.evaluation.compare import (
    check_floors,
    check_regression,
    compare_runs,
    pair_samples,
    parse_condition,
)
from rag.evaluation.errors import (
    CaseFailed,
    CasesDiffer,
    ConditionMalformed,
    RunConflict,
    RunUnreadable,
    TargetUnavailable,
)
from rag.evaluation.report import write_reports
from rag.evaluation.results import Citation, Passage, Response
from rag.evaluation.run import Progress, Run, open_run, run_cases
from rag.evaluation.summary import summarize, summarize_metrics

TEXT = "The lake is 12 metres deep. It freezes in January. Nobody swims in it."
CASES = [
    Case(f"c{n}", f"How deep, {n}?", ("12 metres",), (Evidence("lake.txt", TEXT[:27]),), True)
    for n in range(12)
]


class Lake:
    """A target with fixed responses by case id; an exception is raised."""

    def __init__(
        self, responses: Mapping[str, Response | Exception] | None = None, name: str = "lake"
    ) -> None:
        self.responses, self.name, self.asked = responses or {}, name, list[str]()

    def describe(self) -> Mapping[str, object]:
        return {"target": self.name, "top_k": 5}

    async def ask(self, case: Case) -> Response:
        self.asked.append(case.id)
        await asyncio.sleep(0)
        answer = self.responses.get(case.id, RIGHT)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def text(self, source: str) -> str | None:
        return TEXT if source == "lake.txt" else None

    async def close(self) -> None:
        pass


RIGHT = Response(
    "The lake is 12 metres deep. [1]",
    True,
    confidence=0.9,
    citations=(Citation(1, "lake.txt", 0, 27, TEXT[:27]),),
    passages=(Passage(1, "lake.txt", 0, len(TEXT), TEXT, 0.9),),
)
WRONG = Response("It freezes.", True, confidence=0.4, passages=RIGHT.passages)


def fill(
    folder: Path, target: Lake, cases: Sequence[Case] = CASES, *, concurrency: int = 2
) -> list[Progress]:
    events: list[Progress] = []
    run = open_run(folder, cases, target.describe(), overwrite=False)
    asyncio.run(run_cases(run, cases, target, concurrency=concurrency, on_progress=events.append))
    return events


def stable_summary(folder: Path) -> dict[str, object]:
    summary = summarize(Run(folder)).summary
    return {k: v for k, v in summary.items() if k not in ("timing", "created_at")}


def test_a_run_asks_every_case_once_and_reports_progress(tmp_path: Path) -> None:
    target = Lake({"c3": WRONG})
    events = fill(tmp_path / "r", target)
    assert sorted(target.asked) == sorted(case.id for case in CASES)
    assert (events[0].done, events[-1].done, events[-1].total) == (0, 12, 12)
    assert events[-1].share_correct == pytest.approx(11 / 12)


def test_a_second_run_in_the_folder_asks_nothing_again(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake())
    second = Lake()
    fill(tmp_path / "r", second)
    assert second.asked == []


def test_a_line_that_a_kill_cut_off_is_asked_again(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake())
    uninterrupted = stable_summary(tmp_path / "r")
    samples = tmp_path / "r" / "samples.jsonl"
    samples.write_bytes(samples.read_bytes()[:-9])
    second = Lake()
    fill(tmp_path / "r", second)
    assert len(second.asked) == 1
    assert stable_summary(tmp_path / "r") == uninterrupted


def test_an_unreachable_target_stops_the_run_and_keeps_completed_samples(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable):
        fill(tmp_path / "r", Lake({"c5": TargetUnavailable("gone")}), concurrency=1)
    assert [s.case.id for s in Run(tmp_path / "r").samples()] == ["c0", "c1", "c2", "c3", "c4"]
    fill(tmp_path / "r", Lake())
    assert len(Run(tmp_path / "r").samples()) == 12


def test_an_error_is_a_sample_that_counts_as_wrong(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake({"c1": CaseFailed("it broke")}))
    summary = summarize(Run(tmp_path / "r")).summary
    assert summary["failures"]["error"] == ["c1"]
    headline = summary["metrics"]["answer_cited"]
    assert (headline["n"], headline["n_failed"]) == (12, 1)
    assert headline["value"] == pytest.approx(11 / 12)


def test_another_configuration_is_refused_by_name(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake())
    with pytest.raises(RunConflict, match="target is 'lake' there, 'sea' here"):
        fill(tmp_path / "r", Lake(name="sea"))


def test_other_cases_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake())
    with pytest.raises(RunConflict, match="the cases"):
        fill(tmp_path / "r", Lake(), CASES[:5])


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunConflict):
        open_run(tmp_path, CASES, {}, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_overwriting_replaces_the_run(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake())
    open_run(tmp_path / "r", CASES, {"target": "sea"}, overwrite=True)
    assert Run(tmp_path / "r").samples() == []


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunUnreadable):
        Run(tmp_path)


def test_a_quote_that_differs_from_the_source_is_an_invalid_citation(tmp_path: Path) -> None:
    misquote = Response("x", True, citations=(Citation(1, "lake.txt", 0, 27, "The lake is 13"),))
    fill(tmp_path / "r", Lake({"c0": misquote}))
    values = {s.sample.case.id: s.values for s in summarize(Run(tmp_path / "r")).scored}
    assert values["c0"]["valid_citations"] == 0.0
    assert values["c1"]["valid_citations"] == 1.0


def test_evidence_that_is_not_in_the_sources_is_reported(tmp_path: Path) -> None:
    lost = Case("lost", "?", ("x",), (Evidence("sea.txt", "x"),), True)
    fill(tmp_path / "r", Lake(), [*CASES, lost])
    summary = summarize(Run(tmp_path / "r")).summary
    assert summary["unlocated"] == ["lost"]
    assert summary["metrics"]["hit@5"]["n"] == 13


def test_no_figure_is_ever_nan_or_infinite(tmp_path: Path) -> None:
    edge_cases = [Case("u", "?", (), (), False), Case("e", "?", ("x",), (), True)]
    for number, response in enumerate((RIGHT, WRONG, CaseFailed("no"), Response("", False))):
        folder = tmp_path / str(number)
        fill(folder, Lake({"u": response, "e": response}), edge_cases)
        json.dumps(summarize(Run(folder)).summary, allow_nan=False)


_CHILD = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
import tests.evaluation.test_run as t
class Slow(t.Lake):
    async def ask(self, case):
        await asyncio.sleep(0.05)
        return await super().ask(case)
t.fill(Path({folder!r}), Slow())
"""


def test_a_killed_and_resumed_run_has_the_summary_of_an_uninterrupted_one(tmp_path: Path) -> None:
    fill(tmp_path / "uninterrupted", Lake({"c3": RIGHT}))
    folder = tmp_path / "killed"
    code = _CHILD.format(tests=str(Path(__file__).parents[2]), folder=str(folder))
    child = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    samples = folder / "samples.jsonl"
    deadline = time.monotonic() + 30
    while not samples.exists() or samples.read_bytes().count(b"\n") < 3:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert 3 <= len(Run(folder).samples()) < 12
    fill(folder, Lake())
    assert stable_summary(folder) == stable_summary(tmp_path / "uninterrupted")


# --- comparing


def scored(tmp_path: Path, name: str, wrong: Sequence[str] = (), cases: Sequence[Case] = CASES):
    fill(tmp_path / name, Lake(dict.fromkeys(wrong, WRONG)), cases)
    return summarize(Run(tmp_path / name)).scored


def test_a_comparison_names_what_broke_and_what_was_fixed(tmp_path: Path) -> None:
    before = scored(tmp_path, "a", ["c0", "c1"])
    after = scored(tmp_path, "b", ["c1", *[f"c{n}" for n in range(4, 12)]])
    comparison = compare_runs(before, after)
    assert [flip.id for flip in comparison.fixed] == ["c0"]
    assert [flip.id for flip in comparison.still_broken] == ["c1"]
    assert {flip.after for flip in comparison.broken} == {"retrieved_not_used"}
    change = comparison.change("answer_cited")
    assert change.delta == pytest.approx((3 - 10) / 12)
    assert change.p == pytest.approx(2 * (1 + 9) / 2**9)
    assert change.p_holm >= change.p


def test_a_run_compared_with_itself_has_changed_nothing(tmp_path: Path) -> None:
    run = scored(tmp_path, "a", ["c0"])
    comparison = compare_runs(run, run)
    assert all(change.delta == 0 and change.p == 1.0 for change in comparison.changes)
    assert not comparison.broken + comparison.fixed


def test_runs_with_different_cases_are_compared_only_with_common(tmp_path: Path) -> None:
    before, after = scored(tmp_path, "a"), scored(tmp_path, "b", cases=CASES[:8])
    with pytest.raises(CasesDiffer):
        compare_runs(before, after)
    pairs, left_out = pair_samples(before, after, common=True)
    assert (len(pairs), left_out) == (8, 4)


def test_a_gate_looks_at_the_value_or_at_the_lower_bound(tmp_path: Path) -> None:
    samples = scored(tmp_path, "a", ["c7"])
    metrics = summarize_metrics(samples)
    assert check_floors([parse_condition("answer_cited>=0.9", "value")], metrics, samples) == []
    (breach,) = check_floors([parse_condition("answer_cited >= .9", "low")], metrics, samples)
    assert breach.cases == ("c7",)


@pytest.mark.parametrize("text", ["answer_cited", "answer_cited>0.5", "x>=y", "a>=1;b>=2"])
def test_an_invalid_condition_is_refused(text: str) -> None:
    with pytest.raises(ConditionMalformed):
        parse_condition(text, "value")


def test_a_gate_ignores_an_insignificant_regression_and_names_the_cases_of_a_significant_one(
    tmp_path: Path,
) -> None:
    good, same, bad = (
        scored(tmp_path, "a"),
        scored(tmp_path, "b", ["c1", "c2"]),
        scored(tmp_path, "c", [f"c{n}" for n in range(8)]),
    )
    ask = {"metric": "answer_cited", "max_regression": 0.02, "common": False}
    assert check_regression(good, same, **ask) is None  # -.17, but p = .25
    breach = check_regression(good, bad, **ask)
    assert breach is not None
    assert breach.cases == tuple(f"c{n}" for n in range(8))
    assert check_regression(bad, good, **ask) is None


# --- reports


def test_the_reports_agree_and_escape_the_answers(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>]]> \x00\u202e `| # [x](y)"
    cases = [
        Case("e", evil, (evil,), (Evidence("lake.txt", TEXT[:27]),), True, tags=(evil,)),
        *CASES,
    ]
    response = Response(evil, True, citations=RIGHT.citations, passages=RIGHT.passages)
    fill(tmp_path / "r", Lake({"e": response, "c2": WRONG, "c3": CaseFailed(evil)}), cases)
    run = Run(tmp_path / "r")
    results = summarize(run)
    write_reports(run, results, compare_runs(results.scored, results.scored))
    page = (run.folder / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert 'http-equiv="Content-Security-Policy"' in page
    assert not [s for s in ("http://", "https://") if f'src="{s}' in page or f'href="{s}' in page]
    suite = ElementTree.fromstring((run.folder / "junit.xml").read_text())
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("13", "1", "1")
    assert "<script>" not in (run.folder / "report.md").read_text()
    assert json.loads((run.folder / "summary.json").read_text())["done"] == 13


def test_the_page_highlights_evidence_and_citations(tmp_path: Path) -> None:
    fill(tmp_path / "r", Lake())
    run = Run(tmp_path / "r")
    write_reports(run, summarize(run))
    page = (run.folder / "report.html").read_text()
    assert f"<mark class=cited>{TEXT[:27]}</mark>" in page
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
