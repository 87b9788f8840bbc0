"""Parsed sources and their vectors → the files of one generation, in an empty folder."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..embed.protocol import Embedded, Parts, Passage
from ..store.bm25 import TermsBuilder
from ..store.candidates import build_lexical
from ..store.catalog import add_chunks, add_source, add_terms, create_catalog
from ..store.generation import (
    CATALOG,
    CHUNK_VECTORS,
    FIRST_EQUAL,
    LEXICAL,
    PARTS,
    PARTS_FIRST,
    VECTORS,
    Generation,
)
from ..store.vectors import build_vectors, change_vectors
from ..text.analyzer import harmless, terms
from .changes import Parsed

MOST_DRIFT = 0.05
"""The share of ids by which Chroma's directory is changed before it is built anew: what was added
to it since is replayed whenever it is opened (0.6 ms a row)."""


@dataclass(frozen=True, slots=True)
class Store:
    """What finds a generation's vectors: Chroma, or `exact` comparison of all.

    `drift` is by how many ids it differs from what was built anew.
    """

    drift: int = 0
    exact: bool = False


def passages(parsed: Iterable[Parsed]) -> list[Passage]:
    """Returns what the embedder sees of every chunk, by row."""
    return [
        Passage(
            harmless(entry.chunk_text(chunk)),
            tuple((start - chunk.start, end - chunk.start) for start, end in chunk.sentences),
        )
        for entry in parsed
        for chunk in entry.chunks
    ]


def build_text(folder: Path, parsed: Sequence[Parsed], previous: Generation | None) -> None:
    """Writes catalog, term arrays and lexical index: all that needs no vectors.

    The terms of known chunks are taken over from the previous generation.
    """
    builder = TermsBuilder(previous.all_terms() if previous else ())
    for entry in parsed:
        if previous is not None and entry.known is not None:
            builder.take(previous.terms, entry.known, entry.known + len(entry.chunks))
        else:
            for segments in _segments(entry):
                builder.add(segments)
    numbered = builder.build()
    connection = create_catalog(folder / CATALOG)
    try:
        for entry in parsed:
            add_source(connection, entry.source, stamp=entry.stamp, text=entry.text)
            add_chunks(connection, entry.chunks)
        documents = numbered.documents().tolist()
        add_terms(connection, zip(numbered.vocabulary, count(), documents, strict=False))
        connection.commit()
    finally:
        connection.close()
    numbered.save(folder)
    build_lexical(folder / LEXICAL, enumerate(numbered.texts()))


def build_dense(
    folder: Path,
    parsed: Sequence[Parsed],
    embedded: Iterator[Embedded],
    *,
    dimensions: int,
    previous: Generation | None,
    exact: bool,
) -> Store:
    """Writes the vectors of chunks (Chroma and chunks.npy) and of sentences' parts (parts.npy).

    Those of known chunks come from `previous`, the others from `embedded`, in order. Without
    `previous` and with `exact`, Chroma's directory is left out.
    """
    chunks = np.zeros((sum(len(entry.chunks) for entry in parsed), dimensions), np.float16)
    parts: list[Parts | None] = []
    for entry in parsed:
        rows = slice(entry.chunks[0].row, entry.chunks[-1].row + 1) if entry.chunks else slice(0)
        if previous is not None and entry.known is not None:
            chunks[rows], kept = previous.stored_vectors(entry.known, len(entry.chunks))
            parts.append(kept)
            continue
        for chunk in entry.chunks:
            made = next(embedded)
            chunks[chunk.row] = made.vector
            parts.append(made.parts)
    np.save(folder / CHUNK_VECTORS, chunks)
    _save_parts(folder, parts)
    ids = [chunk.id for entry in parsed for chunk in entry.chunks]
    return _build_store(folder, ids, chunks, previous, exact=exact)


def _save_parts(folder: Path, parts: Sequence[Parts | None]) -> None:
    """Writes all passages' parts, and where each sentence's begin; nothing if one has none."""
    made = [part for part in parts if part is not None]
    if made and len(made) == len(parts):
        np.save(folder / PARTS, np.concatenate([part.rows for part in made]))
        counts = np.concatenate([part.counts for part in made])
        np.save(folder / PARTS_FIRST, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]))


def _build_store(
    folder: Path,
    ids: Sequence[str],
    chunks: npt.NDArray[np.float16],
    previous: Generation | None,
    *,
    exact: bool,
) -> Store:
    """Writes Chroma's directory, by changing a copy of the last one where few ids differ.

    Where few differ from a generation that has none, there is none either.

    Chroma gets each vector once, under its first chunk's id: dozens of equal ones cut each other
    off in its graph, and then none is found. `equal.npy` holds each row's first equal one.
    """
    known: dict[bytes, int] = {}
    first = np.array([known.setdefault(v.tobytes(), row) for row, v in enumerate(chunks)], np.int64)
    np.save(folder / FIRST_EQUAL, first)
    if not ids:
        return Store()
    rows = {ids[row]: row for row in np.unique(first).tolist()}
    before = previous.distinct_ids() if previous else set()
    added = [chunk_id for chunk_id in rows if chunk_id not in before]
    gone = sorted(before - rows.keys())
    drift = (previous.manifest.drift if previous else 0) + len(added) + len(gone)
    if previous is None or drift > MOST_DRIFT * len(rows):
        if not exact:
            build_vectors(folder / VECTORS, list(rows), chunks[list(rows.values())])
        return Store(exact=exact)
    if previous.info.exact:
        return Store(drift, exact=True)
    shutil.copytree(previous.folder / VECTORS, folder / VECTORS)
    vectors = chunks[[rows[chunk_id] for chunk_id in added]]
    change_vectors(folder / VECTORS, gone=gone, ids=added, vectors=vectors)
    return Store(drift)


def _segments(entry: Parsed) -> Iterator[list[list[str]]]:
    """Yields each chunk's terms: of its title and headings, then of each sentence."""
    for chunk in entry.chunks:
        context = f"{entry.source.title}\n{chunk.heading or ''}"
        texts = [entry.text[start:end] for start, end in chunk.sentences]
        yield [terms(text) for text in (context, *texts)]
