"""Parsed sources and their vectors → the files of one generation, in an empty folder."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from .catalog import add_chunks, add_source, add_terms, create_catalog
from .embed import Embedded, Passage
from .generation import CATALOG, CHUNK_VECTORS, FIRST_EQUAL, LEXICAL, SENTENCE_VECTORS, VECTORS
from .lexical import build_lexical
from .parse import Parsed
from .terms import TermsBuilder
from .vectors import build_vectors
from .words import harmless, terms


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


def build_text(folder: Path, parsed: Sequence[Parsed]) -> None:
    """Writes catalog, term arrays and lexical index: all that needs no vectors."""
    builder, joined = TermsBuilder(), list[str]()
    connection = create_catalog(folder / CATALOG)
    try:
        for entry in parsed:
            add_source(connection, entry.source, stamp=entry.stamp, text=entry.text)
            add_chunks(connection, entry.chunks)
        for segments in _segments(parsed):
            builder.add(segments)
            joined.append(" ".join(term for segment in segments for term in segment))
        add_terms(connection, builder.vocabulary())
        connection.commit()
    finally:
        connection.close()
    builder.save(folder)
    build_lexical(folder / LEXICAL, enumerate(joined))


def build_dense(
    folder: Path, parsed: Sequence[Parsed], embedded: Iterable[Embedded], *, dimensions: int
) -> None:
    """Writes the vectors of chunks (Chroma and chunks.npy) and of sentences (sentences.npy).

    Chroma gets each vector once, under its first chunk's id: dozens of equal ones cut each other
    off in its graph, and then none is found. `equal.npy` holds each row's first equal one.
    """
    ids = [chunk.id for entry in parsed for chunk in entry.chunks]
    rows = sum(len(chunk.sentences) for entry in parsed for chunk in entry.chunks)
    chunks = np.zeros((len(ids), dimensions), np.float32)
    sentences = np.zeros((rows, dimensions), np.float16)
    has_sentences, cursor = True, 0
    for row, made in enumerate(embedded):
        chunks[row] = made.vector
        if made.sentences is None:
            has_sentences = False
        elif has_sentences:
            sentences[cursor : cursor + len(made.sentences)] = made.sentences
            cursor += len(made.sentences)
    np.save(folder / CHUNK_VECTORS, chunks.astype(np.float16))
    if has_sentences:
        np.save(folder / SENTENCE_VECTORS, sentences)
    known: dict[bytes, int] = {}
    first = np.array([known.setdefault(v.tobytes(), row) for row, v in enumerate(chunks)], np.int64)
    np.save(folder / FIRST_EQUAL, first)
    distinct = np.unique(first)
    if ids:
        build_vectors(folder / VECTORS, [ids[row] for row in distinct], chunks[distinct])


def _segments(parsed: Iterable[Parsed]) -> Iterator[list[list[str]]]:
    """Yields each chunk's terms, by row: of its title and headings, then of each sentence."""
    for entry in parsed:
        for chunk in entry.chunks:
            context = f"{entry.source.title}\n{chunk.heading or ''}"
            texts = [entry.text[start:end] for start, end in chunk.sentences]
            yield [terms(text) for text in (context, *texts)]
