"""Token vectors of an encoder → the vectors of chunks and questions, and of their words.

One pass of the encoder gives the chunk's vector (mean of its tokens, Reimers and Gurevych 2019) and
the vectors of each sentence's words, for late interaction (Khattab and Zaharia 2020); both have the
whole chunk as context.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..types import Span
from .protocol import ChunkText, ChunkVectors, QuestionVectors, Vectors, WordVectors

BATCH_TOKENS = 512
"""Padded tokens a batch; measured 2026-11-22, 165 wordpieces a chunk: 256 → 29/s, 512 → 31.5/s,
2048 → 23/s, 8192 → 14/s."""


class Tokens(NamedTuple):
    """A text's tokens: ids, and their places in it; those of no character have an empty one."""

    ids: Sequence[int]
    offsets: Sequence[Span]


class Encoder(ABC):
    """What all models that give token vectors do alike."""

    max_tokens: int
    last_token: int
    """With which a truncated text ends, too."""
    dimensions: int

    @abstractmethod
    def tokenize(self, texts: Sequence[str], *, is_question: bool) -> list[Tokens]:
        """Returns the tokens of each text, the first and the last one included."""

    @abstractmethod
    def encode(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Any:
        """Returns the vectors (b, t, d) of tokens (b, t); the mask is 0 at padding."""

    @abstractmethod
    def whole(self, tokens: Vectors, *, is_question: bool) -> Vectors:
        """Returns the text's vector (d,), unit length, of its tokens' (t, d)."""

    @abstractmethod
    def stored_words(self, tokens: Vectors) -> npt.NDArray[Any]:
        """Returns what is stored of a chunk's token vectors (n, d)."""

    @abstractmethod
    def question_words(self, tokens: Vectors) -> Vectors:
        """Returns a question's token vectors (n, d) for the product with what is stored."""

    @property
    @abstractmethod
    def is_content(self) -> npt.NDArray[np.bool_]:
        """Whether each token of the vocabulary has a letter or digit and is not a stop word."""

    def embed_chunks(self, chunks: Sequence[ChunkText]) -> list[ChunkVectors]:
        """Returns chunk and word vectors, in order; chunks are truncated at `max_tokens`."""
        texts = self.tokenize([chunk.text for chunk in chunks], is_question=False)
        vectors: dict[int, ChunkVectors] = {}
        for batch in _batches([min(len(text.ids), self.max_tokens) for text in texts]):
            tokens = self.tokens([texts[index].ids for index in batch])
            for index, rows in zip(batch, tokens, strict=True):
                vectors[index] = self._pool(rows, texts[index], chunks[index].units)
        return [vectors[index] for index in range(len(chunks))]

    def embed_question(self, question: str) -> QuestionVectors:
        """Returns the question's vector (d,) and the vectors of its wordpieces."""
        (text,) = self.tokenize([question], is_question=True)
        tokens = self.tokens([text.ids])[0]
        inner = [place for place in range(1, len(tokens) - 1) if is_shown(text.offsets[place])]
        spans = tuple(text.offsets[place] for place in inner)
        vector = self.whole(tokens, is_question=True)
        return QuestionVectors(vector, self.question_words(tokens[inner]), spans)

    def close(self) -> None:  # noqa: B027  # the session ends with the last reference
        """Does nothing."""

    def tokens(self, texts: Sequence[Sequence[int]]) -> Any:
        """Returns the token vectors (b, t, d) of texts' ids, padded to the longest."""
        longest = min(max(map(len, texts)), self.max_tokens)
        ids = np.zeros((len(texts), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            length = min(len(text), self.max_tokens)
            ids[row, :length] = text[:length]
            mask[row, :length] = 1
            ids[row, length - 1] = self.last_token  # also of a truncated text
        return self.encode(ids, mask)

    def _pool(self, tokens: Vectors, text: Tokens, units: Sequence[Sequence[Span]]) -> ChunkVectors:
        """Returns the vector of the tokens, and what is stored of each unit's words.

        A word belongs to the spans in which it begins; stop words count only where nothing else is.
        """
        length = min(len(text.ids), self.max_tokens)
        tokens = tokens[:length]
        starts = np.array([span[0] if span[1] > span[0] else -1 for span in text.offsets[:length]])
        is_content = self.is_content[list(text.ids[:length])]
        by_unit = []
        for spans in units:
            inside = np.zeros(length, bool)
            for start, end in spans:
                inside |= (starts >= start) & (starts < end)
            content = inside & is_content
            by_unit.append(np.flatnonzero(content if content.any() else inside))
        return ChunkVectors(self.whole(tokens, is_question=False), self.words(tokens, by_unit))

    def words(self, tokens: Vectors, by_unit: Sequence[npt.NDArray[np.int64]]) -> WordVectors:
        """Returns what is stored of units, of which the places among the tokens are given."""
        places = np.concatenate([np.empty(0, np.int64), *by_unit])
        counts = np.array([len(words) for words in by_unit], np.int32)
        return WordVectors(self.stored_words(tokens[places]), counts)


def is_shown(span: Span) -> bool:
    """Whether the place has a character."""
    return span[1] > span[0]


def unit_vector(vector: Vectors) -> Vectors:
    """Returns the vector at length 1; the zero vector as it is."""
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm else vector).astype(np.float32)


def without_prefix(span: Span, prefix: int) -> Span:
    """Returns a place behind a prefix as one in the text; (0, 0) within the prefix."""
    return (span[0] - prefix, span[1] - prefix) if span[0] >= prefix else (0, 0)


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Groups indices by length, to keep padding low, up to BATCH_TOKENS a group."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if groups and (len(groups[-1]) + 1) * lengths[index] <= BATCH_TOKENS:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
