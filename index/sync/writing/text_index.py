"""Sources → the catalog, term arrays and candidate index of a generation.

What carried sources have is copied from the last generation, or shared with it where little has
changed; only what is new is analyzed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...store.bm25 import FIRST_SEGMENTS, NUMBERS, SEGMENT_STARTS, TermArrays, TermIndexBuilder
from ...store.candidates import build_candidate_index, update_candidate_index
from ...store.files.growing import grow_array, save_keys
from ...store.generation import CANDIDATE_INDEX, CATALOG, Generation
from ...text.analyzer import terms
from ...text.units import under_spans
from ...types import Chunk
from ..changes import BuildSource, CarriedSource, ParsedSource
from .catalog import (
    add_chunks,
    add_source,
    add_terms,
    change_documents,
    copy_catalog,
    copy_sources,
    create_catalog,
    remove_other_sources,
)

MAX_CHANGED = 0.05
"""Share of chunks up to which arrays and candidate index are those of the last generation, with
what was added since: what is removed from the index still counts in its statistics."""

Ints = npt.NDArray[np.int64]
Segments = list[list[str]]


def keys_if_shared(sources: Sequence[BuildSource], previous: Generation | None) -> Ints | None:
    """Returns each row's key in the arrays of `previous`, grown by what is new.

    None where there is no `previous` or too much has changed: then all of it is written again.
    """
    if previous is None or not previous.arrays.are_complete:
        return None
    older, copied = previous.keys, _copied_rows(sources)
    is_new = copied < 0
    new = np.count_nonzero(is_new)
    keys = np.empty(len(copied), np.int64)
    keys[~is_new] = older.of(copied[~is_new])
    keys[is_new] = older.count + np.arange(new)
    given = older.count + new
    added, removed = given - previous.first_keys, given - len(keys)
    removed_candidates = previous.candidate_keys + new - len(keys)
    is_small = max(added, removed, removed_candidates) <= MAX_CHANGED * len(keys)
    return keys if is_small else None


def count_drift(new: int, chunks: int, previous: Generation) -> int:
    """Returns how many chunks the vector index of `previous` lacks or has too much."""
    given = previous.keys.count + new
    return (given - previous.first_keys) + (given - chunks)


def _copied_rows(sources: Sequence[BuildSource]) -> Ints:
    """Returns each row's row in the last generation; −1 for a new chunk."""
    copied = np.full(sum(len(entry.rows) for entry in sources), -1, np.int64)
    for entry in sources:
        if isinstance(entry, CarriedSource):
            copied[entry.rows.start : entry.rows.stop] = entry.previous_rows
    return copied


def build_text_index(
    folder: Path, sources: Sequence[BuildSource], previous: Generation | None
) -> None:
    """Writes all that needs no vectors; carried sources are those of `previous`."""
    term_arrays = _collect_terms(sources, previous)
    carried = [entry for entry in sources if isinstance(entry, CarriedSource)]
    connection = create_catalog(folder / CATALOG)
    try:
        if carried:
            assert previous is not None  # they are carried from there
            stamps = ((entry.source.id, entry.stamp) for entry in carried)
            older, shifts = previous.folder / CATALOG, _shifts(carried, previous)
            copy_sources(connection, older, stamps=stamps, shifts=shifts)
        for entry in sources:
            if isinstance(entry, ParsedSource):
                add_source(connection, entry.source, stamp=entry.stamp, text=entry.text)
                add_chunks(connection, entry.chunks)
        frequencies = term_arrays.document_frequencies.tolist()
        add_terms(connection, zip(term_arrays.vocabulary, count(), frequencies, strict=False))
        connection.commit()
    finally:
        connection.close()
    term_arrays.save(folder)
    _index_candidates(folder / CANDIDATE_INDEX, _copied_rows(sources), term_arrays, previous)


def _collect_terms(sources: Sequence[BuildSource], previous: Generation | None) -> TermArrays:
    if previous is None:
        builder = TermIndexBuilder()
    else:
        builder = TermIndexBuilder(*previous.numbered_terms(), previous.term_index)
    for entry in sources:
        if isinstance(entry, ParsedSource):
            for segments in term_segments(entry):
                builder.add(segments)
        elif entry.rows:
            builder.copy_rows(entry.previous_rows.start, len(entry.rows))
    return builder.build()


def term_segments(entry: ParsedSource) -> Iterator[Segments]:
    """Yields each chunk's terms: of its title and headings, then of each unit in its context."""
    for chunk in entry.chunks:
        context = f"{entry.source.title}\n{chunk.heading or ''}"
        spans = [(*under_spans(unit), (unit.start, unit.end)) for unit in chunk.units]
        texts = ["\n".join(entry.text[a:b] for a, b in unit) for unit in spans]
        yield [terms(text) for text in (context, *texts)]


