"""The hosted embedder: any OpenAI-compatible embeddings endpoint.

A hosted model returns no token vectors, so each sentence is embedded on its own in their place.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import EmbedderUnavailable
from ..redact import register_secrets, register_url, strip_urls
from .protocol import ChunkText, ChunkVectors, QuestionVectors, Vectors, WordVectors

REQUEST_TEXTS = 96
TIMEOUT_S = 30.0
_PROBE = "How many dimensions?"


class OpenAIEmbedder:
    """Embeddings from an endpoint; their dimensions are read from one probe request."""

    across_languages: bool | None = None
    word_dtype: np.dtype[Any] = np.dtype(np.float16)

    def __init__(self, *, model: str | None, base_url: str | None, api_key: str | None) -> None:
        """Connects and embeds one text; raises EmbedderUnavailable."""
        from openai import OpenAI

        if not model:
            raise EmbedderUnavailable("embed.model is not set")
        register_secrets([api_key])
        register_url(base_url or "")
        self._model = model
        self._client: OpenAI = OpenAI(
            api_key=api_key or "none", base_url=base_url, timeout=TIMEOUT_S, max_retries=3
        )
        try:
            self.dimensions = self.word_width = self._request([_PROBE]).shape[1]
        except BaseException:
            self.close()
            raise
        address = strip_urls(str(self._client.base_url))
        self.fingerprint = f"openai:{model}@{address}:{self.dimensions}+parts"

    def embed_chunks(self, chunks: Sequence[ChunkText]) -> list[ChunkVectors]:
        """Returns the vectors of each chunk and of its units; raises EmbedderUnavailable."""
        vectors = self._embed([chunk.text for chunk in chunks])
        units = [" ".join(c.text[a:b] for a, b in spans) for c in chunks for spans in c.units]
        ends = np.cumsum([len(chunk.units) for chunk in chunks])
        by_chunk = np.split(self._embed(units), ends[:-1])
        return [
            ChunkVectors(whole, WordVectors(rows.astype(np.float16), np.ones(len(rows), np.int32)))
            for whole, rows in zip(vectors, by_chunk, strict=True)
        ]

    def embed_question(self, question: str) -> QuestionVectors:
        """Returns the question's vector, also as its only word vector."""
        vectors = self._request([question])
        return QuestionVectors(vectors[0], vectors, ((0, len(question)),))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _embed(self, texts: Sequence[str]) -> Vectors:
        batches = [
            self._request(texts[start : start + REQUEST_TEXTS])
            for start in range(0, len(texts), REQUEST_TEXTS)
        ]
        return np.concatenate([np.empty((0, self.dimensions), np.float32), *batches])

    def _request(self, texts: Sequence[str]) -> Vectors:
        """Returns the unit vectors of the texts by one request."""
        from openai import OpenAIError

        try:
            reply = self._client.embeddings.create(
                model=self._model, input=list(texts), encoding_format="float"
            )
            entries = sorted(reply.data, key=lambda entry: entry.index)
            vectors = np.array([entry.embedding for entry in entries], np.float32)
        except (OpenAIError, ValueError, TypeError, AttributeError) as error:
            # a faulty endpoint also causes JSON errors, and shapes that the client does not check
            cause = type(error).__name__
            raise EmbedderUnavailable(f"embeddings of {self._model} failed ({cause})") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            cause = f"{self._model} returned {vectors.shape} for {len(texts)} texts"
            raise EmbedderUnavailable(cause)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)
