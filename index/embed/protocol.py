"""The `Embedder` protocol: what every embedding model takes and returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..types import Span

Vectors = npt.NDArray[np.float32]
"""(n, d) float32, each row of unit length."""


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A chunk's text, headed by what its units stand under, and each unit's spans in that text.

    Those of a unit are its own and those of what it stands under, in order.
    """

    text: str
    units: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class WordVectors:
    """The word vectors of a chunk, grouped by unit; a model without them has one a unit.

    `rows` (m, w) are in reading order and in the embedder's storage format (`word_dtype`);
    `counts` (s,) is the number of rows of each unit.
    """

    rows: npt.NDArray[Any]
    counts: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """A chunk's vector (d,) and the word vectors of its units."""

    vector: Vectors
    words: WordVectors


@dataclass(frozen=True, slots=True)
class QuestionVectors:
    """A question's vector (d,) and its word vectors (t, w); `spans` are the words' places in it.

    `dequantize(rows) @ words.T` are their cosines with a chunk's word vectors.
    """

    vector: Vectors
    words: Vectors
    spans: tuple[Span, ...]


class Embedder(Protocol):
    """Computes the vectors of chunks and questions.

    Vectors of embedders with different fingerprints are never compared. `word_dtype` and
    `word_width` are the storage format of its word vectors. `across_languages`: whether texts of
    one meaning are near each other in any language; None where that is not known.
    """

    fingerprint: str
    dimensions: int
    across_languages: bool | None
    word_dtype: np.dtype[Any]
    word_width: int

    def embed_chunks(self, chunks: Sequence[ChunkText]) -> list[ChunkVectors]:
        """Returns the vectors of each chunk, in order; raises EmbedderUnavailable."""

    def embed_question(self, question: str) -> QuestionVectors:
        """Returns the question's vectors, unit length; raises EmbedderUnavailable."""

    def close(self) -> None:
        """Releases connections and memory; the embedder is not used afterwards."""