def _shifts(carried: Sequence[CarriedSource], previous: Generation) -> Iterator[tuple[range, int]]:
    """Yields runs of keys in the last generation and how far they move to their rows."""
    run, shift = range(0), 0
    for entry in carried:
        if not entry.rows:
            continue
        key = int(previous.keys.of([entry.previous_rows.start])[0])
        older, moved = range(key, key + len(entry.rows)), entry.rows.start - key
        if run and moved == shift and older.start == run.stop:
            run = range(run.start, older.stop)
        else:
            if run:
                yield run, shift
            run, shift = older, moved
    if run:
        yield run, shift


def _index_candidates(
    folder: Path, copied: Ints, term_arrays: TermArrays, previous: Generation | None
) -> None:
    """Builds the candidate index, or updates the last one where little has changed since."""
    new = np.flatnonzero(copied < 0)
    if previous is not None:
        changed = previous.candidate_keys - previous.info.chunks + len(new)
        if changed <= MAX_CHANGED * len(copied):
            older, texts = previous.folder / CANDIDATE_INDEX, term_arrays.texts(new.tolist())
            update_candidate_index(older, folder, copied=copied, texts=texts)
            return
    build_candidate_index(folder, term_arrays.texts(range(len(copied))))


# --- little has changed


def grow_text_index(
    folder: Path, sources: Sequence[BuildSource], previous: Generation, keys: Ints
) -> None:
    """Writes the same with the arrays of `previous` as links, and beside them what is new.

    `keys` are those of `keys_if_shared`.
    """
    parsed = [entry for entry in sources if isinstance(entry, ParsedSource)]
    chunks = [segments for entry in parsed for segments in term_segments(entry)]
    copied, numbers = _copied_rows(sources), _number_terms(chunks, previous)
    changes = _count_changes(chunks, numbers, copied, previous)
    connection = copy_catalog(previous.folder / CATALOG, folder / CATALOG)
    try:
        carried = [entry for entry in sources if isinstance(entry, CarriedSource)]
        remove_other_sources(connection, {entry.source.id: entry.stamp for entry in carried})
        for entry in parsed:
            add_source(connection, entry.source, stamp=entry.stamp, text=entry.text)
            add_chunks(connection, _with_keys(entry.chunks, keys))
        change_documents(connection, changes)
        new = ((t, n, changes[n]) for t, n in numbers.items() if n >= previous.vocabulary_size)
        add_terms(connection, new)
        connection.commit()
    finally:
        connection.close()
    _grow_terms(folder, previous, chunks, numbers)
    if not np.array_equal(keys, np.arange(previous.first_keys)):
        save_keys(folder, keys)
    texts = (" ".join(chain.from_iterable(segments)) for segments in chunks)
    older = previous.folder / CANDIDATE_INDEX
    update_candidate_index(older, folder / CANDIDATE_INDEX, copied=copied, texts=texts)


def _with_keys(chunks: Sequence[Chunk], keys: Ints) -> Iterator[Chunk]:
    """Yields the chunks as the catalog has them, with their keys."""
    for chunk in chunks:
        yield replace(chunk, row=int(keys[chunk.row]))


def _number_terms(chunks: Sequence[Segments], previous: Generation) -> dict[str, int]:
    """Returns the number of each term of new chunks: that of `previous`, or the next one."""
    distinct = dict.fromkeys(
        term for segments in chunks for segment in segments for term in segment
    )
    known = previous.vocabulary(list(distinct))
    new = (term for term in distinct if term not in known)
    numbers = {term: number for term, (number, _) in known.items()}
    return numbers | dict(zip(new, count(previous.vocabulary_size), strict=False))


def _count_changes(
    chunks: Sequence[Segments], numbers: Mapping[str, int], copied: Ints, previous: Generation
) -> Counter[int]:
    """Returns by how much the document frequency of each term, by number, changes."""
    changes = Counter[int]()
    for segments in chunks:
        changes.update({numbers[term] for segment in segments for term in segment})
    for row in np.setdiff1d(np.arange(previous.info.chunks), copied).tolist():
        changes.subtract(set(previous.term_index.numbers_of(row).tolist()))
    return changes


def _grow_terms(
    folder: Path, previous: Generation, chunks: Sequence[Segments], numbers: Mapping[str, int]
) -> None:
    """Links the term arrays of `previous`, and writes what was added to them."""
    older = previous.term_index
    added = [numbers[term] for segments in chunks for segment in segments for term in segment]
    lengths = [len(segment) for segments in chunks for segment in segments]
    counts = [len(segments) for segments in chunks]
    grow_array(folder, previous.folder, NUMBERS, older.numbers, [np.array(added, np.int32)])
    for name, array, sizes in (
        (SEGMENT_STARTS, older.segment_starts, lengths),
        (FIRST_SEGMENTS, older.first_segments, counts),
    ):
        ends = array.last() + np.cumsum(sizes, dtype=np.int64)
        grow_array(folder, previous.folder, name, array, [ends])
