"""Vectors as bytes: a row of the embedding cache, of a worker's reply and of a pack in the bucket.

A row's key is the hash of the embedder's fingerprint, the text and the spans of its units, so equal
texts have one row on every machine. Rows come from files and other machines: `fault` checks them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .protocol import ChunkText, ChunkVectors, Embedder, WordVectors

BATCH_SIZE = 32
"""Texts that are embedded at once; a batch is padded to its longest."""
MAX_NORM_ERROR = 0.01
"""Of a vector of unit length, which a model in bf16 meets to 0.004."""


class PackedVectors(NamedTuple):
    """A chunk's vectors as bytes: float32, then the counts and rows of its word vectors.

    `digest` is that of `vector` and `words`.
    """

    key: bytes
    vector: bytes
    words: bytes
    digest: bytes


class EmbeddedBatch(NamedTuple):
    """Texts and their rows, in order."""

    chunks: Sequence[ChunkText]
    rows: Sequence[PackedVectors]


EmbedBatches = Callable[[Sequence[ChunkText]], Iterator[EmbeddedBatch]]
"""Embeds texts, here or elsewhere; yields batches in order of completion, each text once."""


class VectorFormat:
    """The keys and rows of one embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self.fingerprint, self.dimensions = embedder.fingerprint, embedder.dimensions
        self._dtype = embedder.word_dtype.newbyteorder("<")
        self._width = embedder.word_width

    def key(self, chunk: ChunkText) -> bytes:
        """Returns the key of a text's row."""
        spans = [one[0] if len(one) == 1 else one for one in chunk.units]
        prefix = json.dumps([self.fingerprint, spans]).encode()
        text = chunk.text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(prefix + b"\0" + text).digest()

    def pack(self, chunk: ChunkText, vectors: ChunkVectors) -> PackedVectors:
        """Returns the row of a text."""
        vector = vectors.vector.astype("<f4").tobytes()
        rows = vectors.words.rows
        packed_rows = rows.astype(rows.dtype.newbyteorder("<")).tobytes()
        words = vectors.words.counts.astype("<i4").tobytes() + packed_rows
        return PackedVectors(self.key(chunk), vector, words, digest_of(vector, words))

    def unpack(self, vector: bytes, words: bytes, units: int) -> ChunkVectors:
        """Returns the vectors of a row; `units` is the number of units of its text."""
        counts = np.frombuffer(words, "<i4", units).astype(np.int32)
        rows = np.frombuffer(words, self._dtype, offset=counts.nbytes).reshape(-1, self._width)
        whole = np.frombuffer(vector, "<f4").astype(np.float32)
        return ChunkVectors(whole, WordVectors(rows, counts))

    def fault(self, row: PackedVectors, chunk: ChunkText | None = None) -> str:
        """Returns what is wrong with a row from elsewhere, of `chunk` if that is known; or ""."""
        if not all(isinstance(part, bytes) for part in row):
            return "it is not a row of vectors"
        if chunk is not None and row.key != self.key(chunk):
            return "it is of another text"
        if row.digest != digest_of(row.vector, row.words):
            return "its digest differs"
        if len(row.vector) != 4 * self.dimensions:
            return f"its vector has not {self.dimensions} dimensions"
        norm = float(np.linalg.norm(np.frombuffer(row.vector, "<f4").astype(np.float64)))
        if not abs(norm - 1) <= MAX_NORM_ERROR:  # false of a norm that is not a number, too
            return f"its vector has the length {norm:.3g}, not 1"
        return "" if chunk is None else self._words_fault(row.words, len(chunk.units))

    def _words_fault(self, words: bytes, units: int) -> str:
        counts = np.frombuffer(words[: 4 * units], "<i4") if len(words) >= 4 * units else None
        size = len(words) - 4 * units
        if counts is None or (counts < 0).any():
            return "its word vectors are cut off"
        if size != int(counts.sum(dtype=np.int64)) * self._width * self._dtype.itemsize:
            return "it has another number of word vectors than it says"
        if self._dtype.kind == "f":
            rows = np.frombuffer(words, self._dtype, offset=4 * units)
            if not np.isfinite(rows).all():
                return "its word vectors are not numbers"
        return ""


def embed_here(embedder: Embedder, chunks: Sequence[ChunkText]) -> Iterator[EmbeddedBatch]:
    """Embeds the texts in this process, in order."""
    vector_format = VectorFormat(embedder)
    for start in range(0, len(chunks), BATCH_SIZE):
        batch = chunks[start : start + BATCH_SIZE]
        vectors = zip(batch, embedder.embed_chunks(batch), strict=True)
        yield EmbeddedBatch(batch, [vector_format.pack(*pair) for pair in vectors])


def digest_of(vector: bytes, words: bytes | None) -> bytes:
    """Returns the digest of a row."""
    return hashlib.sha256(vector + (words or b"")).digest()[:8]
