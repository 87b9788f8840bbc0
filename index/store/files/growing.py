"""Arrays of a generation that grow: its first entries in one file, those added later in another.

A generation of few changes has hard links to the first files of the one before, and in `added/`
those with what came since. A chunk keeps its key, the place where its entries are, while its row,
its place among all chunks, moves.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..private_copy import link_file

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

ADDED = "added"
KEYS = "keys.npy"


class GrowingArray:
    """An array (n, …) in one or two files, mapped into memory."""

    def __init__(self, folder: Path, name: str) -> None:
        """Opens the array `name` of a generation; raises OSError or ValueError."""
        path = folder / ADDED / name
        # of the plain class: numpy's memmap runs Python at each access
        self.first: Array = np.asarray(np.load(folder / name, mmap_mode="r"))
        self.added: Array | None = None
        if path.exists():
            self.added = np.asarray(np.load(path, mmap_mode="r"))
        if self.added is not None and self.added.shape[1:] != self.first.shape[1:]:
            raise ValueError(f"{name} has entries of different lengths")

    def __len__(self) -> int:
        """The number of entries."""
        return len(self.first) + (0 if self.added is None else len(self.added))

    def last(self) -> Any:
        """Returns the last entry; raises IndexError if there is none."""
        return (self.first if self.added is None else self.added)[-1]

    def take(self, places: Ints) -> Array:
        """Returns the entries (m, …) at these places."""
        first = self.first
        if self.added is None or not len(places) or places.max() < len(first):
            return np.asarray(first[places])
        entries = np.empty((len(places), *first.shape[1:]), first.dtype)
        is_added = places >= len(first)
        entries[~is_added] = first[places[~is_added]]
        entries[is_added] = self.added[places[is_added] - len(first)]
        return entries

    def span(self, start: int, stop: int) -> Array:
        """Returns the entries from a place to another."""
        count = len(self.first)
        if self.added is None or stop <= count:
            return np.asarray(self.first[start:stop])
        added = self.added[max(start - count, 0) : stop - count]
        if start >= count:
            return np.asarray(added)
        return np.concatenate([self.first[start:], added])


def grow_array(
    folder: Path, previous: Path, name: str, older: GrowingArray, parts: Sequence[Array]
) -> None:
    """Writes an array of the generation `previous` with more entries: the first ones as a link."""
    link_file(previous / name, folder / name)
    added = [] if older.added is None else [older.added]
    arrays = [*added, *(np.asarray(part, older.first.dtype) for part in parts)]
    if any(map(len, arrays)):
        (folder / ADDED).mkdir(exist_ok=True)
        np.save(folder / ADDED / name, np.concatenate(arrays))


class RowKeys:
    """The key of each row, and the row of each key."""

    def __init__(self, keys: npt.NDArray[np.int32], *, count: int) -> None:
        """`count` keys have been given; raises ValueError where `keys` cannot be some of them."""
        if len(keys) and (keys.min() < 0 or keys.max() >= count):
            raise ValueError("a row has a key that was not given")
        self.keys, self.count = keys, count
        self._row_of = np.full(count, -1, np.int32)
        self._row_of[keys] = np.arange(len(keys), dtype=np.int32)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.keys)

    def of(self, rows: Sequence[int] | Ints) -> Ints:
        """Returns the keys of rows."""
        return np.asarray(self.keys[np.asarray(rows, np.int64)], np.int64)

    def rows(self, keys: Sequence[int] | Ints) -> Ints:
        """Returns the rows of keys; −1 for a chunk that is no more."""
        return self._row_of[np.asarray(keys, np.int64)].astype(np.int64)


def load_keys(folder: Path, *, count: int) -> RowKeys:
    """Returns the keys of a generation in which `count` were given: the rows if nothing grew."""
    path = folder / ADDED / KEYS
    keys = np.load(path) if path.exists() else np.arange(count, dtype=np.int32)
    return RowKeys(keys, count=count)


def save_keys(folder: Path, keys: Ints) -> None:
    """Writes the key of each row."""
    (folder / ADDED).mkdir(exist_ok=True)
    np.save(folder / ADDED / KEYS, keys.astype(np.int32))
