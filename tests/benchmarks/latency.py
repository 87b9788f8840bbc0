"""Milliseconds a question: Footnote, beside llama-index on the same passages and vectors, one run.

python tests/benchmarks/latency.py [--data-dir DIR] [--limit N] [--alone] [--synthetic]

On the 490 SQuAD articles (the collection `squad`, which tests/benchmarks/squad.py builds): whole
answers with and without embedding the question, Footnote's search, and llama-index's dense, BM25
and fusion retrievers (`uv pip install --group rivals`; --alone leaves them out), all after the
same warm-up and with the question's vector at hand. --synthetic does the same for 100,000 passages
of shuffled sentences with made-up vectors. Needs ../shared.
"""

import argparse
import asyncio
import itertools
import random
import re
import statistics
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from gold import ARTICLES, SHARED, Case, cases, gold_spans, overlaps

from api.settings import Settings
from api.wiring import Parts, open_parts, sync_request
from index.build import passages
from index.embed import Embedded, Embedder, Passage, Vectors
from index.embed.cache import EmbeddingCache
from index.generation import Generation
from index.parse import Reader
from index.worker import run_sync
from rag.answer import Limits, Pipeline
from rag.types import Ask

SYNTHETIC = 100_000
WARM_UP = 20
TOP = 10


class Remembered:
    """An embedder that has seen every question."""

    def __init__(self, embedder: Embedder, questions: Sequence[str]) -> None:
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        self._known = {text: embedder.embed_question(text) for text in questions}

    def embed_question(self, question: str) -> Vectors:
        return self._known[question]

    def embed_passages(self, passages: Sequence[Passage]) -> list[Embedded]:
        raise AssertionError("nothing is indexed with it")


class MadeUp:
    """Vectors of the right size from words, a million times quicker than a model's."""

    def __init__(self, embedder: Embedder) -> None:
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        self._words: dict[str, Vectors] = {}

    def embed_question(self, question: str) -> Vectors:
        return self._vector(question)

    def embed_passages(self, passages: Sequence[Passage]) -> list[Embedded]:
        return [
            Embedded(
                self._vector(p.text),
                np.array([self._vector(p.text[start:end]) for start, end in p.sentences]),
            )
            for p in passages
        ]

    def _vector(self, text: str) -> Vectors:
        total = np.sum([self._word(word) for word in text.lower().split()] or [self._word("")], 0)
        return np.asarray(total / (np.linalg.norm(total) or 1.0), np.float32)

    def _word(self, word: str) -> Vectors:
        if word not in self._words:
            seed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
            drawn = np.random.default_rng(seed).standard_normal(self.dimensions)
            self._words[word] = drawn.astype(np.float32)
        return self._words[word]


def timed(name: str, ask: Callable[[str], Any], questions: Sequence[str]) -> list[Any]:
    """Prints p50 and p95 of asking each question, after a warm-up; returns what was found."""
    for question in questions[:WARM_UP]:
        ask(question)
    found, times = [], []
    for question in questions:
        started = time.perf_counter()
        found.append(ask(question))
        times.append((time.perf_counter() - started) * 1000)
    median, tail = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{name:44}{median:8.1f}{tail:8.1f}", end="", flush=True)
    return found


def pipeline(embedder: Embedder) -> Pipeline:
    """Returns the answerer without a model."""
    limits = Limits(history_chars=4_000, passage_chars=16_000)
    return Pipeline(embedder=embedder, chat=None, support_mode="flag", limits=limits)


