"""`footnote eval compare|gate`: whether a change made answers better, for people and for CI."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...exit_codes import GATE_FAILED, OK, USAGE, ServiceRefused
from ...wire.escape import screen
from .. import options
from .show import RunFolder

if TYPE_CHECKING:
    from rag.evaluation.compare import Change, Comparison
    from rag.evaluation.gate import Breach
    from rag.evaluation.metrics.score import Scored

LISTED = 50

Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", help="Only this metric; may be repeated.", show_default=False),
]
Common = Annotated[bool, typer.Option("--common", help="Compare the cases that both runs have.")]


def compare(
    before: Annotated[Path, typer.Argument(help="Folder of the first run.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="Folder of the second run.", show_default=False)],
    metric: Metrics = None,
    common: Common = False,
    json: options.Json = False,
) -> int:
    """Compare two runs case by case: what changed, how sure that is, which cases flipped."""
    from rag.evaluation.compare import compare as compared

    found = compared(_scored(before), _scored(after), common=common, only=metric or [])
    if json:
        options.print_json(asdict(found))
    else:
        typer.echo("\n".join(screen(line) for line in _shown(found)))
    return OK


def _scored(folder: Path) -> "tuple[Scored, ...]":
    from rag.evaluation.run_store import Run
    from rag.evaluation.summary import scored_of

    return scored_of(Run(folder))


def _shown(found: "Comparison") -> Iterator[str]:
    for name, flips in (("broken", found.broken), ("fixed", found.fixed)):
        yield f"{name}: {len(flips)}"
        for flip in flips[:LISTED]:
            change = f"{flip.before or 'right'} → {flip.after or 'right'}"
            yield f"  {flip.id}  {change}  {flip.question}"
    yield f"still broken: {len(found.still_broken)}"
    if found.left_out:
        yield f"left out, because only one run has them: {found.left_out}"
    yield ""
    yield f"{'metric':<24} {'before':>7} {'after':>7} {'delta':>8}  95 % interval      p       Holm"
    yield from (_row(change) for change in found.changes)
    yield "* sure after Holm's adjustment for having looked at all of these"


def _row(change: "Change") -> str:
    from rag.evaluation.report.words import p_value

    around = change.interval
    other = change.by_case
    beside = f"  (by case [{other.low:+.3f}, {other.high:+.3f}])" if other else ""
    return (
        f"{change.metric:<24} {change.before:7.3f} {change.after:7.3f} {change.delta:+8.3f}  "
        f"[{around.low:+.3f}, {around.high:+.3f}]  {p_value(change.p):<7} "
        f"{p_value(change.p_holm)}{' *' if change.is_sure else ''}  {change.test}, "
        f"{around.method}, n {change.n}, shows {change.detectable:.3f} at 80 %{beside}"
    )


def gate(
    run: RunFolder,
    min_: Annotated[
        list[str] | None,
        typer.Option("--min", help="A floor, as answer_cited>=0.8.", show_default=False),
    ] = None,
    min_low: Annotated[
        list[str] | None,
        typer.Option(help="A floor under the interval's lower bound.", show_default=False),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="The run to be no worse than.", show_default=False)
    ] = None,
    max_regression: Annotated[
        float, typer.Option(min=0, help="How far it may fall under the baseline.")
    ] = 0.0,
    metric: Metrics = None,
    common: Common = False,
    json: options.Json = False,
) -> int:
    """Fail with exit code 5, naming the cases, where a run is not good enough."""
    from rag.evaluation.gate import breaches, condition, regression
    from rag.evaluation.metrics.registry import HEADLINE
    from rag.evaluation.summary import figures

    wanted = [condition(text, "value") for text in min_ or []]
    wanted += [condition(text, "low") for text in min_low or []]
    if not wanted and baseline is None:
        raise ServiceRefused("a gate needs --min, --min-low or --baseline", USAGE)
    scored = _scored(run)
    found = breaches(wanted, figures(scored, [one.metric for one in wanted]), scored)
    if baseline is not None:
        known = _scored(baseline)
        for name in metric or [HEADLINE]:
            fall = regression(known, scored, metric=name, most=max_regression, common=common)
            found += [fall] if fall else []
    _say(found, json=json)
    return GATE_FAILED if found else OK


def _say(found: "list[Breach]", *, json: bool) -> None:
    if json:
        said: dict[str, Any] = {"ok": not found, "breaches": [asdict(one) for one in found]}
        options.print_json(said)
        return
    for one in found:
        typer.echo(screen(f"FAIL  {one.said}"))
        more = f" and {len(one.cases) - LISTED} more" if len(one.cases) > LISTED else ""
        typer.echo(screen(f"      cases: {' '.join(one.cases[:LISTED])}{more}"))
    if not found:
        typer.echo("ok")
