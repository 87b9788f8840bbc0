"""Token vectors in 48 bytes each: 96 principal components, 4 bits a component.

The basis is that of the model's token vectors over public articles (`fit_basis.py` beside the
benchmarks), so that codes of any corpus mean the same. They rank passages as well as whole vectors
do, in a thirty-second of the room (DECISIONS.md).
"""

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from .protocol import Vectors

BASIS = "basis.npy"
BYTES = 48
COMPONENTS = 2 * BYTES
STEPS = 2.5
"""Levels a standard deviation: sixteen of them reach to three on either side."""

Codes = npt.NDArray[np.uint8]


@cache
def _basis() -> tuple[Vectors, Vectors]:
    """Returns the components (d, 96), and their standard deviations (96,) over unit vectors."""
    with files("index.embed").joinpath(BASIS).open("rb") as file:
        scaled = np.load(file).astype(np.float32)  # each component as long as its deviation
    deviations = np.linalg.norm(scaled, axis=0)
    return scaled / deviations, deviations


@cache
def _levels() -> npt.NDArray[np.float64]:
    """Returns the pair of float32 levels that each byte stands for, seen as one number."""
    low, high = np.arange(256) & 15, np.arange(256) >> 4
    pairs = np.stack([low, high], axis=1).astype(np.float32) - 7.5
    return np.ascontiguousarray(pairs).view(np.float64).reshape(256)


def encoded(tokens: Vectors) -> Codes:
    """Returns the codes (n, 48) of token vectors (n, d)."""
    deviations = _basis()[1]
    levels = np.clip(np.floor(_projected(tokens) / deviations * STEPS) + 8, 0, 15).astype(np.uint8)
    return np.asarray(levels[:, ::2] | (levels[:, 1::2] << 4), np.uint8)


def asking(tokens: Vectors) -> Vectors:
    """Returns what `decoded` codes are multiplied with (n, 96) for the cosine with the tokens."""
    return np.asarray(_projected(tokens) * _basis()[1] / STEPS, np.float32)


def decoded(codes: Codes) -> Vectors:
    """Returns the levels (n, 96) that the codes stand for."""
    return _levels()[codes].view(np.float32)


def _projected(tokens: Vectors) -> Vectors:
    projected = tokens @ _basis()[0]
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    return np.asarray(projected / np.maximum(lengths, 1e-6), np.float32)


def floats(rows: npt.NDArray[Any]) -> Vectors:
    """Returns stored word vectors (m, w) as float32, to be multiplied with a question's."""
    return decoded(rows) if rows.dtype == np.uint8 else rows.astype(np.float32)
