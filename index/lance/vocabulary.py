"""The terms of a corpus, their numbers and in how many passages each occurs.

A sync changes few counts: they are written to a file of their own beside the sorted one, which
stays a hard link until a twentieth of it has changed. Numbers are never given again, so passages
that did not change stay as they are.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..store.private_copy import link_file
from .schema import CHANGED_TERMS, TERMS

MAX_CHANGED = 0.05


class _Strings(Sequence[str]):
    """An Arrow array of strings, for bisect."""

    def __init__(self, column: Any) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, place: Any) -> Any:
        return self._column[place].as_py()


class Vocabulary:
    """An open vocabulary, mapped into memory; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sorted_terms = read_table(folder / TERMS)
        self._terms = _Strings(sorted_terms["term"].combine_chunks())
        self.numbers: npt.NDArray[np.int32] = _ints(sorted_terms["number"])
        self._counts = _ints(sorted_terms["documents"])
        changed = read_table(folder / CHANGED_TERMS).to_pydict()
        pairs = zip(changed["number"], changed["documents"], strict=True)
        self.changed: dict[str, tuple[int, int]] = dict(zip(changed["term"], pairs, strict=True))
        """(number, count) of the terms that have changed since the sorted file was written."""

    def get(self, term: str) -> tuple[int, int] | None:
        """Returns number and count of a term, which is 0 when no passage has it any more."""
        if (changed := self.changed.get(term)) is not None:
            return changed
        place = bisect_left(self._terms, term)
        if place == len(self._terms) or self._terms[place] != term:
            return None
        return int(self.numbers[place]), int(self._counts[place])

    def terms_of(self, numbers: Iterable[int]) -> dict[int, str]:
        """Returns the term of each number."""
        wanted = np.array(sorted(numbers), np.int32)
        order = np.argsort(self.numbers, kind="stable")
        places = np.searchsorted(self.numbers, wanted, sorter=order)
        terms = {number: term for term, (number, _) in self.changed.items()}
        for number, place in zip(wanted.tolist(), places.tolist(), strict=True):
            if place < len(order) and self.numbers[order[place]] == number:
                terms[number] = self._terms[int(order[place])]
        return {number: terms[number] for number in wanted.tolist()}

    def counts(self, size: int) -> npt.NDArray[np.int64]:
        """Returns the count (size,) of each number; 0 for one that no term has any more."""
        counts = np.zeros(size, np.int64)
        counts[self.numbers] = self._counts
        for number, count in self.changed.values():
            counts[number] = count
        return counts

    def entries(self) -> dict[str, tuple[int, int]]:
        """Returns number and count of every term that a passage has."""
        pairs = zip(self.numbers.tolist(), self._counts.tolist(), strict=True)
        every = dict(zip(self._terms, pairs, strict=True)) | self.changed
        return {term: entry for term, entry in every.items() if entry[1]}

    def __len__(self) -> int:
        """The number of terms in the sorted file."""
        return len(self._terms)


class VocabularyBuilder:
    """Numbers the terms of new passages and counts them; `previous` is the vocabulary before."""

    def __init__(self, previous: Vocabulary | None, *, next_number: int) -> None:
        self._previous, self.next_number = previous, next_number
        self._changed: dict[str, tuple[int, int]] = {}

    def add(self, segments: Sequence[Sequence[str]]) -> list[list[int]]:
        """Counts a passage and returns the numbers of its terms."""
        terms = {term: self._entry(term) for segment in segments for term in segment}
        for term, (number, count) in terms.items():
            self._changed[term] = number, count + 1
        return [[terms[term][0] for term in segment] for segment in segments]

    def remove(self, passages: Iterable[npt.NDArray[np.int64]]) -> None:
        """Discounts passages with these numbers."""
        unique = [np.unique(numbers) for numbers in passages]
        if not unique:
            return
        assert self._previous is not None  # it has them
        numbers, counts = np.unique(np.concatenate(unique), return_counts=True)
        terms = self._previous.terms_of(numbers.tolist())
        for number, removed in zip(numbers.tolist(), counts.tolist(), strict=True):
            term = terms[number]
            self._changed[term] = number, self._entry(term)[1] - removed

    def _entry(self, term: str) -> tuple[int, int]:
        if (changed := self._changed.get(term)) is not None:
            return changed
        if self._previous is not None and (entry := self._previous.get(term)) is not None:
            return entry
        self.next_number += 1
        return self._changed.setdefault(term, (self.next_number - 1, 0))

    def write(self, folder: Path) -> None:
        """Writes the vocabulary into a generation's folder."""
        previous = self._previous
        changed = {**previous.changed, **self._changed} if previous else self._changed
        if previous is not None and len(changed) <= MAX_CHANGED * len(previous):
            link_file(previous.folder / TERMS, folder / TERMS)
            _write(folder / CHANGED_TERMS, changed)
            return
        every = {**(previous.entries() if previous else {}), **self._changed}
        _write(folder / TERMS, {term: entry for term, entry in every.items() if entry[1]})
        _write(folder / CHANGED_TERMS, {})


def _write(path: Path, entries: dict[str, tuple[int, int]]) -> None:
    import pyarrow as pa

    terms = sorted(entries)
    columns = {
        "term": pa.array(terms, pa.string()),
        "number": pa.array([entries[term][0] for term in terms], pa.int32()),
        "documents": pa.array([entries[term][1] for term in terms], pa.int32()),
    }
    write_table(path, pa.table(columns))


def write_table(path: Path, table: Any) -> None:
    """Writes an Arrow table that `read_table` maps into memory."""
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def read_table(path: Path) -> Any:
    """Returns an Arrow table, mapped into memory; raises OSError, ValueError for another file."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _ints(column: Any) -> npt.NDArray[np.int32]:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), np.int32)
