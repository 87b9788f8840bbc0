"""A question → the evidence to quote, and the hits to show a model; it knows no model."""

import time
from dataclasses import replace
from functools import partial

from index.embed.protocol import Embedder
from index.store.opened import OpenGeneration
from index.types import Filters

from .answering.confidence import Evidence, assess
from .answering.extractive import HITS
from .language.kind.comparison import compared
from .replies.comparison import with_sides
from .replies.last_answer import answer_again, without_shown
from .result import AskedQuestion
from .retrieval.fusion import RetrievalResult, retrieve, smoke_test
from .retrieval.query import analyze_query
from .retrieval.reader import READ, Reader
from .retrieval.rerank import EndpointReranker
from .retrieval.sections import CANDIDATES
from .retrieval.weights import Weights
from .types import Hit


class Finder:
    """Searches a generation; safe to use from several threads. Its methods block."""

    def __init__(
        self,
        embedder: Embedder,
        weights: Weights,
        reranker: EndpointReranker | None,
        reader: Reader | None,
    ) -> None:
        self._embedder, self._weights = embedder, weights
        self._reranker, self._reader = reranker, reader

    @property
    def finds_across_languages(self) -> bool | None:
        """Whether a question finds articles in another language; None where that is not known."""
        return self._embedder.across_languages

    def find(self, question: AskedQuestion, *, for_model: bool) -> tuple[Evidence, tuple[Hit, ...]]:
        """Returns the evidence, and the hits to show a model; takes some tens of milliseconds."""
        evidence, hits = self._find_any(question, for_model=for_model)
        about = question.prepared.about
        if about is None or (for_model and about != "summary"):
            return evidence, hits
        again = answer_again(
            about,
            evidence,
            question.generation,
            question.ask.history,
            certain=self._weights.certain,
            max_passages=question.ask.top_k,
            is_whole=for_model,
        )
        return again, again.hits if about == "summary" else hits

    def _find_any(
        self, question: AskedQuestion, *, for_model: bool
    ) -> tuple[Evidence, tuple[Hit, ...]]:
        if evidence := question.prepared.evidence:
            return evidence, evidence.hits
        if sides := compared(question.standalone):
            return self._compare(question, sides, for_model=for_model)
        return self._find(question, for_model=for_model)

    def search(
        self, generation: OpenGeneration, query: str, *, top_k: int, filters: Filters
    ) -> RetrievalResult:
        """Returns the best `top_k` hits, reranked if there is a reranker."""
        reranker = self._reranker
        analyzed = analyze_query(generation, self._embedder, query)
        result = retrieve(
            generation,
            analyzed,
            weights=self._weights,
            top_k=max(top_k, reranker.candidates) if reranker else top_k,
            filters=filters,
        )
        if reranker is None:
            return result
        candidates = result.hits[: reranker.candidates]
        hits = (*reranker(analyzed.text, candidates), *result.hits[len(candidates) :])
        return replace(result, hits=hits[:top_k])

    def smoke_test(self, generation: OpenGeneration) -> None:
        """Searches a generation for one of its own passages; raises IndexingError if it fails."""
        smoke_test(generation, self._embedder, weights=self._weights)

    def close(self) -> None:
        """Closes the connections of the reranker."""
        if self._reranker is not None:
            self._reranker.close()

    def _compare(
        self, question: AskedQuestion, sides: tuple[str, str], *, for_model: bool
    ) -> tuple[Evidence, tuple[Hit, ...]]:
        asked, ask = f"{sides[0]} or {sides[1]}?", question.ask
        together = replace(question, ask=replace(ask, question=asked), standalone=asked)
        search = partial(self.search, question.generation, top_k=HITS, filters=ask.filters)
        evidence, hits = self._find(together, for_model=for_model)
        certain = self._weights.certain
        evidence = with_sides(evidence, sides, search, certain=certain, top_k=ask.top_k)
        found = {hit.chunk.id for hit in hits}
        return evidence, (*(hit for hit in evidence.hits if hit.chunk.id not in found), *hits)

    def _find(
        self, question: AskedQuestion, *, for_model: bool
    ) -> tuple[Evidence, tuple[Hit, ...]]:
        started, ask = time.perf_counter(), question.ask
        result: RetrievalResult | None = None
        candidates: tuple[Hit, ...] = ()
        if question.generation.info.chunks:
            count = max(ask.top_k, READ if self._reader else HITS)
            wanted = max(count, CANDIDATES) if for_model else count
            result = self.search(
                question.generation, question.standalone, top_k=wanted, filters=ask.filters
            )
            if question.prepared.about == "why" and not for_model:
                result = replace(result, hits=without_shown(result.hits, ask.history))
            candidates, result = result.hits, replace(result, hits=result.hits[:count])
        evidence = assess(
            question.full,
            question.standalone,
            result,
            weights=self._weights,
            top_k=ask.top_k,
            reader=self._reader,
        )
        retrieve_ms = (time.perf_counter() - started) * 1000
        return replace(evidence, retrieve_ms=retrieve_ms), candidates
