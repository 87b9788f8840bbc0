"""`footnote eval run CASES`: asks every case, keeps each answer, writes the reports."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...exit_codes import INTERRUPTED, OK, USAGE, ServiceRefused
from ...wire.escape import screen
from .. import options
from .progress import watched

if TYPE_CHECKING:
    from rag.evaluation.cases import Case
    from rag.evaluation.metrics.score import Prices
    from rag.evaluation.run_store import Json, Run

    from .target import Wanted

RUNS = Path("runs")
SHOWN_IDS = 8

Cases = Annotated[Path, typer.Argument(help="File of cases, a JSON object a line.")]
Folder = Annotated[
    Path | None, typer.Option(help="Folder of the run; the same one resumes.", show_default=False)
]
CorpusOption = Annotated[
    Path | None, typer.Option("--corpus", help="Folder of articles.", show_default=False)
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Ask this many cases only.", show_default=False)
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="Only cases with this tag.", show_default=False)
]
Seed = Annotated[
    int | None,
    typer.Option(help="With --limit: draw the cases at random by it.", show_default=False),
]
Baseline = Annotated[
    Path | None, typer.Option(help="A run to compare with in the report.", show_default=False)
]
Price = Annotated[float | None, typer.Option(min=0, show_default=False)]


def run(
    cases: Cases,
    corpus: CorpusOption = None,
    url: options.Url = None,
    key: options.Key = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="MODULE:ATTR of a llama-index retriever or query engine, or a target of yours.",
            show_default=False,
        ),
    ] = None,
    closed_book: Annotated[
        bool, typer.Option("--closed-book", help="Ask the model alone, without any source.")
    ] = False,
    out: Folder = None,
    top_k: options.TopK = 5,
    limit: Limit = None,
    tag: Tags = None,
    seed: Seed = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Cases at once.")] = 2,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave malformed lines out, and say which.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin the run in that folder anew.")
    ] = False,
    baseline: Baseline = None,
    price_in: Price = None,
    price_out: Price = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
) -> int:
    """Ask every case and report how right the answers are; the same --out resumes."""
    from rag.evaluation.extra import needed

    from .target import Wanted

    needed("scipy")
    needed("jinja2")
    needed("matplotlib")
    picked = chosen(cases, tag or [], limit=limit, seed=seed, skip_invalid=skip_invalid)
    settings = options.settings(
        corpus=corpus,
        collection=collection,
        own_collection=corpus is not None,
        data_dir=data_dir,
        llm__model=model,
    )
    if (url is not None) + (target is not None) + closed_book > 1:
        raise ServiceRefused("measure one of --url, --target and --closed-book", USAGE)
    wanted = Wanted(
        settings=settings,
        top_k=top_k,
        url=url,
        key=key,
        attribute=target,
        is_closed_book=closed_book,
        corpus=corpus,
    )
    if corpus is not None and not (url or target or closed_book):
        _sync(wanted)
    folder = out or _free_folder(cases.stem)
    ended = asyncio.run(
        measure(picked, wanted, folder, concurrency=concurrency, overwrite=overwrite)
    )
    return report(
        folder,
        prices=prices_of(price_in, price_out),
        baseline=baseline,
        json=json,
        interrupted=not ended,
    )


def chosen(
    path: Path, tags: Sequence[str], *, limit: int | None, seed: int | None, skip_invalid: bool
) -> "list[Case]":
    """Returns the cases to ask; says which lines were left out; raises CasesMalformed."""
    from rag.evaluation.cases import read_cases
    from rag.evaluation.errors import CasesMalformed

    try:
        cases, left_out = read_cases(path, skip_invalid=skip_invalid)
    except CasesMalformed as error:
        if len(error.problems) == 1:
            raise
        for number, cause in error.problems:
            typer.echo(screen(f"{path}, line {number}: {cause}"), err=True)
        said = f"{len(error.problems)} lines of {path} are no cases: mend them or --skip-invalid"
        raise ServiceRefused(said, USAGE) from error
    for line in left_out:
        typer.echo(screen(f"left out: {line}"), err=True)
    if tags:
        cases = [case for case in cases if set(tags) & set(case.tags)]
    if limit is not None and seed is not None:
        picked = set(random.Random(seed).sample(range(len(cases)), min(limit, len(cases))))
        cases = [case for number, case in enumerate(cases) if number in picked]
    cases = cases[:limit]
    if not cases:
        raise ServiceRefused(f"no case has the tag {' or '.join(tags)}", USAGE)
    return cases


def _sync(wanted: "Wanted") -> None:
    from ...service.background_sync import summary
    from ..sync import progress
    from .target import synced

    with progress() as on_event:
        report = synced(wanted.settings, on_event)
    typer.echo(screen(f"index: {summary(report)} ({report.seconds:.1f} s)"), err=True)


def _free_folder(stem: str) -> Path:
    number = 1
    while (folder := RUNS / f"{stem}-{number:03}").exists():
        number += 1
    return folder


async def measure(
    cases: "list[Case]", wanted: "Wanted", folder: Path, *, concurrency: int, overwrite: bool
) -> bool:
    """Fills the run; returns whether it came to its end and was not interrupted."""
    from rag.evaluation.run import run as fill
    from rag.evaluation.run_store import start

    from .target import opened

    async with opened(wanted) as target:
        held = start(folder, cases, target.described(), overwrite=overwrite)
        with watched() as on_progress:
            try:
                await fill(held, cases, target, concurrency=concurrency, on_progress=on_progress)
            except asyncio.CancelledError:  # Ctrl-C: what was done is kept
                return False
    return True


def prices_of(price_in: float | None, price_out: float | None) -> "Prices | None":
    """Returns the prices of a million tokens, None where none is given."""
    from rag.evaluation.metrics.score import Prices

    if price_in is None and price_out is None:
        return None
    return Prices(prompt=price_in or 0.0, completion=price_out or 0.0)


def report(
    folder: Path,
    *,
    prices: "Prices | None",
    baseline: Path | None,
    json: bool,
    interrupted: bool,
) -> int:
    """Writes the reports of a run, prints its headline, returns the exit code."""
    from rag.evaluation.compare import compare
    from rag.evaluation.report.files import write
    from rag.evaluation.run_store import Run
    from rag.evaluation.summary import scored_of, summarise

    held = Run(folder)
    results = summarise(held, prices=prices)
    comparison = None
    if baseline is not None:
        known = scored_of(Run(baseline), prices=prices)
        comparison = compare(known, results.scored, common=True)
    write(held, results, comparison)
    if json:
        options.print_json(results.summary)
    else:
        typer.echo(screen("\n".join(_headline(held, results.summary))))
    if interrupted:
        done, total = results.summary["done"], results.summary["cases"]
        typer.echo(f"stopped after {done} of {total}; the same command resumes", err=True)
        return INTERRUPTED
    return OK


def _headline(run: "Run", summary: "Json") -> "Iterator[str]":
    from rag.evaluation.report import words

    for name in (summary["headline"], "answer_contained", "hit@1", "hit@5", "abstention_recall"):
        if figure := summary["metrics"].get(name):
            yield f"{name:<18} {words.value(figure)}  n {figure['n']}"
    for name, ids in summary["failures"].items():
        if ids:
            more = " …" if len(ids) > SHOWN_IDS else ""
            yield f"{name:<22} {len(ids):>4}  {' '.join(ids[:SHOWN_IDS])}{more}"
    if lost := summary["unlocated"]:
        yield f"evidence not in the target's sources: {' '.join(lost[:SHOWN_IDS])}"
    yield f"report: {run.folder / 'report.html'}"
