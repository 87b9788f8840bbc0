"""Footnote and plain llama-index on the 852 public SQuAD questions, with the same metrics.

python -m tests.benchmarks.measure.eval_squad [--data-dir DIR] [--out DIR] [--limit N]

Needs ../shared, the collection `squad` (`measure.squad` builds it) and, for the rivals,
`uv pip install --group rivals`. All have the same passages and vectors; answers are
Footnote's extractive ones over the passages of each retriever. A second start resumes the run.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from api.bootstrap import open_components
from api.service.collection import Components
from api.settings import Settings
from index.embed.protocol import Embedder
from index.store.generation import Generation
from index.types import Filters
from rag.answer import Limits, Pipeline
from rag.evaluation.cases import Case
from rag.evaluation.report import write_reports
from rag.evaluation.report.markdown import format_value
from rag.evaluation.run import Run, open_run, run_cases
from rag.evaluation.summary import summarize
from rag.evaluation.targets import PipelineTarget
from rag.finder import Finder
from rag.retrieval.fusion import RetrievalResult, _hits, _signals
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.gold import ARTICLES, SHARED

TOP = 10
LIMITS = Limits(history_chars=4_000, passage_chars=4_000)
METRICS = ("hit@1", "hit@5", "mrr@10", "answer_contained", "answer_cited", "abstention_recall")
MODES = ("reciprocal_rerank", "relative_score", "dist_based_score", "simple")


class RivalFinder(Finder):
    """Finds the evidence in the passages of another retriever."""

    def __init__(self, retriever: Any, rows: dict[str, int], embedder: Embedder) -> None:
        super().__init__(embedder, fitted_weights(), None, None)
        self._retriever, self._rows = retriever, rows

    def search(
        self, generation: Generation, query: str, *, top_k: int, filters: Filters
    ) -> RetrievalResult:
        analyzed = analyze_query(generation, self._embedder, query)
        nodes = self._retriever.retrieve(query)[:top_k]
        if not nodes:
            return RetrievalResult(analyzed, ())
        rows = np.array([self._rows[found.node.node_id] for found in nodes], np.int64)
        signals = _signals(generation, analyzed, rows)
        scores = np.array([found.score or 0.0 for found in nodes], np.float32)
        total = scores / (scores.max() or 1.0)
        best = signals.best_sentence(fitted_weights().question)
        order = np.arange(len(rows))
        hits = _hits(generation, rows, signals, best=best, total=total, order=order)
        return RetrievalResult(analyzed, hits)


class RivalPipeline(Pipeline):
    """Footnote's extractive answers over the passages of another retriever."""

    def __init__(self, retriever: Any, rows: dict[str, int], embedder: Embedder) -> None:
        super().__init__(embedder=embedder, chat=None, support_mode="flag", limits=LIMITS)
        self._finder = RivalFinder(retriever, rows, embedder)


def rivals(components: Components, generation: Generation) -> dict[str, Callable[[], Pipeline]]:
    """Returns a pipeline for each llama-index retriever."""
    found, rows = retrievers(components.embedder, generation)
    return {
        name: lambda retriever=retriever: RivalPipeline(retriever, rows, components.embedder)
        for name, retriever in found.items()
    }


def retrievers(embedder: Embedder, generation: Generation) -> tuple[dict[str, Any], dict[str, int]]:
    """Returns llama-index's retrievers over the generation's passages, and each node's row."""
    import chromadb
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever
    from llama_index.vector_stores.chroma import ChromaVectorStore

    class MiniLM(BaseEmbedding):
        """The same embedding model for all retrievers."""

        def _get_query_embedding(self, query: str) -> list[float]:
            return list(map(float, embedder.embed_question(query).vector))

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            raise AssertionError("passages come with their vectors")

    nodes, rows = [], {}
    for source, _ in generation.all_sources().values():
        text = generation.text(source.id)
        for chunk in generation.source_chunks(source.id):
            vector = list(map(float, generation.vector(chunk.row)))
            nodes.append(
                TextNode(id_=chunk.id, text=text[chunk.start : chunk.end], embedding=vector)
            )
            rows[chunk.id] = chunk.row
    client = chromadb.PersistentClient(tempfile.mkdtemp(prefix="rival-"))
    collection = client.create_collection(
        "rival", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    index = VectorStoreIndex(
        nodes,
        storage_context=StorageContext.from_defaults(
            vector_store=ChromaVectorStore(chroma_collection=collection)
        ),
        embed_model=MiniLM(),
    )
    dense = index.as_retriever(similarity_top_k=TOP)
    bm25 = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=TOP)
    found = {"llama-index dense": dense, "llama-index BM25": bm25}
    for mode in MODES:
        found[f"llama-index fusion, {mode}"] = QueryFusionRetriever(
            [dense, bm25],
            llm=MockLLM(),
            mode=mode,
            similarity_top_k=TOP,
            num_queries=1,
            use_async=False,
        )
    return found, rows


def questions(limit: int | None) -> list[Case]:
    """Returns both public sets, with unique ids and tags."""
    found = []
    for name in ("xquad", "squad2"):
        path = SHARED / "data" / "squad-articles" / f"{name}.jsonl"
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            tags = [name] if entry["answerable"] else [name, "unanswerable"]
            found.append(Case.from_json({**entry, "id": f"{name}-{entry['id']}", "tags": tags}))
    return found[:limit]


def measure(folder: Path, name: str, target: PipelineTarget, cases: list[Case]) -> str:
    """Runs the evaluation of a system and returns its row of the table."""
    held = open_run(folder / name.replace(" ", "-").replace(",", ""), cases, target.describe(),
                 overwrite=False)  # fmt: skip
    asyncio.run(run_cases(held, cases, target, concurrency=1, on_progress=lambda progress: None))
    results = summarize(Run(held.folder))
    write_reports(held, results)
    metrics, wall = results.summary["metrics"], results.summary["timing"]["wall"]
    cells = [format_value(metrics[metric]) for metric in METRICS]
    return f"| {name} | " + " | ".join(cells) + f" | {wall['p50_ms']:.0f} / {wall['p95_ms']:.0f} |"


def main() -> None:
    """Measures each system and prints its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--out", type=Path, default=Path("runs/squad"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--alone", action="store_true", help="without the rivals")
    options = parser.parse_args()
    cases = questions(options.limit)
    settings = Settings(corpus=ARTICLES, data_dir=options.data_dir, collection="squad")
    components = open_components(settings)
    components.serving.refresh()
    with components.serving.lease() as generation:
        print("| system | " + " | ".join(METRICS) + " | p50 / p95 ms |")
        print("|---|" + "---|" * (len(METRICS) + 1))

        def row(name: str, pipeline: Pipeline) -> None:
            target = PipelineTarget(pipeline, generation, top_k=TOP, settings={"system": name})
            print(measure(options.out, name, target, cases), flush=True)

        row("Footnote", components.pipeline)
        if not options.alone:  # last: a second Chroma in the process disturbs the first
            for name, build in rivals(components, generation).items():
                row(name, build())
    asyncio.run(components.close())


if __name__ == "__main__":
    main()
