"""Sources → the catalog, term arrays and candidate index of a generation.

What carried sources have is copied from the last generation; only what is new is analyzed.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from ..store.bm25 import TermArrays, TermIndexBuilder
from ..store.candidates import build_candidate_index, update_candidate_index
from ..store.catalog import add_chunks, add_source, add_terms, copy_sources, create_catalog
from ..store.generation import CANDIDATE_INDEX, CATALOG, Generation
from ..text.analyzer import terms
from ..text.units import under_spans
from .changes import BuildSource, CarriedSource, ParsedSource

MAX_CHANGED = 0.05
"""Share of chunks up to which the candidate index is updated: what is removed from it still counts
in its statistics."""


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
            older = previous.folder / CATALOG
            copy_sources(connection, older, stamps=stamps, shifts=_shifts(carried))
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
    _index_candidates(folder / CANDIDATE_INDEX, sources, term_arrays, previous)


def _collect_terms(sources: Sequence[BuildSource], previous: Generation | None) -> TermArrays:
    if previous is None:
        builder = TermIndexBuilder()
    else:
        older = previous.all_terms(), previous.document_frequencies(), previous.term_index
        builder = TermIndexBuilder(*older)
    for entry in sources:
        if isinstance(entry, ParsedSource):
            for segments in _segments(entry):
                builder.add(segments)
        elif entry.rows:
            builder.copy_rows(entry.previous_rows.start, len(entry.rows))
    return builder.build()


def _segments(entry: ParsedSource) -> Iterator[list[list[str]]]:
    """Yields each chunk's terms: of its title and headings, then of each unit in its context."""
    for chunk in entry.chunks:
        context = f"{entry.source.title}\n{chunk.heading or ''}"
        spans = [(*under_spans(unit), (unit.start, unit.end)) for unit in chunk.units]
        texts = ["\n".join(entry.text[a:b] for a, b in unit) for unit in spans]
        yield [terms(text) for text in (context, *texts)]


def _shifts(carried: Sequence[CarriedSource]) -> Iterator[tuple[range, int]]:
    """Yields runs of rows in the last generation and how far they move, neighbours joined."""
    run, shift = range(0), 0
    for entry in carried:
        older, moved = entry.previous_rows, entry.rows.start - entry.previous_rows.start
        if run and older and moved == shift and older.start == run.stop:
            run = range(run.start, older.stop)
        elif older:
            if run:
                yield run, shift
            run, shift = older, moved
    if run:
        yield run, shift


def _index_candidates(
    folder: Path,
    sources: Sequence[BuildSource],
    term_arrays: TermArrays,
    previous: Generation | None,
) -> None:
    """Builds the candidate index, or updates the last one where little has changed since."""
    copied = np.full(len(term_arrays.first_segments) - 1, -1, np.int64)
    for entry in sources:
        if isinstance(entry, CarriedSource):
            copied[entry.rows.start : entry.rows.stop] = entry.previous_rows
    new = np.flatnonzero(copied < 0)
    if previous is not None:
        changed = previous.candidate_keys - previous.info.chunks + len(new)
        if changed <= MAX_CHANGED * len(copied):
            older, texts = previous.folder / CANDIDATE_INDEX, term_arrays.texts(new.tolist())
            update_candidate_index(older, folder, copied=copied, texts=texts)
            return
    build_candidate_index(folder, term_arrays.texts(range(len(copied))))
