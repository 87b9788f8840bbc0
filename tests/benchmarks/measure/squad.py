"""Retrieval and answer quality and latency on the 490 SQuAD articles.

python -m tests.benchmarks.measure.squad [--data-dir DIR] [--limit N] [--json]

Syncs the articles (10–20 minutes of embedding the first time) and asks the 592 questions of
xquad.jsonl through the pipeline of `footnote search` and `footnote ask`, without a model.
Needs ../shared.
"""

import argparse
import asyncio
import json
import resource
import statistics
import time
from pathlib import Path

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.sync.process import run_sync
from rag.types import Ask, Hit
from tests.benchmarks.gold import (
    ARTICLES,
    SHARED,
    Case,
    contains_answer,
    gold_spans,
    load_cases,
    spans_overlap,
)

TOP = 10


def rank_of(hits: tuple[Hit, ...], spans: list[tuple[str, int, int]]) -> int | None:
    """Returns the rank, from 1, of the first hit on the gold paragraph."""
    for hit in hits:
        for source, start, end in spans:
            if hit.source.path == source and spans_overlap(
                hit.chunk.start, hit.chunk.end, start, end
            ):
                return hit.rank
    return None


def measure(settings: Settings, questions: list[Case]) -> dict[str, float]:
    """Returns the figures of the table."""
    components = open_components(settings)
    components.serving.refresh()
    ranks, found, cited, answered, times = [], [], [], [], []
    with components.serving.lease() as generation:
        for case in questions:
            spans = gold_spans(case, ARTICLES)
            hits = components.pipeline.search(generation, case.question, top_k=TOP)
            ranks.append(rank_of(hits, spans))
            started = time.perf_counter()
            answer = asyncio.run(components.pipeline.answer(generation, Ask(case.question)))
            times.append((time.perf_counter() - started) * 1000)
            answered.append(answer.answered)
            found.append(contains_answer(answer.answer, case.answers))
            first = answer.citations[0] if answer.citations else None
            cited.append(
                first is not None
                and any(
                    first.source == source and start <= first.start and first.end <= end
                    for source, start, end in spans
                )
            )
    asyncio.run(components.close())
    tail = statistics.quantiles(times, n=20)
    return {
        "questions": len(questions),
        "hit@1": statistics.mean(rank == 1 for rank in ranks),
        "hit@5": statistics.mean(rank is not None and rank <= 5 for rank in ranks),
        "MRR@10": statistics.mean(1 / rank if rank else 0.0 for rank in ranks),
        "answered": statistics.mean(answered),
        "answer contains gold": statistics.mean(found),
        "first citation in gold paragraph": statistics.mean(cited),
        "p50 ms": statistics.median(times),
        "p95 ms": tail[-1],
        "peak RSS MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Syncs, measures and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = Settings(corpus=ARTICLES, data_dir=options.data_dir, collection="squad")
    questions = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[: options.limit]
    report = run_sync(sync_request(settings), lambda event: None)
    figures = {"sync s": report.seconds, **measure(settings, questions)}
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:34} {value:10.3f}")


if __name__ == "__main__":
    main()
