"""The data file's weights → an ONNX graph: (b, t, 384) input vectors of tokens → token vectors.

The table of 250,037 input vectors stays in the data file (`DataFile.word_vectors`); the twelve
layers are dequantized. `python -m index.embed.multilingual.graph` builds it, in a child process.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..graph import Graph, Weights, built_graph, mask_bias, write_graph
from .data_file import SHA256, DataFile

GRAPH_VERSION = 1
_DENSE = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
"""The file's names of a layer's tensors, and BERT's."""


def graph_file(models_dir: Path, data: Path) -> Path:
    """Returns the path of the graph, which is built if it is missing or damaged.

    Raises EmbedderUnavailable.
    """
    target = models_dir / f"multilingual-{SHA256[:16]}-{GRAPH_VERSION}.onnx"
    return built_graph(target, "index.embed.multilingual.graph", data)


def read_weights(file: DataFile) -> Weights:
    """Returns the tensors of everything but the input vectors, by BERT's names."""
    width = file.shape.width
    weights = {
        "embeddings.position_embeddings.weight": file.tensor("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type").reshape(-1, width),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b"),
    }
    for number in range(file.shape.layers):
        for short, name in (_DENSE | _NORMS).items():
            layer = f"encoder.layer.{number}.{name}"
            bias, weight = file.tensor(f"l{number}.{short}.b"), file.tensor(f"l{number}.{short}.w")
            weights[f"{layer}.bias"] = bias
            weights[f"{layer}.weight"] = (
                weight.reshape(len(bias), -1) if short in _DENSE else weight
            )
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}


def build(file: DataFile) -> Any:
    """Returns the model: (b, t, 384) vectors and (b, t) int64 mask → (b, t, 384) `tokens`."""
    graph = Graph(read_weights(file), file.shape)
    tokens = graph.encoder(graph.embed("words"), mask_bias(graph))
    shapes = {"tokens": ["batch", "tokens", file.shape.width]}
    return graph.model(["mask"], {"tokens": tokens}, shapes, vectors=["words"])


if __name__ == "__main__":
    data_path, target_path = map(Path, sys.argv[1:])
    write_graph(target_path, build(DataFile(data_path)).SerializeToString())
