"""`footnote eval list|show|rescore`: existing runs; none of these asks a target."""

import json as json_module
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...exit_codes import INTERRUPTED, OK, USAGE, CliError
from ...wire.escape import escape
from .. import options

if TYPE_CHECKING:
    from rag.evaluation.metrics.score import ScoredSample, TokenPrices
    from rag.evaluation.run import Json, Run

MAX_LISTED = 8

RunFolder = Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]
Baseline = Annotated[
    Path | None, typer.Option(help="Run to compare with in the report.", show_default=False)
]
Price = Annotated[
    float | None, typer.Option(min=0, help="Price of a million tokens.", show_default=False)
]


def rescore(
    run: RunFolder,
    baseline: Baseline = None,
    price_in: Price = None,
    price_out: Price = None,
    json: options.Json = False,
) -> int:
    """Score a run's stored answers again and write its reports; nothing is asked."""
    prices = token_prices(price_in, price_out)
    return report_run(run, prices=prices, baseline=baseline, json=json)


def token_prices(price_in: float | None, price_out: float | None) -> "TokenPrices | None":
    """Returns the prices of a million tokens; None if neither is given."""
    from rag.evaluation.metrics.score import TokenPrices

    if price_in is None and price_out is None:
        return None
    return TokenPrices(prompt=price_in or 0.0, completion=price_out or 0.0)


def report_run(
    folder: Path,
    *,
    prices: "TokenPrices | None" = None,
    baseline: Path | None = None,
    json: bool = False,
    interrupted: bool = False,
) -> int:
    """Writes a run's reports, prints its headline, returns the exit code."""
    from rag.evaluation.compare import compare_runs
    from rag.evaluation.report import write_reports
    from rag.evaluation.run import Run
    from rag.evaluation.summary import score_run, summarize

    run = Run(folder)
    results = summarize(run, prices=prices)
    comparison = None
    if baseline is not None:
        before = score_run(Run(baseline), prices=prices)
        comparison = compare_runs(before, results.scored, common=True)
    write_reports(run, results, comparison)
    if json:
        options.print_json(results.summary)
    else:
        typer.echo(escape("\n".join(_headline(run, results.summary))))
    if interrupted:
        done, total = results.summary["done"], results.summary["cases"]
        typer.echo(f"interrupted after {done} of {total}; the same command resumes", err=True)
        return INTERRUPTED
    return OK


def _headline(run: "Run", summary: "Json") -> Iterator[str]:
    from rag.evaluation.report.markdown import format_value

    for name in (summary["headline"], "answer_contained", "hit@1", "hit@5", "abstention_recall"):
        if metric := summary["metrics"].get(name):
            yield f"{name:<18} {format_value(metric)}  n {metric['n']}"
    for name, ids in summary["failures"].items():
        if ids:
            more = " …" if len(ids) > MAX_LISTED else ""
            yield f"{name:<22} {len(ids):>4}  {' '.join(ids[:MAX_LISTED])}{more}"
    if unlocated := summary["unlocated"]:
        yield f"evidence not in the target's sources: {' '.join(unlocated[:MAX_LISTED])}"
    yield f"report: {run.folder / 'report.html'}"


def list_runs(
    folder: Annotated[Path, typer.Argument(help="Folder that contains runs.")] = Path("runs"),
    json: options.Json = False,
) -> int:
    """List the runs in a folder with their headline."""
    entries = list(_list_entries(folder))
    if json:
        options.print_json(entries)
        return OK
    for entry in entries:
        typer.echo(escape(f"{entry['run']}  {entry['created_at']}  {entry['headline']}"))
    if not entries:
        typer.echo(f"no runs in {folder}", err=True)
    return OK


def _list_entries(folder: Path) -> Iterator[dict[str, Any]]:
    from rag.evaluation.errors import RunUnreadable
    from rag.evaluation.report.markdown import format_target, format_value
    from rag.evaluation.run import Run

    for path in sorted(folder.glob("*/run.json")):
        try:
            metadata = Run(path.parent).metadata
            summary = json_module.loads((path.parent / "summary.json").read_text("utf-8"))
            metric = summary["metrics"][summary["headline"]]
        except (RunUnreadable, OSError, ValueError, KeyError):
            yield {"run": str(path.parent), "created_at": "", "headline": "incomplete"}
            continue
        yield {
            "run": str(path.parent),
            "created_at": metadata["created_at"],
            "headline": f"{format_value(metric)} over {metric['n']}, "
            f"{format_target(metadata['config'])}",
        }


def show(
    run: RunFolder,
    case: Annotated[str, typer.Argument(help="Id of a case.", show_default=False)],
    json: options.Json = False,
) -> int:
    """Show one case of a run: question, expected answer, passages and answer."""
    from rag.evaluation.run import Run
    from rag.evaluation.summary import score_run

    opened = Run(run)
    if case not in opened.case_ids:
        raise CliError(f"{run} has no case {case!r}", USAGE)
    scored = next((s for s in score_run(opened) if s.sample.case.id == case), None)
    if scored is None:
        raise CliError(f"case {case!r} has not been run yet in {run}", USAGE)
    if json:
        line = scored.sample.to_json()
        options.print_json({**line, "values": scored.values, "failure": scored.failure})
    else:
        typer.echo(escape("\n".join(_format_case(scored))))
    return OK


def _format_case(scored: "ScoredSample") -> Iterator[str]:
    from rag.evaluation.metrics.matching import matches_evidence

    sample, case = scored.sample, scored.sample.case
    yield from (f"({turn.role}) {turn.content}" for turn in case.history)
    yield f"question  {case.question}"
    yield f"expected  {' | '.join(case.answers) if case.answerable else 'a refusal'}"
    yield from (f"evidence  {e.source}: “{e.quote}”" for e in case.evidence)
    if sample.response is None:
        yield f"error     {sample.error}"
        return
    yield f"answer    {sample.response.answer}"
    yield f"result    {scored.failure or 'correct'}"
    for c in sample.citations:
        yield f"cited     [{c.n}] {c.source} {c.start}–{c.end}: “{c.quote}”"
    for passage in sample.passages:
        mark = "*" if any(matches_evidence(passage, item) for item in sample.gold) else " "
        text = " ".join(passage.text.split())[:160]
        yield f"{mark}{passage.rank:>8}. {passage.score:.2f} {passage.source}: {text}"
    yield "  ".join(f"{name} {value:.3g}" for name, value in scored.values.items())
