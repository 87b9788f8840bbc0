"""`footnote eval list|show|rescore`: what kept runs say; none of them asks a target."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...exit_codes import OK, USAGE, ServiceRefused
from ...wire.escape import screen
from .. import options
from .run import Baseline, Price, prices_of, report

if TYPE_CHECKING:
    from rag.evaluation.metrics.score import Scored

RunFolder = Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]


def rescore(
    run: RunFolder,
    baseline: Baseline = None,
    price_in: Price = None,
    price_out: Price = None,
    json: options.Json = False,
) -> int:
    """Score the answers of a run anew and write its reports; nothing is asked again."""
    prices = prices_of(price_in, price_out)
    return report(run, prices=prices, baseline=baseline, json=json, interrupted=False)


def list_runs(
    folder: Annotated[Path, typer.Argument(help="Folder that holds runs.")] = Path("runs"),
    json: options.Json = False,
) -> int:
    """List the runs below a folder with their headline."""
    found = list(_listed(folder))
    if json:
        options.print_json(found)
        return OK
    for entry in found:
        typer.echo(screen(f"{entry['run']}  {entry['created_at']}  {entry['headline']}"))
    if not found:
        typer.echo(f"no runs in {folder}", err=True)
    return OK


def _listed(folder: Path) -> Iterator[dict[str, Any]]:
    import json as json_module

    from rag.evaluation.errors import RunUnreadable
    from rag.evaluation.report import words
    from rag.evaluation.run_store import Run

    for path in sorted(folder.glob("*/run.json")):
        try:
            about = Run(path.parent).about
            summary = json_module.loads((path.parent / "summary.json").read_text("utf-8"))
            figure = summary["metrics"][summary["headline"]]
        except (RunUnreadable, OSError, ValueError, KeyError):
            yield {"run": str(path.parent), "created_at": "", "headline": "unfinished"}
            continue
        yield {
            "run": str(path.parent),
            "created_at": about["created_at"],
            "headline": f"{words.value(figure)} over {figure['n']}, "
            f"{words.target(about['config'])}",
        }


def show(
    run: RunFolder,
    case: Annotated[str, typer.Argument(help="Id of a case.", show_default=False)],
    json: options.Json = False,
) -> int:
    """Show one case of a run: what was asked, expected, found and said."""
    from rag.evaluation.results import as_line
    from rag.evaluation.run_store import Run
    from rag.evaluation.summary import scored_of

    held = Run(run)
    if case not in held.order:
        raise ServiceRefused(f"{run} has no case {case!r}", USAGE)
    found = [s for s in scored_of(held) if s.sample.case.id == case]
    if not found:
        raise ServiceRefused(f"{case!r} has not been asked yet in {run}", USAGE)
    if json:
        line = as_line(found[0].sample)
        options.print_json({**line, "values": found[0].values, "failure": found[0].failure})
    else:
        typer.echo(screen("\n".join(_shown(found[0]))))
    return OK


def _shown(scored: "Scored") -> Iterator[str]:
    from rag.evaluation.metrics.ranking import finds

    sample, case = scored.sample, scored.sample.case
    yield from (f"({turn.role}) {turn.content}" for turn in case.history)
    yield f"question  {case.question}"
    yield f"expected  {' | '.join(case.answers) if case.answerable else 'a refusal'}"
    yield from (f"evidence  {e.source}: “{e.quote}”" for e in case.evidence)
    if sample.response is None:
        yield f"error     {sample.error}"
        return
    yield f"answer    {sample.response.answer}"
    yield f"verdict   {scored.failure or 'right'}"
    for cited in sample.response.citations or ():
        yield f"cited     [{cited.n}] {cited.source} {cited.start}–{cited.end}: “{cited.quote}”"
    for passage in sample.response.passages or ():
        mark = "*" if any(finds(passage, item) for item in sample.gold) else " "
        text = " ".join(passage.text.split())[:160]
        yield f"{mark}{passage.rank:>8}. {passage.score:.2f} {passage.source}: {text}"
    yield "  ".join(f"{name} {value:.3g}" for name, value in scored.values.items())
