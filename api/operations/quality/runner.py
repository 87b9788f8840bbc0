"""Runs evaluations in a running service: one at a time, with progress, until it stops.

Questions go through the service's own pipeline, one after the other. Scores and reports, seconds of
computing, are made in a thread.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from index.errors import IndexingError
from rag.errors import AnswerError

from ...errors import ApiError, RequestError, RequestInvalid
from ...service.access import ALL
from ..health.descriptions import describe
from .cases import CaseFile
from .store import INTERRUPTED, Evaluation, EvaluationStore

if TYPE_CHECKING:
    from index.store.opened import OpenGeneration
    from rag.evaluation.cases import Case
    from rag.evaluation.run import Progress

    from ...service.service import Service

log = logging.getLogger("footnote.evaluation")

MAX_CASES = 2_000
MAX_S = 4 * 3_600.0
"""An evaluation that takes longer is ended, and what was answered is reported."""
_NO_CASES = {
    "kept": "no case is kept yet: accept one from feedback, or choose `drafted`",
    "drafted": "no sentence of the articles has a number or a name to ask for",
}
SAVE_INTERVAL_S = 0.5
TOP_K = 5
DRAFTED = 40
DRAFT_SAMPLE = 400
"""Passages, evenly spread, from which cloze questions are drafted."""


class EvaluationRunner:
    """The evaluation that runs in this process, if one does."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def start(
        self, service: "Service", store: EvaluationStore, *, collection: str, label: str | None,
        case_set: str,
    ) -> Evaluation:  # fmt: skip
        """Starts an evaluation of a collection's kept or drafted cases, and returns it.

        Raises RequestError if there are no cases, one runs already or the extra is not installed.
        """
        require_extra()
        with ExitStack() as opened:
            await asyncio.to_thread(opened.enter_context, store.running())
            components, generation = await asyncio.to_thread(
                opened.enter_context, service.lease(collection, access=ALL)
            )
            cases = await asyncio.to_thread(
                _cases, case_set, service.settings.data_dir, collection, generation
            )
            if not cases:
                raise RequestInvalid("body.cases", _NO_CASES[case_set])
            evaluation = await asyncio.to_thread(
                store.create, label=label, cases=len(cases), case_set=case_set
            )
            work = self._run(service, store, evaluation, cases, components.pipeline, generation)
            self._task = asyncio.create_task(
                self._finish(work, store, evaluation, opened.pop_all())
            )
        return evaluation

    async def stop(self) -> None:
        """Ends the evaluation, if one runs."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _finish(
        self, work: Any, store: EvaluationStore, evaluation: Evaluation, opened: ExitStack
    ) -> None:
        """Awaits the work, stores how it ended and gives its place and its generation back."""
        ended = replace(evaluation, status="failed", error=INTERRUPTED)
        try:
            await work
            ended = replace(evaluation, status="done")
        except Exception as error:  # the task's edge: what it raises is reported here or nowhere
            is_ours = isinstance(error, ApiError | AnswerError | IndexingError)
            log.exception("evaluation %s failed", evaluation.id)
            cause = str(error) if is_ours else "internal error; see the server log"
            ended = replace(ended, error=cause[:500])
        finally:
            try:
                store.save(ended)
            finally:
                opened.close()

    async def _run(
        self,
        service: "Service",
        store: EvaluationStore,
        evaluation: Evaluation,
        cases: "Sequence[Case]",
        pipeline: Any,
        generation: "OpenGeneration",
    ) -> None:
        from rag.evaluation.run import open_run, run_cases

        from .target import ServiceTarget

        info = generation.info
        about = f"collection {info.collection}, {describe(info)}"
        target = await asyncio.to_thread(
            lambda: ServiceTarget(service, pipeline, generation, top_k=TOP_K)
        )
        run = await asyncio.to_thread(
            lambda: open_run(
                store.run_folder(evaluation.id),
                cases,
                target.describe(),
                overwrite=False,
                about=about,
            )
        )
        saved_s = 0.0

        def on_progress(progress: "Progress") -> None:
            nonlocal saved_s
            if time.monotonic() - saved_s >= SAVE_INTERVAL_S or progress.done == progress.total:
                saved_s = time.monotonic()
                counts = {name: getattr(progress, name) for name in ("done", "total", "correct")}
                store.save(replace(evaluation, progress=counts))

        try:
            async with asyncio.timeout(MAX_S):
                await run_cases(run, cases, target, concurrency=1, on_progress=on_progress)
        except TimeoutError:
            log.warning("evaluation %s took more than %.0f hours", evaluation.id, MAX_S / 3_600)
        await asyncio.to_thread(_report, store, evaluation.id)


def _report(store: EvaluationStore, evaluation_id: str) -> None:
    from rag.evaluation.report import write_reports
    from rag.evaluation.summary import summarize

    run = store.run(evaluation_id)
    write_reports(run, summarize(run))


def _cases(
    case_set: str, data_dir: Any, collection: str, generation: "OpenGeneration"
) -> "list[Case]":
    """Returns the cases to run; blocks."""
    if case_set == "kept":
        return CaseFile(data_dir, collection).all()[:MAX_CASES]
    from rag.evaluation.cases import Case
    from rag.evaluation.importing import SourceSentence, draft_cloze, select_sentences

    sentences = [
        SourceSentence(source.path, text[unit.start - chunk.start : unit.end - chunk.start].strip())
        for chunk, text in generation.sample(DRAFT_SAMPLE)
        if (source := generation.source(chunk.source_id))
        for unit in chunk.units
    ]
    return [
        Case.from_json(line) for line in draft_cloze(select_sentences(sentences, DRAFTED, seed=0))
    ]


def require_extra() -> None:
    """Raises RequestError if the packages of the extra `eval` are not installed."""
    from rag.evaluation.errors import ExtraMissing, import_extra

    try:
        for module in ("scipy", "jinja2", "matplotlib"):
            import_extra(module)
    except ExtraMissing as error:
        raise RequestError("extra_missing", str(error)) from error
