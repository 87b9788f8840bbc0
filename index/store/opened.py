"""What a question reads of an open generation: the seam between retrieval and a search engine.

Two batches a question: `candidates` finds rows, `evidence` reads all that their scores are made of.
`Generation` implements it over files on disk; an engine that is read over a network needs a module
with this interface, and nothing of `rag` changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Vectors
from ..types import Chunk, Filters, GenerationInfo, Source
from .bm25 import ChunkTerms, Floats, Ints
from .catalog import MAX_OFFSET
from .manifest import Manifest
from .scoring import CandidateVectors

Rows = npt.NDArray[np.bool_]
"""(rows,) of each row, whether it is among those meant."""


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
    """An open generation, as retrieval sees it; safe to use from several threads.

    A row is a number of a chunk; those of a source are consecutive, in reading order.
    """

    @property
    def info(self) -> GenerationInfo:
        """What it is."""

    @property
    def manifest(self) -> Manifest:
        """The description that it was published with."""

    @property
    def folder(self) -> Path:
        """Where it lies on this machine."""

    @property
    def embedder(self) -> str:
        """The fingerprint of the model of its vectors; empty without vectors."""

    def vocabulary(self, terms: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Returns (id, document frequency) of each of the terms that the corpus contains."""

    def idf(self, document_frequencies: Sequence[int]) -> Floats:
        """Returns BM25's idf of terms."""

    def candidates(
        self, query: CandidateQuery, *, limit: int, filters: Filters, within: Rows | None = None
    ) -> Ints:
        """Returns rows of filtered sources, ascending: the best `limit` by words and by vector.

        All of them where the filters leave no more than twice as many. `within` (rows,) says of
        each row whether it may be among them.
        """

    def evidence(self, rows: npt.NDArray[np.int64]) -> Evidence:
        """Returns what the scores of the chunks are made of, in one batch."""

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in this order."""

    def chunk_terms(self, rows: Ints) -> ChunkTerms:
        """Returns the terms of the chunks, in one batch."""

    @property
    def source_rows(self) -> Mapping[str, range]:
        """The rows of each source's chunks, by source id."""

    def document_frequencies(self) -> Sequence[int]:
        """Returns the number of chunks that contain each term, by the term's id."""

    def count_documents(self, rows: Ints) -> Ints:
        """Returns how many of the chunks contain each term, by the term's id."""

    def term_counts(self, rows: Ints) -> Ints:
        """Returns the number of terms (n,) of each of the chunks."""

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        """Returns rows of the chunks that contain any of the terms, best BM25 first."""

    def neighbours(self, chunk: Chunk, before: int, after: int) -> list[Chunk]:
        """Returns the chunk with up to so many before and after it in its source, in order."""

    def sample(self, count: int) -> list[tuple[Chunk, str]]:
        """Returns up to `count` chunks with their text, evenly spread; the first for 1."""

    def source_chunks(
        self, source_id: str, *, start: int = 0, end: int = MAX_OFFSET
    ) -> list[Chunk]:
        """Returns a source's chunks in reading order, those between two offsets only."""

    def passage_count(self, source_id: str) -> int:
        """Returns the number of a source's chunks; 0 for an unknown one."""

    def chunk_at(self, source_id: str, offset: int) -> Chunk | None:
        """Returns the chunk of a source that contains a character offset, or None."""

    def source(self, source_id: str) -> Source | None:
        """Returns the source with this id, or None."""

    def sources(self, *, after: str | None = None, limit: int = -1) -> list[Source]:
        """Returns the sources by path, those after a path if given; all if `limit` is −1."""

    def all_sources(self) -> Mapping[str, tuple[Source, str]]:
        """Returns every source with its file's stat signature, by path."""

    def text(self, source_id: str) -> str:
        """Returns a source's text; raises KeyError, or GenerationDamaged for an altered one."""


class StoredGeneration(OpenGeneration, Protocol):
    """An open generation, as what opens and closes it sees it."""

    def warm(self) -> None:
        """Opens what is otherwise opened by the first question; raises GenerationDamaged."""

    def close(self) -> None:
        """Closes all files and removes its private copy."""
