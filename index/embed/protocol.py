"""The `Embedder` seam: what every embedding model takes and returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ..types import Span

Vectors = npt.NDArray[np.float32]
"""(n, d) float32, each row of unit length."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk's text and its sentences' spans within it."""

    text: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a passage's sentences are compared by: the vectors of their words, or one of each.

    `rows` (m, w) are all sentences' vectors in reading order, as the embedder keeps them;
    `counts` (s,) says how many are each sentence's.
    """

    rows: npt.NDArray[Any]
    counts: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A passage's vector (d,) and its sentences' parts; None where none are made."""

    vector: Vectors
    parts: Parts | None


@dataclass(frozen=True, slots=True)
class EmbeddedQuestion:
    """A question's vector (d,), and the vectors (t, w) of its parts at these spans of its text.

    `floats(rows) @ parts.T` are their cosines with a passage's parts.
    """

    vector: Vectors
    parts: Vectors
    spans: tuple[Span, ...]


class Embedder(Protocol):
    """Makes vectors of passages and questions; the fingerprint says which make they are of.

    `kept` is the type and the width in which it makes a passage's parts.
    """

    fingerprint: str
    dimensions: int
    kept: tuple[np.dtype[Any], int]

    def embed_passages(self, passages: Sequence[Passage]) -> list[Embedded]:
        """Returns the vectors of each passage, in order."""
        ...

    def embed_question(self, question: str) -> EmbeddedQuestion:
        """Returns the question's vectors, unit length."""
        ...

    def close(self) -> None:
        """Lets go of connections and memory; it is not asked again."""
        ...


@dataclass(frozen=True, slots=True)
class EmbedSpec:
    """Which embedder to open: the embedded one, by ONNX Runtime or OpenVINO, or an endpoint's.

    `models_dir` is where the embedded one keeps its built graph.
    """

    kind: Literal["minilm", "openvino", "openai"]
    model: str | None
    base_url: str | None
    api_key: str | None
    sentence_vectors: bool
    models_dir: Path
