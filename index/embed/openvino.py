"""The embedded embedder by OpenVINO (an extra): the same graph, in bf16 where the CPU has that.

Vectors of another precision are another make: the fingerprint says so, and an index is built anew.
"""

import re
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import EmbedderUnavailable
from .minilm import THREADS, MiniLM, graph_file, tokenizer
from .protocol import Vectors

if TYPE_CHECKING:
    from openvino import CompiledModel

Precision = Literal["bf16", "f32"]

_BF16 = re.compile(r"\b(?:amx_bf16|avx512_bf16)\b")


def precision_of(cpuinfo: str) -> Precision:
    """Returns what a CPU that Linux describes so computes in: bf16 where it has the instructions.

    Elsewhere bf16 would be simulated, which costs time.
    """
    return "bf16" if _BF16.search(cpuinfo) else "f32"


@cache
def precision() -> Precision:
    """Returns what this machine's CPU computes in; f32 where that cannot be told."""
    try:
        return precision_of(Path("/proc/cpuinfo").read_text())
    except OSError:
        return "f32"


def compiled(graph: Path, wanted: Precision) -> "CompiledModel":
    """Returns the graph for the CPU; raises EmbedderUnavailable where OpenVINO is not installed.

    Its mere import would look up a host and write into HOME; without its package of telemetry it
    does neither.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's mark of absence
    try:
        from openvino import Core
    except ImportError as error:
        cause = "openvino is not installed: `pip install openvino`, or unset embed.runtime"
        raise EmbedderUnavailable(cause) from error
    options = {
        "INFERENCE_PRECISION_HINT": wanted,
        "INFERENCE_NUM_THREADS": THREADS,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # other processes have a claim to the cores, too
    }
    return Core().compile_model(str(graph), "CPU", options)


class OpenVINOMiniLM(MiniLM):
    """all-MiniLM-L6-v2 by OpenVINO; safe to use from several threads, one after the other."""

    def __init__(self, models_dir: Path, precision: Precision) -> None:
        """Compiles the graph; raises EmbedderUnavailable."""
        self._request = compiled(graph_file(models_dir), precision).create_infer_request()
        self._lock = threading.Lock()
        if precision != "f32":
            self.fingerprint = f"{MiniLM.fingerprint}+{precision}"
        tokenizer()

    def _encode(self, ids: Any, mask: Any) -> Vectors:
        with self._lock:
            tokens: Vectors = self._request.infer({"ids": ids, "mask": mask})["tokens"]
        return tokens
