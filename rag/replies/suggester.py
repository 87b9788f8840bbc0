"""Suggests questions that are answered: each is searched for before it is suggested."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol
from weakref import WeakKeyDictionary

from index.store.opened import OpenGeneration
from index.types import NO_FILTERS, Filters

from ..answering.confidence import assess
from ..answering.extractive import HITS
from ..retrieval.fusion import RetrievalResult
from ..retrieval.sections import unscored
from ..retrieval.weights import Weights
from ..types import Hit, Scores
from .suggestions import Suggestion, suggested_questions

MAX_SUGGESTIONS, MAX_TRIED = 3, 6
"""Of a refusal; each is a search, of 5 to 30 ms."""
MAX_SOURCES, CHUNKS_EACH, MAX_TRIED_OF_COLLECTION = 40, 4, 30
"""What the suggestions of a collection are made of: the beginnings of its first articles."""


class Search(Protocol):
    """Finds passages of a generation."""

    def __call__(
        self, generation: OpenGeneration, query: str, *, top_k: int, filters: Filters
    ) -> RetrievalResult:
        """Returns the best hits, best first."""
        ...


class Suggester:
    """Suggests questions; safe to use from several threads. Its methods block."""

    def __init__(self, search: Search, weights: Weights) -> None:
        self._search, self._weights = search, weights
        self._found: WeakKeyDictionary[OpenGeneration, tuple[str, ...]] = WeakKeyDictionary()

    def near(
        self, generation: OpenGeneration, question: str, hits: Sequence[Hit], filters: Filters
    ) -> tuple[str, ...]:
        """Returns up to three questions about what the hits of a refused question say."""
        asked = question.casefold()
        near = (one for one in suggested_questions(hits) if one.question.casefold() != asked)
        answered = self._answered(generation, islice(near, MAX_TRIED), filters)
        return tuple(one.question for one in islice(answered, MAX_SUGGESTIONS))

    def of_collection(self, generation: OpenGeneration) -> tuple[str, ...]:
        """Returns up to three questions to begin with, each of another article."""
        if generation not in self._found:
            every = suggested_questions(_beginnings(generation))
            tried = islice(every, MAX_TRIED_OF_COLLECTION)
            found = dict[str, str]()
            for one in self._answered(generation, tried, NO_FILTERS):
                found.setdefault(one.source_id, one.question)
                if len(found) == MAX_SUGGESTIONS:
                    break
            self._found[generation] = tuple(found.values())
        return self._found[generation]

    def _answered(
        self,
        generation: OpenGeneration,
        suggestions: Iterable[Suggestion],
        filters: Filters,
    ) -> Iterator[Suggestion]:
        """Yields those that are answered with certainty, from the source they were made of."""
        for one in suggestions:
            result = self._search(generation, one.question, top_k=HITS, filters=filters)
            evidence = assess(one.question, one.question, result, weights=self._weights, top_k=HITS)
            cited = {evidence.hits[pick.hit].source.id for pick in evidence.picks}
            if evidence.confidence >= self._weights.certain and one.source_id in cited:
                yield one


def _beginnings(generation: OpenGeneration) -> list[Hit]:
    """Returns the first chunks of the first articles as hits, all first ones before others."""
    hits = list[tuple[int, Hit]]()
    for source in generation.sources(after=None, limit=MAX_SOURCES):
        text = generation.text(source.id)
        for place, chunk in enumerate(generation.source_chunks(source.id)[:CHUNKS_EACH]):
            units = tuple(unscored(unit, text) for unit in chunk.units)
            own = text[chunk.start : chunk.end]
            hits.append((place, Hit(1, chunk, source, own, 1.0, Scores(0.0, 0.0, 0.0), units)))
    return [hit for _, hit in sorted(hits, key=lambda one: one[0])]
