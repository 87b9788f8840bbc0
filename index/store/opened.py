"""What a question reads of an open generation: the seam between retrieval and a search engine.

Two batches a question: `candidates` finds rows, `evidence` reads all that their scores are made of.
`Generation` implements it over files on disk; an engine that is read over a network needs a module
with this interface, and nothing of `rag` changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Vectors
from ..types import Chunk, Filters, GenerationInfo, Source
from .bm25 import ChunkTerms, Floats, Ints
from .scoring import CandidateVectors


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """What candidates are found by: terms of the corpus, their ids and idf, and a vector (d,)."""

    terms: Sequence[str]
    term_ids: Ints
    idf: Floats
    vector: Vectors


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the scores of some chunks are made of; `rows` (n,) is their order."""

    rows: Ints
    terms: ChunkTerms
    vectors: CandidateVectors


class OpenGeneration(Protocol):
    """An open generation, as retrieval sees it; safe to use from several threads."""

    @property
    def info(self) -> GenerationInfo:
        """What it is."""

    @property
    def embedder(self) -> str:
        """The fingerprint of the model of its vectors; empty without vectors."""

    def vocabulary(self, terms: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Returns (id, document frequency) of each of the terms that the corpus contains."""

    def idf(self, document_frequencies: Sequence[int]) -> Floats:
        """Returns BM25's idf of terms."""

    def candidates(self, query: CandidateQuery, *, limit: int, filters: Filters) -> Ints:
        """Returns rows of filtered sources, ascending: the best `limit` by words and by vector.

        All of them where the filters leave no more than twice as many.
        """

    def evidence(self, rows: npt.NDArray[np.int64]) -> Evidence:
        """Returns what the scores of the chunks are made of, in one batch."""

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in this order."""

    def source(self, source_id: str) -> Source | None:
        """Returns the source with this id, or None."""

    def sources(self, *, after: str | None = None, limit: int = -1) -> list[Source]:
        """Returns the sources by path, those after a path if given; all if `limit` is −1."""

    def text(self, source_id: str) -> str:
        """Returns a source's text; raises KeyError."""
