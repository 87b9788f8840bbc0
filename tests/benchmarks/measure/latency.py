"""Latency per question, compared with llama-index on the same passages and vectors.

python -m tests.benchmarks.measure.latency [--data-dir DIR] [--limit N] [--alone]

On the 490 SQuAD articles (the collection `squad`, which `measure.squad` builds): whole
answers with and without the reader and embedding the question, Footnote's search, and
llama-index's dense, BM25 and fusion retrievers (`uv pip install --group rivals`; --alone leaves
them out), all after the same warm-up and with precomputed question vectors. Needs ../shared.
"""

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from api.bootstrap import open_components
from api.service.collection import Components
from api.settings import Settings
from index.embed.protocol import ChunkText, ChunkVectors, Embedder, QuestionVectors
from index.store.generation import Generation
from rag.answer import Limits, Pipeline
from rag.retrieval.reader import Reader
from rag.types import Ask
from tests.benchmarks.gold import ARTICLES, SHARED, Case, gold_spans, load_cases, spans_overlap

WARM_UP = 20
TOP = 10


class CachedEmbedder:
    """An embedder with precomputed question vectors."""

    def __init__(self, embedder: Embedder, questions: Sequence[str]) -> None:
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        self.word_dtype, self.word_width = embedder.word_dtype, embedder.word_width
        self.across_languages = embedder.across_languages
        self._vectors = {text: embedder.embed_question(text) for text in questions}
        self._embedder = embedder

    def embed_question(self, question: str) -> QuestionVectors:
        found = self._vectors.get(question)  # a suggested question is none of them
        return found or self._embedder.embed_question(question)

    def embed_chunks(self, chunks: Sequence[ChunkText]) -> list[ChunkVectors]:
        raise AssertionError("only questions are embedded")

    def close(self) -> None:
        """Has nothing to release."""


def time_questions(name: str, ask: Callable[[str], Any], questions: Sequence[str]) -> list[Any]:
    """Prints p50 and p95 over all questions after a warm-up; returns the results."""
    for question in questions[:WARM_UP]:
        ask(question)
    results, times = [], []
    for question in questions:
        started = time.perf_counter()
        results.append(ask(question))
        times.append((time.perf_counter() - started) * 1000)
    median, tail = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{name:44}{median:8.1f}{tail:8.1f}", end="", flush=True)
    return results


def extractive_pipeline(embedder: Embedder, reader: Reader | None = None) -> Pipeline:
    """Returns a pipeline without a chat model."""
    limits = Limits(history_chars=4_000, passage_chars=16_000)
    return Pipeline(embedder=embedder, chat=None, support_mode="flag", limits=limits, reader=reader)


def resident_mb() -> float:
    """Returns the memory of this process in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure(
    components: Components,
    generation: Generation,
    asked: list[Case],
    *,
    models: Path,
    rivals: bool,
) -> None:
    """Prints the table of a generation."""
    questions = [case.question for case in asked]
    info = generation.info
    print(f"\n{info.chunks:,} passages, {len(questions)} questions")
    print(f"{'ms':44}{'p50':>8}{'p95':>8}{'hit@1':>8}{'MRR@10':>8}")
    time_questions("embedding the question", components.embedder.embed_question, questions)
    print()
    cached = extractive_pipeline(CachedEmbedder(components.embedder, questions))
    hits = cached.search(generation, questions[0], top_k=5)
    before = resident_mb()
    reader = Reader(models)
    reader(questions[0], hits)
    print(f"the reader's memory: {resident_mb() - before:.0f} MB")
    for name, whole in (
        ("Footnote, an answer", extractive_pipeline(components.embedder, reader)),
        ("  without the reader", extractive_pipeline(components.embedder)),
        ("  without it and embedding", cached),
    ):
        time_questions(
            name,
            lambda text, whole=whole: asyncio.run(whole.answer(generation, Ask(text))),
            questions,
        )
        print()
    found = time_questions(
        "  its search alone", lambda text: cached.search(generation, text, top_k=TOP), questions
    )
    print_quality(
        [[(h.source.path, h.chunk.start, h.chunk.end) for h in one] for one in found], asked
    )
    if not rivals:
        return
    from tests.benchmarks.measure.eval_squad import retrievers

    retrievers_by_name, rows = retrievers(
        CachedEmbedder(components.embedder, questions), generation
    )
    places = {}
    for node, (chunk, _) in zip(rows, generation.chunks(list(rows.values())), strict=True):
        source = generation.source(chunk.source_id)
        assert source is not None
        places[node] = (source.path, chunk.start, chunk.end)
    for name, retriever in retrievers_by_name.items():
        nodes = time_questions(name, retriever.retrieve, questions)
        print_quality([[places[hit.node.node_id] for hit in one] for one in nodes], asked)


def print_quality(results: list[list[tuple[str, int, int]]], asked: list[Case]) -> None:
    """Prints hit@1 and MRR@10 at the end of the line."""
    ranks = []
    for places, case in zip(results, asked, strict=True):
        spans = gold_spans(case, ARTICLES)
        right = [
            rank
            for rank, (path, start, end) in enumerate(places[:TOP], start=1)
            if any(path == source and spans_overlap(start, end, s, e) for source, s, e in spans)
        ]
        ranks.append(right[0] if right else 0)
    first = statistics.mean(rank == 1 for rank in ranks)
    print(f"{first:8.3f}{statistics.mean(1 / rank if rank else 0 for rank in ranks):8.3f}")


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--alone", action="store_true", help="without llama-index")
    options = parser.parse_args()
    asked = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[: options.limit]
    settings = Settings(corpus=ARTICLES, data_dir=options.data_dir, collection="squad")
    components = open_components(settings)
    components.serving.refresh()
    with components.serving.lease() as generation:
        models = options.data_dir.absolute() / "models"
        measure(components, generation, asked, models=models, rivals=not options.alone)
    asyncio.run(components.close())


if __name__ == "__main__":
    main()
