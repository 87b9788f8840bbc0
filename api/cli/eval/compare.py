"""`footnote eval compare|gate`: whether a change improved the answers, for people and for CI."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...exit_codes import GATE_FAILED, OK, USAGE, CliError
from ...wire.escape import escape
from .. import options
from .show import RunFolder

if TYPE_CHECKING:
    from rag.evaluation.compare import Breach, Comparison, MetricChange
    from rag.evaluation.metrics.score import ScoredSample

MAX_LISTED = 50

Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", help="Only this metric; repeatable.", show_default=False),
]
Common = Annotated[bool, typer.Option("--common", help="Compare only cases of both runs.")]


def compare(
    before: Annotated[Path, typer.Argument(help="Folder of the first run.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="Folder of the second run.", show_default=False)],
    metric: Metrics = None,
    common: Common = False,
    json: options.Json = False,
) -> int:
    """Compare two runs case by case: changes, their significance, and flipped cases."""
    from rag.evaluation.compare import compare_runs

    comparison = compare_runs(
        _score_run(before), _score_run(after), common=common, metrics=metric or []
    )
    if json:
        options.print_json(asdict(comparison))
    else:
        typer.echo("\n".join(escape(line) for line in _format_comparison(comparison)))
    return OK


def _score_run(folder: Path) -> "tuple[ScoredSample, ...]":
    from rag.evaluation.run import Run
    from rag.evaluation.summary import score_run

    return score_run(Run(folder))


def _format_comparison(comparison: "Comparison") -> Iterator[str]:
    for name, flips in (("broken", comparison.broken), ("fixed", comparison.fixed)):
        yield f"{name}: {len(flips)}"
        for flip in flips[:MAX_LISTED]:
            change = f"{flip.before or 'correct'} → {flip.after or 'correct'}"
            yield f"  {flip.id}  {change}  {flip.question}"
    yield f"still broken: {len(comparison.still_broken)}"
    if comparison.left_out:
        yield f"excluded, because only one run has them: {comparison.left_out}"
    yield ""
    yield f"{'metric':<24} {'before':>7} {'after':>7} {'delta':>8}  95 % interval      p       Holm"
    yield from (_format_change(change) for change in comparison.changes)
    yield "* significant after Holm's adjustment for multiple comparisons"


def _format_change(change: "MetricChange") -> str:
    from rag.evaluation.report.markdown import format_p

    interval, other = change.interval, change.by_case
    by_case = f"  (by case [{other.low:+.3f}, {other.high:+.3f}])" if other else ""
    return (
        f"{change.metric:<24} {change.before:7.3f} {change.after:7.3f} {change.delta:+8.3f}  "
        f"[{interval.low:+.3f}, {interval.high:+.3f}]  {format_p(change.p):<7} "
        f"{format_p(change.p_holm)}{' *' if change.is_significant else ''}  {change.test}, "
        f"{interval.method}, n {change.n}, detects {change.detectable:.3f} at 80 %{by_case}"
    )


def gate(
    run: RunFolder,
    min_: Annotated[
        list[str] | None,
        typer.Option("--min", help="Minimum of a metric: answer_cited>=0.8.", show_default=False),
    ] = None,
    min_low: Annotated[
        list[str] | None,
        typer.Option(help="Minimum of a metric's lower bound.", show_default=False),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Run to compare with.", show_default=False)
    ] = None,
    max_regression: Annotated[
        float, typer.Option(min=0, help="Allowed regression from the baseline.")
    ] = 0.0,
    metric: Metrics = None,
    common: Common = False,
    json: options.Json = False,
) -> int:
    """Exit with code 5 and name the cases if a run is below a minimum or the baseline."""
    from rag.evaluation.compare import check_floors, check_regression, parse_condition
    from rag.evaluation.metrics.registry import HEADLINE
    from rag.evaluation.summary import summarize_metrics

    conditions = [parse_condition(text, "value") for text in min_ or []]
    conditions += [parse_condition(text, "low") for text in min_low or []]
    if not conditions and baseline is None:
        raise CliError("a gate needs --min, --min-low or --baseline", USAGE)
    scored = _score_run(run)
    metrics = summarize_metrics(scored, [condition.metric for condition in conditions])
    breaches = check_floors(conditions, metrics, scored)
    if baseline is not None:
        before = _score_run(baseline)
        for name in metric or [HEADLINE]:
            breach = check_regression(
                before, scored, metric=name, max_regression=max_regression, common=common
            )
            breaches += [breach] if breach else []
    _print_breaches(breaches, json=json)
    return GATE_FAILED if breaches else OK


def _print_breaches(breaches: "list[Breach]", *, json: bool) -> None:
    if json:
        entries = [{"said": breach.message, "cases": breach.cases} for breach in breaches]
        options.print_json({"ok": not breaches, "breaches": entries})
        return
    for breach in breaches:
        typer.echo(escape(f"FAIL  {breach.message}"))
        ids = breach.cases
        more = f" and {len(ids) - MAX_LISTED} more" if len(ids) > MAX_LISTED else ""
        typer.echo(escape(f"      cases: {' '.join(ids[:MAX_LISTED])}{more}"))
    if not breaches:
        typer.echo("ok")
