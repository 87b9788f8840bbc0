"""Latency over 100,000 passages and more, from a synthetic corpus that needs no embedding.

    python -m tests.benchmarks.measure.large --data-dir DIR [--passages 100000] [--limit N]

Built from the collection `squad` in DIR (`measure.squad` builds it): its 490 articles, and copies
whose passages are shuffled sentences of one article. The vector of such a passage is the mean of
the vectors of their passages; word vectors are the real ones. Texts and vectors are natural
language, with five times as many distractors as in `squad`; the quality figures only show that the
gold passage is still found. The collection `large` is built and verified once, by the code of the
sync. Measures the latencies of `measure.latency`, and each stage of a search. Needs ../shared.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.corpus import source_id
from index.embed.protocol import ChunkVectors, Embedder, WordVectors
from index.errors import GenerationDamaged
from index.store.generation import Generation
from index.sync.build import GenerationBuilder
from index.sync.changes import CorpusDiff, ParsedSource
from index.types import Chunk, Filters, Source, Unit
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.gold import ARTICLES, SHARED, load_cases
from tests.benchmarks.measure.latency import CachedEmbedder, measure

NOTHING = CorpusDiff((), (), {}, 0, 0, 0, 0)


class SyntheticCorpus:
    """The articles of a generation and synthetic copies of them, with their vectors.

    Takes the place of the embedding cache in a sync.
    """

    def __init__(self, generation: Generation, *, passages: int) -> None:
        self.fingerprint = generation.manifest.embedder
        self.dimensions = generation.manifest.dimensions
        self._random = np.random.default_rng(20261125)
        self._vectors: list[ChunkVectors] = []
        self.parsed: list[ParsedSource] = []
        originals = generation.sources(after=None, limit=-1)
        copy = 0
        while len(self._vectors) < passages:
            for source in originals:
                self._add(generation, source, copy)
            copy += 1

    def _add(self, generation: Generation, source: Source, copy: int) -> None:
        text, chunks = generation.text(source.id), generation.source_chunks(source.id)
        wholes, _, stored = generation.stored_vectors(chunks[0].row, len(chunks))
        every = np.split(stored.rows, np.cumsum(stored.counts)[:-1])
        path = f"{copy}/{source.path}" if copy else source.path
        made_id = source_id("large", path)
        pool = [text[unit.start : unit.end] for chunk in chunks for unit in chunk.units]
        owners = np.repeat(np.arange(len(chunks)), [len(chunk.units) for chunk in chunks])
        written: list[str] = []
        made: list[Chunk] = []
        at = first = 0
        for chunk, whole in zip(chunks, wholes, strict=True):
            count = len(chunk.units)
            places = np.arange(first, first + count)
            first += count
            if copy:
                places = self._random.integers(0, len(pool), count)
                mean = wholes[owners[places]].astype(np.float32).mean(axis=0)
                whole = mean / np.linalg.norm(mean)
            spans: list[Unit] = []
            begin = at
            for place in places.tolist():
                spans.append(Unit(at, at + len(pool[place])))
                written.append(pool[place])
                at += len(pool[place]) + 1
            row = len(self._vectors)
            made.append(Chunk(row, f"{made_id}-{row}", made_id, begin, at - 1, tuple(spans)))
            rows = [every[place] for place in places.tolist()]
            counts = np.array([len(words) for words in rows], np.int32)
            made_words = WordVectors(np.concatenate(rows), counts)
            self._vectors.append(ChunkVectors(np.asarray(whole, np.float32), made_words))
        joined = " ".join(written)
        copied = Source(made_id, path, source.title, "", len(joined), 0, len(joined))
        self.parsed.append(ParsedSource(copied, "", joined, tuple(made)))

    def vectors(self) -> Iterator[tuple[ChunkVectors, ChunkVectors]]:
        """Yields the vectors of every passage, by row; headings have none of their own."""
        yield from zip(self._vectors, self._vectors, strict=True)


def build(settings: Settings, large: SyntheticCorpus) -> None:
    """Builds and publishes the collection as a sync does."""
    request = sync_request(settings)
    request.folder.mkdir(parents=True, exist_ok=True)
    made = GenerationBuilder(request, NOTHING, tuple(large.parsed), lambda event: None)
    for exact in (False, True):
        started = time.perf_counter()
        try:
            vectors = large.vectors()
            made.publish_complete(large, vectors, None, exact=exact)  # type: ignore[arg-type]
        except GenerationDamaged as error:
            print(f"{error}, after {time.perf_counter() - started:.0f} s")
        else:
            print(f"built and verified in {time.perf_counter() - started:.0f} s")
            return


def print_stages(generation: Generation, embedder: Embedder, questions: list[str]) -> None:
    """Prints the latency of each stage of a search."""
    queries = [analyze_query(generation, embedder, question) for question in questions]
    known = [query.known_terms for query in queries]
    lexical = [generation.find_lexical(terms, limit=100) for terms in known]
    dense = [generation.find_dense(query.vector, limit=100) for query in queries]
    rows = [np.array(sorted({*w, *n}), np.int64) for w, n in zip(lexical, dense, strict=True)]
    filters = Filters(("1/",))
    parts: dict[str, Callable[[int], Any]] = {
        "analyzing the question": lambda n: analyze_query(generation, embedder, questions[n]),
        "candidates of BM25": lambda n: generation.find_lexical(known[n], limit=100),
        "candidates of the vectors": lambda n: generation.find_dense(queries[n].vector, limit=100),
        "term frequencies": lambda n: generation.term_index.positions(
            rows[n], queries[n].term_ids
        ).frequencies(),
        "word similarities": lambda n: generation.max_similarities(
            rows[n], queries[n].word_vectors
        ),
        "cosines of passages": lambda n: generation.similarities(rows[n], queries[n].vector),
        "cosines with neighbours": lambda n: generation.context_similarities(
            rows[n], queries[n].vector
        ),
        "text of ten hits": lambda n: generation.chunks(rows[n][:10].tolist()),
        "whole search": lambda n: retrieve(
            generation, queries[n], weights=fitted_weights(), top_k=10
        ),
        "whole search, filtered to a fifth of the articles": lambda n: retrieve(
            generation, queries[n], weights=fitted_weights(), top_k=10, filters=filters
        ),
    }
    print(f"\n{'ms':44}{'p50':>8}{'p95':>8}{'CPU':>8}")
    for name, part in parts.items():
        part(0)
        times, before = [], time.process_time()
        for number in range(len(questions)):
            started = time.perf_counter()
            part(number)
            times.append((time.perf_counter() - started) * 1000)
        cpu = (time.process_time() - before) * 1000 / len(times)
        tail = statistics.quantiles(times, n=20)[-1]
        print(f"{name:44}{statistics.median(times):8.2f}{tail:8.2f}{cpu:8.2f}")


def main() -> None:
    """Builds the collection if necessary, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    asked = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[: options.limit]
    settings = Settings(corpus=ARTICLES, data_dir=options.data_dir, collection="large")
    if not (options.data_dir / "collections" / "large" / "CURRENT").exists():
        components = open_components(settings.model_copy(update={"collection": "squad"}))
        components.serving.refresh()
        with components.serving.lease() as generation:
            large = SyntheticCorpus(generation, passages=options.passages)
        asyncio.run(components.close())
        build(settings, large)
    components, models = open_components(settings), options.data_dir.absolute() / "models"
    components.serving.refresh()
    with components.serving.lease() as generation:
        questions = [case.question for case in asked]
        measure(components, generation, asked, models=models, rivals=False)
        print_stages(generation, CachedEmbedder(components.embedder, questions), questions)
    asyncio.run(components.close())


if __name__ == "__main__":
    main()
