"""Seven planted regressions: the comparison names each by its metric and failure class.

Six on the seeds, through the real pipeline; the seventh (no dense retrieval) needs more questions
than the seeds have and runs on the SQuAD articles if their index is available.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.bootstrap import open_components
from api.service.collection import Components
from api.settings import Settings
from index.embed.protocol import QuestionVectors
from index.embed.quantize import COMPONENTS
from index.store.generation import Generation
from rag.answer import Limits, Pipeline
from rag.evaluation.cases import Case, read_cases
from rag.evaluation.compare import Comparison, compare_runs
from rag.evaluation.metrics.score import ScoredSample, score_sample
from rag.evaluation.results import Citation, Passage, Response
from rag.evaluation.run import run_case
from rag.evaluation.targets import PipelineTarget, Target
from rag.retrieval.weights import Weights, fitted_weights

COUNT, BASE = 300, 60
GOLD = Path(__file__).parents[1] / "data" / "seeds.jsonl"
KS = (1, 3, 5)
LIMITS = Limits(history_chars=4_000, passage_chars=4_000)
SQUAD = os.environ.get("FOOTNOTE_TEST_SQUAD")
"""A data folder with the collection `squad`, and the file of its cases: `DATA:CASES`."""


@dataclass(frozen=True)
class Bench:
    """The open index, its cases, and their scores without a fault."""

    components: Components
    generation: Generation
    cases: Sequence[Case]
    before: Sequence[ScoredSample]

    def target(self, *, top_k: int = 5, weights: Weights | None = None) -> PipelineTarget:
        pipeline = Pipeline(
            embedder=self.components.embedder,
            chat=None,
            support_mode="flag",
            limits=LIMITS,
            weights=weights,
        )
        return PipelineTarget(pipeline, self.generation, top_k=top_k, settings={})

    def compare(self, target: Target, cases: Sequence[Case] | None = None) -> Comparison:
        return compare_runs(self.before, run_scored(target, cases or self.cases), common=True)


def run_scored(target: Target, cases: Sequence[Case]) -> list[ScoredSample]:
    async def run_all() -> list[ScoredSample]:
        return [score_sample(await run_case(target, case), ks=KS) for case in cases]

    return asyncio.run(run_all())


def open_bench(data: Path, collection: str, cases: Sequence[Case]) -> Iterator[Bench]:
    components = open_components(Settings(data_dir=data, collection=collection))
    components.serving.refresh()
    with components.serving.lease() as generation:
        bench = Bench(components, generation, cases, ())
        yield replace(bench, before=run_scored(bench.target(), cases[:BASE]))
    asyncio.run(components.close())


@pytest.fixture(scope="module")
def bench(seeds_data: Path) -> Iterator[Bench]:
    yield from open_bench(seeds_data, "default", read_cases(GOLD)[0])


class FaultyTarget:
    """The pipeline with a fault injected into its responses."""

    def __init__(
        self, target: Target, change: Callable[[Case, Response, Mapping[str, str]], Response]
    ) -> None:
        self._target, self._change = target, change

    def describe(self) -> Mapping[str, object]:
        return {}

    async def ask(self, case: Case) -> Response:
        response = await self._target.ask(case)
        sources = {c.source for c in response.citations or ()}
        texts = {source: await self._target.text(source) or "" for source in sources}
        return self._change(case, response, texts)

    async def text(self, source: str) -> str | None:
        return await self._target.text(source)

    async def close(self) -> None:
        await self._target.close()


def assert_regression(comparison: Comparison, metric: str, failure: str) -> None:
    """The metric fell significantly, and most of the broken cases have the class."""
    change = comparison.change(metric)
    assert change.delta < 0
    assert change.p < 0.05, change
    classes = [flip.after for flip in comparison.broken]
    assert classes
    assert classes.count(failure) == max(map(classes.count, classes)), classes


def test_an_unchanged_system_has_no_regression(bench: Bench) -> None:
    comparison = bench.compare(bench.target())
    assert not comparison.broken + comparison.fixed
    assert all(change.p == 1.0 for change in comparison.changes)


def test_one_passage_instead_of_five(bench: Bench) -> None:
    # one passage makes an answer less certain, too, and a refusal is a failure of its own
    weights = replace(fitted_weights(), threshold=0.35)
    target = bench.target(top_k=1, weights=weights)
    assert_regression(bench.compare(target), "recall@5", "not_retrieved")


def test_the_texts_of_the_passages_shuffled(bench: Bench) -> None:
    """Each retrieved passage has the text and offsets of another one."""
    generation = bench.generation
    everything = [
        Passage(0, path, c.start, c.end, generation.text(source.id)[c.start : c.end], 0.0)
        for path, (source, _) in sorted(generation.all_sources().items())
        for c in generation.source_chunks(source.id)
    ]
    order = np.random.default_rng(4).permutation(len(everything))
    swapped = {
        (p.source, p.start): everything[order[number]] for number, p in enumerate(everything)
    }

    def shuffle(case: Case, response: Response, texts: Mapping[str, str]) -> Response:
        passages = tuple(
            replace(swapped[p.source, p.start], rank=p.rank, score=p.score)
            for p in response.passages or ()
        )
        answer = passages[0].text if response.answered and passages else response.answer
        citations = [
            Citation(1, str(p.source), p.start, p.end, p.text)
            for p in passages[: response.answered]
        ]
        return replace(response, answer=answer, passages=passages, citations=tuple(citations))

    assert_regression(
        bench.compare(FaultyTarget(bench.target(), shuffle)), "hit@5", "not_retrieved"
    )


def test_every_citation_moved_to_the_next_sentence(bench: Bench) -> None:
    def move(case: Case, response: Response, texts: Mapping[str, str]) -> Response:
        return replace(
            response, citations=tuple(_next(c, texts[c.source]) for c in response.citations or ())
        )

    assert_regression(
        bench.compare(FaultyTarget(bench.target(), move)), "citation_precision", "badly_cited"
    )


def _next(cited: Citation, text: str) -> Citation:
    following = re.compile(r"\s*([^.!?\n]+[.!?]?)").match(text, cited.end)
    if following is None:
        return replace(cited, start=cited.end, end=len(text), quote=text[cited.end :])
    start, end = following.span(1)
    return replace(cited, start=start, end=end, quote=text[start:end])


def test_abstention_switched_off(bench: Bench) -> None:
    comparison = bench.compare(bench.target(weights=replace(fitted_weights(), threshold=0.0)))
    assert_regression(comparison, "abstention_recall", "answered_unanswerable")


def test_an_article_removed(bench: Bench) -> None:
    removed = "the-partners-behind-xiaomis-car.md"

    def without(case: Case, response: Response, texts: Mapping[str, str]) -> Response:
        return response

    class WithoutArticle(FaultyTarget):
        async def ask(self, case: Case) -> Response:
            remaining = tuple(p for p in bench.generation.all_sources() if p != removed)
            response = await bench.components.pipeline.answer(
                bench.generation, _ask(case, remaining)
            )
            return Response.from_answer(response)

        async def text(self, source: str) -> str | None:
            return None if source == removed else await super().text(source)

    assert_regression(
        bench.compare(WithoutArticle(bench.target(), without)), "hit@5", "not_retrieved"
    )


def _ask(case: Case, sources: tuple[str, ...]) -> Any:
    from index.types import Filters
    from rag.types import Ask

    return Ask(case.question, case.history, top_k=5, filters=Filters(sources))


def test_a_digit_changed_in_every_figure(bench: Bench) -> None:
    def falsify(case: Case, response: Response, texts: Mapping[str, str]) -> Response:
        def other(text: str) -> str:
            return re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), text, count=0)

        citations = tuple(replace(c, quote=other(c.quote)) for c in response.citations or ())
        marks = re.split(r"(\[\d+\])", response.answer)
        answer = "".join(part if part.startswith("[") else other(part) for part in marks)
        return replace(response, answer=answer, citations=citations)

    comparison = bench.compare(FaultyTarget(bench.target(), falsify))
    assert_regression(comparison, "numeric_match", "wrong")
    assert comparison.change("valid_citations").delta < 0


class ConstantEmbedder:
    """An embedder with the same vector for every question."""

    def __init__(self, embedder: Any) -> None:
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions

    def embed_question(self, question: str) -> QuestionVectors:
        vector = np.full(self.dimensions, -(self.dimensions**-0.5), np.float32)
        return QuestionVectors(vector, np.zeros((1, COMPONENTS), np.float32), ((0, 1),))


@pytest.mark.skipif(not SQUAD, reason="needs FOOTNOTE_TEST_SQUAD=DATA:CASES")
def test_dense_retrieval_switched_off() -> None:
    data, _, path = (SQUAD or "").partition(":")
    cases = [case for case in read_cases(Path(path))[0] if case.answerable]
    never_refuses = replace(fitted_weights(), threshold=0.0)
    for bench in open_bench(Path(data), "squad", cases[:COUNT]):
        pipeline = Pipeline(
            embedder=ConstantEmbedder(bench.components.embedder),  # type: ignore[arg-type]  # queries only
            chat=None,
            support_mode="flag",
            limits=LIMITS,
            weights=never_refuses,
        )
        without_dense = PipelineTarget(pipeline, bench.generation, top_k=1, settings={})
        complete = run_scored(bench.target(top_k=1, weights=never_refuses), bench.cases)
        assert_regression(
            compare_runs(complete, run_scored(without_dense, bench.cases)), "hit@1", "not_retrieved"
        )
