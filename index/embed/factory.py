"""Opens the embedder that a spec names. A new embedding model is registered here.

Each implementation, and so its libraries, is imported only where it is used.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..redact import strip_urls

if TYPE_CHECKING:  # the command line imports this module, and must not load numpy
    from .protocol import Embedder


@dataclass(frozen=True, slots=True)
class EmbedSpec:
    """Which embedder to open: built-in MiniLM, on either runtime, the multilingual, an endpoint's.

    `model`, `base_url` and `api_key` are the endpoint's; `models_dir` caches the built ONNX graph;
    `folder` is the local model of kind `folder`.
    """

    kind: Literal["minilm", "openvino", "multilingual", "folder", "openai"]
    model: str | None
    base_url: str | None
    api_key: str | None
    models_dir: Path
    folder: Path | None = None


def open_embedder(spec: EmbedSpec) -> "Embedder":
    """Returns the embedder of the spec, ready to use; raises EmbedderUnavailable."""
    if spec.kind == "openai":
        from .openai import OpenAIEmbedder

        return OpenAIEmbedder(model=spec.model, base_url=spec.base_url, api_key=spec.api_key)
    if spec.kind == "multilingual":
        from .multilingual.embedder import MultilingualE5

        return MultilingualE5(spec.models_dir)
    if spec.kind == "folder" and spec.folder:
        from .folder import FolderEmbedder

        return FolderEmbedder(spec.folder, spec.models_dir)
    from .minilm import MiniLM, OpenVINOMiniLM, cpu_precision

    if spec.kind == "openvino":
        return OpenVINOMiniLM(spec.models_dir, cpu_precision())
    return MiniLM(spec.models_dir)


def model_name(spec: EmbedSpec) -> str:
    """Returns what identifies the spec's model, without opening it; a manifest records this."""
    if spec.kind == "openai":
        return strip_urls(f"{spec.model}@{spec.base_url}")
    if spec.kind == "multilingual":
        from .multilingual.embedder import MultilingualE5

        return MultilingualE5.fingerprint
    if spec.kind == "folder" and spec.folder:
        from .folder import folder_fingerprint

        return folder_fingerprint(spec.folder)
    from .minilm import MiniLM, cpu_precision

    if spec.kind == "openvino" and cpu_precision() != "f32":
        return f"{MiniLM.fingerprint} {cpu_precision()}"
    return MiniLM.fingerprint
