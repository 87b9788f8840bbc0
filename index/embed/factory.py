"""Opens the embedder that a spec names; each library is imported only where it is used."""

from .protocol import Embedder, EmbedSpec


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