def measure(parts: Parts, generation: Generation, asked: list[Case], *, rivals: bool) -> None:
    """Prints the table of one generation."""
    questions = [case.question for case in asked]
    info = generation.info
    print(f"\n{info.chunks:,} passages, {len(questions)} questions")
    print(f"{'ms':44}{'p50':>8}{'p95':>8}{'hit@1':>8}{'MRR@10':>8}")
    timed("embedding the question", parts.embedder.embed_question, questions)
    print()
    known = pipeline(Remembered(parts.embedder, questions))
    for name, whole in (
        ("Footnote, an answer", pipeline(parts.embedder)),
        ("  less embedding", known),
    ):
        timed(
            name,
            lambda text, whole=whole: asyncio.run(whole.answer(generation, Ask(text))),
            questions,
        )
        print()
    hits = timed(
        "  its search alone", lambda text: known.search(generation, text, top_k=TOP), questions
    )
    quality([[(h.source.path, h.chunk.start, h.chunk.end) for h in one] for one in hits], asked)
    if not rivals:
        return
    from eval_squad import retrievers

    found, rows = retrievers(Remembered(parts.embedder, questions), generation)
    places = {}
    for node, (chunk, _) in zip(rows, generation.chunks(list(rows.values())), strict=True):
        source = generation.source(chunk.source_id)
        assert source is not None
        places[node] = (source.path, chunk.start, chunk.end)
    for name, retriever in found.items():
        nodes = timed(name, retriever.retrieve, questions)
        quality([[places[found.node.node_id] for found in one] for one in nodes], asked)


def quality(found: list[list[tuple[str, int, int]]], asked: list[Case]) -> None:
    """Ends the line with hit@1 and MRR@10."""
    ranks = []
    for places, case in zip(found, asked, strict=True):
        spans = gold_spans(case, ARTICLES)
        right = [
            rank
            for rank, (path, start, end) in enumerate(places[:TOP], start=1)
            if any(path == source and overlaps(start, end, s, e) for source, s, e in spans)
        ]
        ranks.append(right[0] if right else 0)
    first = statistics.mean(rank == 1 for rank in ranks)
    print(f"{first:8.3f}{statistics.mean(1 / rank if rank else 0 for rank in ranks):8.3f}")


def shuffled(folder: Path) -> Path:
    """Writes 100,000 paragraphs of the articles' sentences in another order; returns the folder."""
    corpus = folder / "shuffled"
    corpus.mkdir(parents=True, exist_ok=True)
    texts = [path.read_text("utf-8") for path in sorted(ARTICLES.glob("*.txt"))]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    sentences = [part for line in lines for part in re.split(r"(?<=[.!?])\s+", line)]
    chance = random.Random(0)
    paragraphs = []
    while len(paragraphs) < SYNTHETIC:
        chance.shuffle(sentences)
        sizes = iter(lambda: chance.choice((3, 4, 5, 6)), None)
        left = iter(sentences)
        rounds = (list(itertools.islice(left, size)) for size in sizes)
        paragraphs += [" ".join(part) for part in itertools.takewhile(bool, rounds)]
    for start in range(0, SYNTHETIC, 200):
        part = "\n".join(paragraphs[start : min(start + 200, SYNTHETIC)])
        (corpus / f"{start:06}.txt").write_text(part + "\n", "utf-8")
    return corpus


def synthetic(data_dir: Path) -> tuple[Settings, MadeUp]:
    """Builds the synthetic collection, its vectors made up; minutes."""
    settings = Settings(corpus=shuffled(data_dir), data_dir=data_dir, collection="synthetic")
    embedder = MadeUp(open_parts(settings).embedder)
    request = sync_request(settings)
    reader = Reader(request.corpus, "synthetic", None, max_file_bytes=request.max_file_bytes)
    survey = reader.survey(formats=request.formats, on_file=lambda done, total: None)
    cache = EmbeddingCache(request.cache, embedder)
    wanted = passages(survey.loaded(None))
    missing = cache.missing(wanted)
    for _ in cache.embed([wanted[place] for place in missing]):
        pass
    cache.close()
    report = run_sync(request, lambda event: None)
    print(f"synthetic: {len(missing)} vectors made up, sync {report.seconds:.0f} s", flush=True)
    return settings, embedder


def main() -> None:
    """Measures the articles, or the synthetic passages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--alone", action="store_true", help="without llama-index")
    parser.add_argument("--synthetic", action="store_true")
    options = parser.parse_args()
    asked = cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[: options.limit]
    if options.synthetic:
        settings, embedder = synthetic(options.data_dir)
    else:
        settings = Settings(corpus=ARTICLES, data_dir=options.data_dir, collection="squad")
    parts = open_parts(settings)
    if options.synthetic:
        parts.embedder = embedder
    parts.serving.refresh()
    with parts.serving.lease() as generation:
        measure(parts, generation, asked, rivals=not options.alone and not options.synthetic)
    asyncio.run(parts.close())


if __name__ == "__main__":
    main()
