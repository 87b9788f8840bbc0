"""The reader that `fit.reader` trains: the encoder with adapters, its input and its files.

Low-rank matrices (Hu et al. 2021) stand beside each linear layer of all-MiniLM-L6-v2; they, the
layer norms, the token types and two heads are trained: of [CLS] the logit that the passage answers
the question, of each token those that an answer starts and ends there (Devlin et al. 2018). The
input is "[CLS] question [SEP] title: heading. passage [SEP]", the files are float16 safetensors.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from index.embed.graph import EPSILON, HEADS, LAYERS, WIDTH, model_folder, read_safetensors
from index.embed.minilm import MAX_TOKENS, tokenizer
from index.embed.reader_graph import SCALE
from rag.retrieval.reader import FIRST, MAX_QUESTION_TOKENS, SEPARATOR
from tests.benchmarks.fit.reader_data import Example

RANK = 16
PADDING = 8
"""Lengths are multiples of it: torch keeps code and memory for each that it has seen."""
PART_BYTES = 950_000
NEVER = -1e4
"""A logit that leaves a token out."""


class Adapted(nn.Module):
    """A frozen linear layer and its low-rank change, which is none at first."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.bfloat16(), persistent=False)
        self.register_buffer("bias", bias.bfloat16(), persistent=False)
        outputs, inputs = weight.shape
        self.a = nn.Parameter(torch.randn(RANK, inputs) / inputs**0.5)
        self.b = nn.Parameter(torch.zeros(outputs, RANK))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Returns (b, t, outputs) for (b, t, inputs)."""
        change = functional.linear(functional.linear(hidden, self.a), self.b * SCALE)
        return functional.linear(hidden, self.weight, self.bias) + change


class Reader(nn.Module):
    """The encoder with its adapters, and the heads; only what is trained has parameters.

    In the files its names are those of the published model, with `.a` and `.b` for the matrices.
    """

    word: torch.Tensor
    position: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        arrays = read_safetensors(model_folder() / "model.safetensors")
        weights = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        for name in ("word", "position"):
            table = weights[f"embeddings.{name}_embeddings.weight"]
            self.register_buffer(name, table, persistent=False)
        self.register_buffer("scale", weights["embeddings.LayerNorm.weight"], persistent=False)
        self.register_buffer("shift", weights["embeddings.LayerNorm.bias"], persistent=False)
        self.types = nn.Parameter(weights["embeddings.token_type_embeddings.weight"].clone())
        self.layers = nn.ModuleDict()
        for name in [name.removesuffix(".weight") for name in weights if name.endswith(".weight")]:
            if name.startswith("encoder"):
                pair = weights[f"{name}.weight"], weights[f"{name}.bias"]
                self.layers[_key(name)] = _norm(*pair) if "Norm" in name else Adapted(*pair)
        self.pool, self.ans = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        self.span = nn.Linear(WIDTH, 2)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the passages' logits (b,) and the tokens' logits of start and end (b, t, 2)."""
        hidden = self.word[ids] + self.position[: ids.shape[1]] + self.types[types]
        hidden = functional.layer_norm(hidden, (WIDTH,), self.scale, self.shift, EPSILON)
        bias = torch.zeros(mask.shape).masked_fill(~mask, NEVER)[:, None, None, :]
        for number in range(LAYERS):
            hidden = self._layer(hidden, bias, f"encoder.layer.{number}")
        hidden = hidden.float()
        first = torch.tanh(self.pool(hidden[:, 0]))
        return self.ans(first).squeeze(-1).float(), self.span(hidden).float()

    def _layer(self, hidden: torch.Tensor, bias: torch.Tensor, name: str) -> torch.Tensor:
        def part(kind: str, value: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.layers[_key(f"{name}.{kind}")](value)
            return output

        def heads(kind: str) -> torch.Tensor:
            rows, tokens, width = hidden.shape
            shape = (rows, tokens, HEADS, width // HEADS)
            return part(f"attention.self.{kind}", hidden).view(shape).transpose(1, 2)

        query, key, value = heads("query"), heads("key"), heads("value")
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias.to(query.dtype)
        )
        joined = mixed.transpose(1, 2).flatten(2)
        output = part("attention.output.dense", joined) + hidden
        hidden = part("attention.output.LayerNorm", output)
        inner = functional.gelu(part("intermediate.dense", hidden))
        return part("output.LayerNorm", part("output.dense", inner) + hidden)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns what is trained, by the names in the files."""
        named = {name: value.detach() for name, value in self.named_parameters()}
        types = named.pop("types")
        renamed = {
            name.replace("layers.", "bert.", 1).replace("/", "."): t for name, t in named.items()
        }
        return {"bert.embeddings.token_type_embeddings.weight": types, **renamed}

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Sets what is trained."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])


def _key(name: str) -> str:
    return name.replace(".", "/")  # a module's name has no dots


def _norm(weight: torch.Tensor, bias: torch.Tensor) -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH, EPSILON)
    norm.load_state_dict({"weight": weight, "bias": bias})
    return norm


@dataclass(frozen=True)
class Batch:
    """Examples as tensors: (b, t) each, the passage's own tokens and its spans' ends marked."""

    ids: torch.Tensor
    mask: torch.Tensor
    types: torch.Tensor
    passage: torch.Tensor
    starts: torch.Tensor
    ends: torch.Tensor
    answers: torch.Tensor


def encode(examples: Sequence[Example], most: int = MAX_TOKENS) -> Batch:
    """Returns the examples as a batch, padded to the longest; the passage is cut off at `most`."""
    texts = [example.passage.head + example.passage.text for example in examples]
    passages = tokenizer().encode_batch(texts, add_special_tokens=False)
    asked = [tokenizer().encode(e.question, add_special_tokens=False).ids for e in examples]
    questions = [[FIRST, *ids[: MAX_QUESTION_TOKENS - 2], SEPARATOR] for ids in asked]
    sizes = [min(len(p.ids), most - len(q) - 1) for p, q in zip(passages, questions, strict=True)]
    longest = max(len(q) + size + 1 for q, size in zip(questions, sizes, strict=True))
    longest += -longest % PADDING
    ids = np.zeros((len(examples), longest), np.int64)
    mask, types, inside, starts, ends = np.zeros((5, *ids.shape), bool)
    for row, (question, size) in enumerate(zip(questions, sizes, strict=True)):
        first, last = len(question), len(question) + size
        ids[row, : last + 1] = [*question, *passages[row].ids[:size], SEPARATOR]
        mask[row, : last + 1] = True
        types[row, first : last + 1] = True
        inside[row, first:last] = True
        offsets = np.array(passages[row].offsets[:size]).reshape(-1, 2)
        offsets -= len(examples[row].passage.head)
        for start, end in examples[row].passage.spans:
            if size and end <= offsets[-1, 1]:
                starts[row, first + int(np.argmax(offsets[:, 1] > max(start, 0)))] = True
                ends[row, first + int(np.argmax(offsets[:, 1] >= end))] = True
    answers = np.array([example.answers for example in examples], np.float32)
    arrays = (ids, mask, types.astype(np.int64), inside, starts, ends, answers)
    return Batch(*map(torch.from_numpy, arrays))


def write(tensors: dict[str, torch.Tensor], folder: Path) -> None:
    """Writes the tensors in float16 to files reader-N.safetensors, each under PART_BYTES."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[dict[str, bytes]] = [{}]
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    for name, tensor in sorted(tensors.items()):
        data = tensor.half().numpy().astype("<f2").tobytes()
        if sum(map(len, parts[-1].values())) + len(data) > PART_BYTES:
            parts.append({})
        parts[-1][name] = data
    for number, part in enumerate(parts, 1):
        header, end = {}, 0
        for name, data in part.items():
            offsets = [end, end := end + len(data)]
            header[name] = {"dtype": "F16", "shape": shapes[name], "data_offsets": offsets}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        path = folder / f"reader-{number}.safetensors"
        path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(part.values()))


def read(folder: Path) -> dict[str, torch.Tensor]:
    """Returns the tensors that `write` has written to a folder, in float32."""
    return {
        name: torch.from_numpy(array)
        for path in sorted(folder.glob("reader-*.safetensors"))
        for name, array in read_safetensors(path).items()
    }
