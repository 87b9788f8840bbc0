"""The built-in embedder: all-MiniLM-L6-v2 on ONNX Runtime or OpenVINO, from package files alone.

One pass of the encoder gives the chunk's vector (mean of its tokens, Reimers and Gurevych 2019) and
the vectors of each sentence's words, for late interaction (Khattab and Zaharia 2020); both have the
whole chunk as context.
"""

import os
import re
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderUnavailable
from ..text.analyzer import STOP_WORDS
from ..types import Span
from .graph import WEIGHTS_SHA256, graph_file, model_folder, read_verified
from .protocol import ChunkText, ChunkVectors, QuestionVectors, Vectors, WordVectors
from .quantize import BYTES, project_query, quantize

if TYPE_CHECKING:
    from openvino import CompiledModel
    from tokenizers import Encoding, Tokenizer

TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""Of sentence-transformers/all-MiniLM-L6-v2, revision 1110a243, as are the weights."""

MAX_TOKENS = 256
THREADS = os.cpu_count() or 1
BATCH_TOKENS = 512
"""Padded tokens a batch; measured 2026-11-22, 165 wordpieces a chunk: 256 → 29/s, 512 → 31.5/s,
2048 → 23/s, 8192 → 14/s."""

Precision = Literal["bf16", "f32"]
_BF16 = re.compile(r"\b(?:amx_bf16|avx512_bf16)\b")


@cache
def tokenizer() -> "Tokenizer":
    """Returns the model's tokenizer, without the truncation at 128 that its file sets."""
    from tokenizers import Tokenizer

    data = read_verified(model_folder() / "tokenizer.json", TOKENIZER_SHA256)
    loaded = Tokenizer.from_str(data.decode())
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Returns the number of wordpieces of each text, without special tokens."""
    encodings = tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(encoding.ids) for encoding in encodings]


class MiniLM:
    """all-MiniLM-L6-v2 on ONNX Runtime: 384 dimensions, 256 wordpieces, runs on the CPU."""

    dimensions = 384
    fingerprint = f"all-MiniLM-L6-v2@{WEIGHTS_SHA256[:12]}+words"
    word_dtype: np.dtype[Any] = np.dtype(np.uint8)
    word_width = BYTES

    def __init__(self, models_dir: Path) -> None:
        """Opens the graph; raises EmbedderUnavailable."""
        self._session = onnx_session(graph_file(models_dir))
        tokenizer()

    def embed_chunks(self, chunks: Sequence[ChunkText]) -> list[ChunkVectors]:
        """Returns chunk and word vectors, in order; chunks are truncated at MAX_TOKENS."""
        encodings = tokenizer().encode_batch([chunk.text for chunk in chunks])
        vectors: dict[int, ChunkVectors] = {}
        for batch in _batches([min(len(e.ids), MAX_TOKENS) for e in encodings]):
            tokens = self.tokens([encodings[index] for index in batch])
            for index, rows in zip(batch, tokens, strict=True):
                vectors[index] = _pool(rows, encodings[index], chunks[index].units)
        return [vectors[index] for index in range(len(chunks))]

    def embed_question(self, question: str) -> QuestionVectors:
        """Returns the question's vector (384,) and the vectors of its wordpieces."""
        encoding = tokenizer().encode(question)
        tokens = self.tokens([encoding])[0]
        inner = slice(1, len(tokens) - 1)  # between [CLS] and [SEP]
        words, spans = project_query(tokens[inner]), tuple(encoding.offsets[inner])
        return QuestionVectors(_unit(tokens.mean(axis=0)), words, spans)

    def close(self) -> None:
        """Does nothing: the session ends with the last reference to it."""

    def tokens(self, encodings: Sequence["Encoding"]) -> Any:
        """Returns the token vectors (b, t, 384) of texts, padded to the longest."""
        longest = min(max(len(encoding.ids) for encoding in encodings), MAX_TOKENS)
        ids = np.zeros((len(encodings), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            length = min(len(encoding.ids), MAX_TOKENS)
            ids[row, :length] = encoding.ids[:length]
            mask[row, :length] = 1
        # a truncated text still ends with [SEP]
        ids[:, -1] = np.where(mask[:, -1] & (ids[:, -1] != 0), 102, ids[:, -1])
        return self._encode(ids, mask)

    def _encode(self, ids: Any, mask: Any) -> Any:
        return self._session.run(["tokens"], {"ids": ids, "mask": mask})[0]


class OpenVINOMiniLM(MiniLM):
    """The same model on OpenVINO (an extra), in bf16 where the CPU supports it.

    bf16 vectors have a fingerprint of their own, so an index is never built from both. Requests
    from several threads run one after the other.
    """

    def __init__(self, models_dir: Path, precision: Precision) -> None:
        """Compiles the graph; raises EmbedderUnavailable."""
        model = _compile_openvino(graph_file(models_dir), precision)
        self._request = model.create_infer_request()
        self._lock = threading.Lock()
        if precision != "f32":
            self.fingerprint = f"{MiniLM.fingerprint}+{precision}"
        tokenizer()

    def _encode(self, ids: Any, mask: Any) -> Any:
        with self._lock:
            return self._request.infer({"ids": ids, "mask": mask})["tokens"]


def onnx_session(graph: Path, threads: int = THREADS) -> Any:
    """Returns an ONNX Runtime session on the graph, with the library's telemetry off.

    Each run of it uses so many threads.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import; without it a look-up of its hosts
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # spinning threads cost 17 ms of CPU a question instead of 7, and save a single client 2.4 ms:
    # 80 clients got 56 answers a second instead of 71 (load.py, 2026-11-25)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _compile_openvino(graph: Path, precision: Precision) -> "CompiledModel":
    """Returns the graph compiled for the CPU; raises EmbedderUnavailable without OpenVINO.

    Importing it would look up a host and write into HOME; without its telemetry package it does
    neither.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's mark of absence
    try:
        from openvino import Core
    except ImportError as error:
        cause = "openvino is not installed: `pip install openvino`, or unset embed.runtime"
        raise EmbedderUnavailable(cause) from error
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": THREADS,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # leave the scheduler free: other processes share the cores
    }
    return Core().compile_model(str(graph), "CPU", options)


def precision_for(cpuinfo: str) -> Precision:
    """Returns bf16 if the CPU described by Linux's cpuinfo has the instructions, else f32.

    Elsewhere bf16 is emulated, which is slow.
    """
    return "bf16" if _BF16.search(cpuinfo) else "f32"


@cache
def cpu_precision() -> Precision:
    """Returns the precision for this machine's CPU; f32 where it is unknown."""
    try:
        return precision_for(Path("/proc/cpuinfo").read_text())
    except OSError:
        return "f32"


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Groups indices by length, to keep padding low, up to BATCH_TOKENS a group."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if groups and (len(groups[-1]) + 1) * lengths[index] <= BATCH_TOKENS:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _pool(tokens: Vectors, encoding: "Encoding", units: Sequence[Sequence[Span]]) -> ChunkVectors:
    """Returns the mean of the tokens, and the quantized vectors of each unit's words.

    A word belongs to the spans in which it begins; stop words count only where nothing else is.
    """
    length = min(len(encoding.ids), MAX_TOKENS)
    tokens = tokens[:length]
    starts = np.array([start if end > start else -1 for start, end in encoding.offsets[:length]])
    is_content = content_mask()[encoding.ids[:length]]
    by_unit = []
    for spans in units:
        inside = np.zeros(length, bool)
        for start, end in spans:
            inside |= (starts >= start) & (starts < end)
        content = inside & is_content
        by_unit.append(np.flatnonzero(content if content.any() else inside))
    places = np.concatenate([np.empty(0, np.int64), *by_unit])
    counts = np.array([len(words) for words in by_unit], np.int32)
    return ChunkVectors(_unit(tokens.mean(axis=0)), WordVectors(quantize(tokens[places]), counts))


@cache
def content_mask() -> npt.NDArray[np.bool_]:
    """Returns for each wordpiece id whether it has a letter or digit and is not a stop word."""
    vocabulary = tokenizer().get_vocab()
    mask = np.zeros(len(vocabulary), bool)
    for piece, number in vocabulary.items():
        mask[number] = piece not in STOP_WORDS and any(map(str.isalnum, piece))
    mask[[0, 100, 101, 102, 103]] = False  # [PAD], [UNK], [CLS], [SEP], [MASK]
    return mask


def _unit(vector: Vectors) -> Vectors:
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm else vector).astype(np.float32)
