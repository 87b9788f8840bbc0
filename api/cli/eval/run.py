"""`footnote eval run CASES`: sends every case to the target, stores its answers, writes reports.

The target is the pipeline over the settings' corpus, a running service, or a Python object.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...exit_codes import USAGE, CliError
from ...wire.escape import escape, pluralize
from .. import options
from .show import Baseline, Price, report_run, token_prices

if TYPE_CHECKING:
    from rag.evaluation.cases import Case
    from rag.evaluation.run import Progress
    from rag.evaluation.targets import Target

    from ...settings import Settings

RUNS_FOLDER = Path("runs")
PROGRESS_LINES = 10
"""Lines of progress per run if stderr is not a terminal."""

Cases = Annotated[Path, typer.Argument(help="File of cases, one JSON object per line.")]
Corpus = Annotated[
    Path | None, typer.Option("--corpus", help="Folder of articles.", show_default=False)
]
Attribute = Annotated[
    str | None,
    typer.Option(
        help="MODULE:ATTR of a llama-index retriever or query engine, or of your own target.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the run; an existing run resumes.", show_default=False),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of cases.", show_default=False)
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="Only cases with this tag.", show_default=False)
]
Seed = Annotated[
    int | None, typer.Option(help="With --limit: select random cases.", show_default=False)
]
Concurrency = Annotated[int, typer.Option(min=1, max=64, help="Concurrent cases.")]
SkipInvalid = Annotated[
    bool, typer.Option("--skip-invalid", help="Skip malformed lines and report them.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing run in the folder.")
]


def run(
    cases: Cases,
    corpus: Corpus = None,
    url: options.Url = None,
    key: options.Key = None,
    target: Attribute = None,
    out: Out = None,
    top_k: options.TopK = 5,
    limit: Limit = None,
    tag: Tags = None,
    seed: Seed = None,
    concurrency: Concurrency = 2,
    skip_invalid: SkipInvalid = False,
    overwrite: Overwrite = False,
    baseline: Baseline = None,
    price_in: Price = None,
    price_out: Price = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
) -> int:
    """Ask every case and report how correct the answers are; the same --out resumes."""
    from rag.evaluation.errors import import_extra

    for module in ("scipy", "jinja2", "matplotlib"):
        import_extra(module)
    selected = select_cases(cases, tag or [], limit=limit, seed=seed, skip_invalid=skip_invalid)
    settings = options.load_settings(
        corpus=corpus,
        collection=collection,
        own_collection=corpus is not None,
        data_dir=data_dir,
        llm__model=model,
    )
    if url and target:
        raise CliError("choose one of --url and --target", USAGE)
    if corpus is not None and not (url or target):
        _sync_corpus(settings)

    folder = out or _next_folder(cases.stem)

    async def run_all() -> bool:
        opened = open_target(
            settings, top_k=top_k, url=url, key=key, attribute=target, corpus=corpus
        )
        async with opened as system:
            return await _run_cases(
                selected,
                system,
                folder,
                concurrency=concurrency,
                overwrite=overwrite,
                about=None if url or target else f"collection {settings.collection}",
            )

    completed = asyncio.run(run_all())
    return report_run(
        folder,
        prices=token_prices(price_in, price_out),
        baseline=baseline,
        json=json,
        interrupted=not completed,
    )


def select_cases(
    path: Path, tags: Sequence[str], *, limit: int | None, seed: int | None, skip_invalid: bool
) -> "list[Case]":
    """Returns the cases to run and reports skipped lines; raises CasesMalformed."""
    from rag.evaluation.cases import read_cases
    from rag.evaluation.errors import CasesMalformed

    try:
        cases, skipped = read_cases(path, skip_invalid=skip_invalid)
    except CasesMalformed as error:
        if len(error.problems) == 1:
            raise
        for number, cause in error.problems:
            typer.echo(escape(f"{path}, line {number}: {cause}"), err=True)
        message = f"{len(error.problems)} lines of {path} are malformed; fix them or --skip-invalid"
        raise CliError(message, USAGE) from error
    for line in skipped:
        typer.echo(escape(f"skipped: {line}"), err=True)
    if tags:
        cases = [case for case in cases if set(tags) & set(case.tags)]
    if limit is not None and seed is not None:
        drawn = set(random.Random(seed).sample(range(len(cases)), min(limit, len(cases))))
        cases = [case for number, case in enumerate(cases) if number in drawn]
    cases = cases[:limit]
    if not cases:
        raise CliError(f"no case has the tag {' or '.join(tags)}", USAGE)
    return cases


def _sync_corpus(settings: "Settings") -> None:
    from index.sync.process import run_sync

    from ...bootstrap import sync_request
    from ...service.background_sync import summarize_report
    from ..sync import show_progress

    with show_progress() as on_event:
        report = run_sync(sync_request(settings), on_event)
    typer.echo(escape(f"index: {summarize_report(report)} ({report.seconds:.1f} s)"), err=True)


def _next_folder(stem: str) -> Path:
    folders = (RUNS_FOLDER / f"{stem}-{number:03}" for number in count(1))
    return next(folder for folder in folders if not folder.exists())


async def _run_cases(
    cases: "list[Case]",
    target: "Target",
    folder: Path,
    *,
    concurrency: int,
    overwrite: bool,
    about: str | None,
) -> bool:
    """Returns whether the run completed, rather than being interrupted."""
    from rag.evaluation.run import open_run, run_cases

    run = open_run(folder, cases, target.describe(), overwrite=overwrite, about=about)
    with _show_progress() as on_progress:
        try:
            await run_cases(run, cases, target, concurrency=concurrency, on_progress=on_progress)
        except asyncio.CancelledError:  # Ctrl-C: completed samples are kept
            return False
    return True


@asynccontextmanager
async def open_target(
    settings: "Settings",
    *,
    top_k: int,
    url: str | None = None,
    key: str | None = None,
    attribute: str | None = None,
    corpus: Path | None = None,
) -> "AsyncIterator[Target]":
    """Yields the service at a URL, an imported attribute, or else the pipeline; closes it."""
    async with AsyncExitStack() as stack:
        target: Target
        if url:
            from rag.evaluation.service_target import ServiceTarget

            target = ServiceTarget(url, key=key, top_k=top_k)
            await target.connect()
        elif attribute:
            from rag.evaluation.targets import AttributeTarget, CorpusFolder

            sys.path.insert(0, str(Path.cwd()))  # the module is the caller's and not installed
            target = AttributeTarget(attribute, corpus=CorpusFolder(corpus), top_k=top_k)
        else:
            from rag.evaluation.targets import PipelineTarget

            from ...operations.quality.target import answer_settings
            from ..client import open_index

            components, generation = stack.enter_context(open_index(settings))
            target = PipelineTarget(
                components.pipeline, generation, top_k=top_k, settings=answer_settings(settings)
            )
        stack.push_async_callback(target.close)
        yield target


@contextmanager
def _show_progress() -> "Iterator[Callable[[Progress], None]]":
    """Shows progress on stderr: a bar on a terminal, else a line for each tenth of the cases."""
    if not sys.stderr.isatty():
        yield _line_printer()
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("cases"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("correct {task.fields[share]:.1%}"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("cases", total=None, share=0.0)
        yield lambda p: bar.update(task, completed=p.done, total=p.total, share=p.share_correct)


def _line_printer() -> "Callable[[Progress], None]":
    last_step = -1

    def show(progress: "Progress") -> None:
        nonlocal last_step
        step = progress.done * PROGRESS_LINES // max(progress.total, 1)
        if step == last_step:
            return
        last_step = step
        remaining = "" if progress.remaining_s is None else f", {progress.remaining_s:.0f} s left"
        done = f"{progress.done} of {pluralize(progress.total, 'case')}"
        typer.echo(f"{done}, {progress.share_correct:.1%} correct{remaining}", err=True)

    return show
