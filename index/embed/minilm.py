"""The built-in embedder: all-MiniLM-L6-v2 on ONNX Runtime or OpenVINO, from package files alone."""

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
from .encoder import Encoder, Tokens, unit_vector
from .graph import WEIGHTS_SHA256, graph_file, model_folder, read_verified
from .protocol import Vectors
from .quantize import BYTES, project_query, quantize

if TYPE_CHECKING:
    from openvino import CompiledModel
    from tokenizers import Tokenizer

TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""Of sentence-transformers/all-MiniLM-L6-v2, revision 1110a243, as are the weights."""

MAX_TOKENS = 256
THREADS = os.cpu_count() or 1

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


class MiniLM(Encoder):
    """all-MiniLM-L6-v2 on ONNX Runtime: 384 dimensions, 256 wordpieces, runs on the CPU."""

    dimensions = 384
    across_languages: bool | None = False
    max_tokens, last_token = MAX_TOKENS, 102
    fingerprint = f"all-MiniLM-L6-v2@{WEIGHTS_SHA256[:12]}+words"
    word_dtype: np.dtype[Any] = np.dtype(np.uint8)
    word_width = BYTES

    def __init__(self, models_dir: Path) -> None:
        """Opens the graph; raises EmbedderUnavailable."""
        self._session = onnx_session(graph_file(models_dir))
        tokenizer()

    def tokenize(self, texts: Sequence[str], *, is_question: bool) -> list[Tokens]:
        """Returns the wordpieces of each text; a question has no prefix."""
        encodings = tokenizer().encode_batch(list(texts))
        return [Tokens(encoding.ids, encoding.offsets) for encoding in encodings]

    def encode(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Any:
        """Returns the vectors (b, t, 384) of tokens."""
        return self._session.run(["tokens"], {"ids": ids, "mask": mask})[0]

    def whole(self, tokens: Vectors, *, is_question: bool) -> Vectors:
        """Returns the mean of the tokens, unit length."""
        return unit_vector(tokens.mean(axis=0))

    def stored_words(self, tokens: Vectors) -> npt.NDArray[Any]:
        """Returns the codes of token vectors."""
        return quantize(tokens)

    def question_words(self, tokens: Vectors) -> Vectors:
        """Returns token vectors on the basis of the codes."""
        return project_query(tokens)

    @property
    def is_content(self) -> npt.NDArray[np.bool_]:
        """Whether each wordpiece counts as a word."""
        return content_mask()


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

    def encode(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Any:
        """Returns the vectors (b, t, 384) of tokens."""
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


@cache
def content_mask() -> npt.NDArray[np.bool_]:
    """Returns for each wordpiece id whether it has a letter or digit and is not a stop word."""
    vocabulary = tokenizer().get_vocab()
    mask = np.zeros(len(vocabulary), bool)
    for piece, number in vocabulary.items():
        mask[number] = piece not in STOP_WORDS and any(map(str.isalnum, piece))
    mask[[0, 100, 101, 102, 103]] = False  # [PAD], [UNK], [CLS], [SEP], [MASK]
    return mask
