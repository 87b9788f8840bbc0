"""`footnote eval matrix CASES FILE`: the same cases through several settings, side by side."""

import asyncio
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from ...exit_codes import INTERRUPTED, OK, USAGE, ServiceRefused
from ...wire.escape import screen
from .. import options
from .run import Cases, Limit, Tags, chosen, measure

SHOWN = ("answer_cited", "answer_contained", "hit@1", "hit@5", "abstention_recall")


def matrix(
    cases: Cases,
    configurations: Annotated[
        Path,
        typer.Argument(
            help="TOML: a table a run, of settings (`llm.model` as [NAME.llm]) and top_k."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the runs, one below it each.")],
    limit: Limit = None,
    tag: Tags = None,
    json: options.Json = False,
) -> int:
    """Ask every case with several settings and print their figures side by side."""
    from rag.evaluation.report.files import write
    from rag.evaluation.report.words import value
    from rag.evaluation.run_store import Run
    from rag.evaluation.summary import summarise

    from .target import Wanted

    asked = chosen(cases, tag or [], limit=limit, seed=None, skip_invalid=False)
    summaries = {}
    for name, said in _tables(configurations).items():
        top_k = said.pop("top_k", 5)
        wanted = Wanted(settings=options.settings(**_flat(said)), top_k=top_k)
        if not asyncio.run(measure(asked, wanted, out / name, concurrency=2, overwrite=False)):
            return INTERRUPTED
        results = summarise(Run(out / name))
        write(Run(out / name), results)
        metrics = summaries[name] = results.summary["metrics"]
        if not json:
            figures = [f"{m} {value(metrics[m])}" for m in SHOWN if m in metrics]
            typer.echo(screen(f"{name}: {', '.join(figures)}"))
    if json:
        options.print_json(summaries)
    return OK


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ServiceRefused(f"{path} cannot be read as TOML: {error}", USAGE) from error
    odd = [name for name, table in found.items() if not isinstance(table, dict) or "/" in name]
    if odd or not found:
        raise ServiceRefused(f"{path}: each configuration is a table with a plain name", USAGE)
    return found


def _flat(said: dict[str, Any]) -> dict[str, Any]:
    """Returns settings with `__` for the dot of a group."""
    flat: dict[str, Any] = {}
    for name, given in said.items():
        if isinstance(given, dict):
            flat |= {f"{name}__{key}": inner for key, inner in given.items()}
        else:
            flat[name] = given
    return flat
