"""Quantizes word vectors to 48 bytes each: 96 principal components, 4 bits a component.

The basis is that of a model's token vectors over public articles (tests/benchmarks/fit/basis.py),
so codes mean the same in every index. They rank chunks as well as float vectors do, in a
thirty-second of the space (DECISIONS.md).
"""

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from .protocol import Vectors

BASIS = "basis.npy"
"""MiniLM's; another model brings its own."""
BYTES = 48
COMPONENTS = 2 * BYTES
STEPS = 2.5
"""Quantization levels per standard deviation: sixteen of them reach three on either side."""

Codes = npt.NDArray[np.uint8]


def quantize(tokens: Vectors, basis: str = BASIS) -> Codes:
    """Returns the codes (n, 48) of token vectors (n, d)."""
    levels = np.floor(_project(tokens, basis) / _basis(basis)[1] * STEPS) + 8
    levels = np.clip(levels, 0, 15).astype(np.uint8)
    return np.asarray(levels[:, ::2] | (levels[:, 1::2] << 4), np.uint8)


def dequantize(rows: npt.NDArray[Any]) -> Vectors:
    """Returns stored word vectors as float32: codes (m, 48) as (m, 96), others as they are.

    Their product with a question's word vectors (`project_query` for codes) is the cosine.
    """
    if rows.dtype != np.uint8:
        return rows.astype(np.float32)
    return np.asarray(_level_pairs()[rows].view(np.float32))


def project_query(tokens: Vectors, basis: str = BASIS) -> Vectors:
    """Returns token vectors (n, d) as (n, 96), scaled for the product with dequantized codes."""
    return np.asarray(_project(tokens, basis) * _basis(basis)[1] / STEPS, np.float32)


def _project(tokens: Vectors, basis: str) -> Vectors:
    """Returns unit vectors (n, 96) on the basis."""
    projected = tokens @ _basis(basis)[0]
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    return np.asarray(projected / np.maximum(lengths, 1e-6), np.float32)


@cache
def _basis(name: str) -> tuple[Vectors, Vectors]:
    """Returns the components (d, 96), and their standard deviations (96,) over unit vectors."""
    with files("index.embed").joinpath(name).open("rb") as file:
        scaled = np.load(file).astype(np.float32)  # the length of each is its standard deviation
    deviations = np.linalg.norm(scaled, axis=0)
    return scaled / deviations, deviations


@cache
def _level_pairs() -> npt.NDArray[np.float64]:
    """Returns (256,) the two float32 levels that each byte encodes, viewed as one float64."""
    low, high = np.arange(256) & 15, np.arange(256) >> 4
    pairs = np.stack([low, high], axis=1).astype(np.float32) - 7.5
    return np.ascontiguousarray(pairs).view(np.float64).reshape(256)
