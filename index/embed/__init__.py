"""Text → vectors: the `Embedder` seam and the one place that opens an embedder by its spec."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

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
class Embedded:
    """A passage's vector (d,) and its sentences' vectors (s, d); None where none are made."""

    vector: Vectors
    sentences: Vectors | None


class Embedder(Protocol):
    """Makes vectors of passages and questions; the fingerprint says which make they are of."""

    fingerprint: str
    dimensions: int

    def embed_passages(self, passages: Sequence[Passage]) -> list[Embedded]:
        """Returns the vectors of each passage, in order."""
        ...

    def embed_question(self, question: str) -> Vectors:
        """Returns the question's vector (d,), unit length."""
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


def open_embedder(spec: EmbedSpec) -> Embedder:
    """Returns the embedder of the spec, ready to use; raises EmbedderUnavailable."""
    if spec.kind == "openai":
        from .openai import OpenAIEmbedder

        return OpenAIEmbedder(spec)
    if spec.kind == "openvino":
        from .openvino import OpenVINOMiniLM, precision

        return OpenVINOMiniLM(spec.models_dir, precision())
    from .minilm import MiniLM

    return MiniLM(spec.models_dir)
