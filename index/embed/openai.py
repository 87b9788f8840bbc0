"""The other embedder: any OpenAI-compatible embeddings endpoint.

A hosted model gives no token vectors, so its sentence vectors are each sentence embedded alone,
or none at all, by setting.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import EmbedderUnavailable
from .protocol import Embedded, EmbeddedQuestion, EmbedSpec, Parts, Passage, Vectors

REQUEST_TEXTS = 96
TIMEOUT_S = 30.0
_PROBE = "How many dimensions?"


class OpenAIEmbedder:
    """Embeddings from an endpoint; its dimensions are asked of it once."""

    def __init__(self, spec: EmbedSpec) -> None:
        """Connects and asks for one vector; raises EmbedderUnavailable."""
        from openai import OpenAI

        if not spec.model:
            raise EmbedderUnavailable("embed.model names no model")
        self._model = spec.model
        self._with_sentences = spec.sentence_vectors
        self._client: OpenAI = OpenAI(
            api_key=spec.api_key or "none", base_url=spec.base_url, timeout=TIMEOUT_S, max_retries=3
        )
        try:
            self.dimensions = len(self._embed([_PROBE])[0])
        except BaseException:
            self.close()
            raise
        self.kept: tuple[np.dtype[Any], int] = (np.dtype(np.float16), self.dimensions)
        kind = "parts" if self._with_sentences else "chunks"
        self.fingerprint = f"openai:{self._model}@{self._client.base_url}:{self.dimensions}+{kind}"

    def embed_passages(self, passages: Sequence[Passage]) -> list[Embedded]:
        """Returns the vectors of each passage, in order; raises EmbedderUnavailable."""
        wholes = self._embed([passage.text for passage in passages])
        if not self._with_sentences:
            return [Embedded(whole, None) for whole in wholes]
        parts = [p.text[start:end] for p in passages for start, end in p.sentences]
        vectors = self._embed(parts)
        cuts = np.cumsum([len(passage.sentences) for passage in passages])[:-1]
        return [
            Embedded(whole, Parts(rows.astype(np.float16), np.ones(len(rows), np.int32)))
            for whole, rows in zip(wholes, np.split(vectors, cuts), strict=True)
        ]

    def embed_question(self, question: str) -> EmbeddedQuestion:
        """Returns the question's vector, its only part; raises EmbedderUnavailable."""
        vectors = self._embed([question])
        return EmbeddedQuestion(vectors[0], vectors, ((0, len(question)),))

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def _embed(self, texts: Sequence[str]) -> Vectors:
        parts = [
            self._request(texts[start : start + REQUEST_TEXTS])
            for start in range(0, len(texts), REQUEST_TEXTS)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.dimensions), np.float32)

    def _request(self, texts: Sequence[str]) -> Vectors:
        """One request; vectors come back of unit length."""
        from openai import OpenAIError

        try:
            reply = self._client.embeddings.create(
                model=self._model, input=list(texts), encoding_format="float"
            )
            rows = sorted(reply.data, key=lambda entry: entry.index)
            vectors = np.array([row.embedding for row in rows], np.float32)
        except (OpenAIError, ValueError, TypeError, AttributeError) as error:
            # a faulty endpoint also yields JSON errors and shapes that the client does not check
            cause = type(error).__name__
            raise EmbedderUnavailable(f"embeddings of {self._model} failed ({cause})") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise EmbedderUnavailable(f"{self._model} sent {vectors.shape} for {len(texts)} texts")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)
