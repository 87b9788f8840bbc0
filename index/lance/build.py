"""Sources and vectors → the files of a Lance generation; only what changed is written.

The tables start as hard links to those of the last generation: rows of changed sources are deleted,
new ones appended and indexed in segments of their own. Everything is merged when there are many
segments, or a twentieth of the rows has moved.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..embed.protocol import ChunkVectors
from ..store.private_copy import link_file
from ..types import Chunk, Source
from .opened import LanceGeneration
from .schema import (
    DATASET,
    DETAIL,
    PASSAGES,
    RECORD,
    ROW,
    TERM_NUMBERS,
    TEXTS,
    VECTOR,
    WORDS,
    State,
    pack_detail,
    pack_record,
    pack_terms,
    passage_schema,
    text_schema,
    unpack_terms,
)
from .sources import StoredSource, text_sha256, write_sources
from .tables import (
    EXACT_ROWS,
    append,
    batches_of,
    create_table,
    index_vectors,
    index_words,
    indexed_rows,
    merge_indices,
    new_session,
    open_table,
    settle,
)
from .vocabulary import VocabularyBuilder

MAX_MOVED, MAX_SEGMENTS = 0.05, 8
"""Share of rows, and segments of an index, from which on everything is merged."""
REMOVED_SOURCES, DELETED_TOGETHER = 200, 200

Embeddings = Iterator[tuple[ChunkVectors, ChunkVectors]]
Segments = Iterator[list[list[str]]]


class NewSource(Protocol):
    """A source whose passages are written."""

    @property
    def source(self) -> Source:
        """The source."""

    @property
    def stamp(self) -> str:
        """Its file's stat signature."""

    @property
    def text(self) -> str:
        """Its text."""

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Its passages, in reading order."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a generation consists of.

    `kept` are the ids of the sources of `previous` that it shares, each with its file's stat
    signature now. `segments_of` yields the terms of each passage: those of its context, then of
    each unit. `embeddings` are the vectors of each new passage and of its headings, in order; None
    for a generation without vectors, which have 0 `dimensions`.
    """

    previous: LanceGeneration | None
    kept: Mapping[str, str]
    new: Sequence[NewSource]
    segments_of: Callable[[Any], Segments]
    embeddings: Embeddings | None
    dimensions: int


def build(folder: Path, changes: Changes, *, generation: int, exact: bool = False) -> State:
    """Writes all files of a generation but its manifest into a folder, and returns its state.

    `generation` is its number; with `exact` vectors are compared one by one.
    """
    writer = _Writer(folder, changes)
    passages, texts = writer.write()
    moved = writer.moved
    segments, trained = 1, 0
    if rows := passages.count_rows():
        previous = changes.previous
        merges = moved > MAX_MOVED * rows or (previous and previous.state.segments > MAX_SEGMENTS)
        merge_indices(passages, is_whole=bool(merges))
        moved = 0 if merges else moved
        trained = previous.state.trained if previous else 0
        trained = _build_missing(passages, rows, trained, changes.dimensions if not exact else 0)
        segments = max(count for _, count in indexed_rows(passages).values())
    if len(texts.get_fragments()) > MAX_SEGMENTS:
        merge_indices(texts, is_whole=True)
    state = replace(
        writer.state,
        passages=settle(passages, folder / DATASET / PASSAGES, generation),
        texts=settle(texts, folder / DATASET / TEXTS, generation),
        moved=moved,
        segments=segments,
        trained=trained,
    )
    state.write(folder)
    return state


def _build_missing(passages: Any, rows: int, trained: int, dimensions: int) -> int:
    """Builds indices that are missing, or were trained on much less or more than so many rows.

    Returns on how many rows the vector index is trained now.
    """
    indexed = indexed_rows(passages)
    if WORDS not in indexed:
        index_words(passages)
    if dimensions and rows > EXACT_ROWS and not rows / 2 <= trained <= rows * 2:
        index_vectors(passages, rows)
        return rows
    return trained if VECTOR in indexed else 0


class _Writer:
    """Writes the rows of one generation; `state` and `moved` are what came of it."""

    def __init__(self, folder: Path, changes: Changes) -> None:
        self._folder, self._changes, previous = folder, changes, changes.previous
        self.state = before = previous.state if previous else State()
        self._vocabulary = VocabularyBuilder(
            previous.terms if previous else None, next_number=before.next_term
        )
        stored = previous.source_table.all if previous else ()
        self._removed = [entry for entry in stored if entry.source.id not in changes.kept]
        self._sources = [
            replace(entry, stamp=changes.kept[entry.source.id])
            for entry in stored
            if entry.source.id in changes.kept
        ]
        removed = sum(len(entry.rows) for entry in self._removed)
        added = sum(len(entry.chunks) for entry in changes.new)
        self.moved = before.moved + removed + added if previous else 0

    def write(self) -> tuple[Any, Any]:
        """Writes the rows of both tables, the sources and the vocabulary; returns the tables."""
        self._discount_removed()
        passages, texts = self._write_passages(), self._write_texts()
        write_sources(self._folder, self._sources)
        self._vocabulary.write(self._folder)
        self.state = replace(self.state, next_term=self._vocabulary.next_number)
        return passages, texts

    def _discount_removed(self) -> None:
        """Takes the terms of removed passages from the statistics."""
        previous = self._changes.previous
        rows = [np.arange(entry.rows.start, entry.rows.stop) for entry in self._removed]
        for start in range(0, len(rows), REMOVED_SOURCES):
            assert previous is not None  # it has them
            batch = np.concatenate(rows[start : start + REMOVED_SOURCES])
            packed = previous.passages.take(batch, [TERM_NUMBERS])[TERM_NUMBERS].to_pylist()
            _, numbers = unpack_terms(packed)
            self._vocabulary.remove(numbers)
            self._count_terms(-sum(map(len, numbers)))

    def _count_terms(self, count: int) -> None:
        self.state = replace(self.state, terms=self.state.terms + count)

    def _write_passages(self) -> Any:
        schema = passage_schema(self._changes.dimensions)
        rows = (entry.rows for entry in self._removed if entry.rows)
        removed = [f"{ROW} >= {one.start} AND {ROW} < {one.stop}" for one in rows]
        version = self.state.passages
        return self._write(PASSAGES, version, schema, removed, batches_of(schema, self._rows()))

    def _write_texts(self) -> Any:
        schema = text_schema()
        removed = [f"id = '{entry.source.id}'" for entry in self._removed]
        return self._write(
            TEXTS, self.state.texts, schema, removed, batches_of(schema, self._texts())
        )

    def _write(
        self, name: str, version: int, schema: Any, removed: Sequence[str], batches: Iterator[Any]
    ) -> Any:
        """Returns a table of the last generation with rows removed and added, or a new one."""
        folder, previous = self._folder / DATASET / name, self._changes.previous
        if previous is None:
            return create_table(folder, schema, batches)
        _link_tree(previous.folder / DATASET / name, folder)
        table = open_table(str(folder), version, new_session())
        for start in range(0, len(removed), DELETED_TOGETHER):
            table.delete(
                " OR ".join(f"({one})" for one in removed[start : start + DELETED_TOGETHER])
            )
        return append(table, schema, batches) if self._changes.new else table

    def _rows(self) -> Iterator[dict[str, object]]:
        """Yields the new passages, and notes their sources."""
        row, embeddings = self.state.next_row, self._changes.embeddings
        for entry in self._changes.new:
            first, segments = row, self._changes.segments_of(entry)
            for chunk, terms in zip(entry.chunks, segments, strict=True):
                numbers = self._vocabulary.add(terms)
                self._count_terms(sum(map(len, numbers)))
                yield {
                    ROW: row,
                    RECORD: pack_record(chunk),
                    WORDS: " ".join(term for segment in terms for term in segment),
                    TERM_NUMBERS: pack_terms(numbers),
                } | (self._vectors(*next(embeddings)) if embeddings else {})
                row += 1
            self._note(entry, range(first, row))
        self.state = replace(self.state, next_row=row)

    def _vectors(self, vectors: ChunkVectors, heading: ChunkVectors) -> dict[str, object]:
        rows = vectors.words.rows
        if not self.state.word_dtype:
            self.state = replace(
                self.state, word_dtype=rows.dtype.str, word_width=int(rows.shape[1])
            )
        return {
            VECTOR: vectors.vector.astype(np.float16),
            DETAIL: pack_detail(vectors, heading.vector),
        }

    def _note(self, entry: NewSource, rows: range) -> None:
        text_row = self.state.next_text
        self._sources.append(
            StoredSource(entry.source, entry.stamp, text_row, text_sha256(entry.text), rows)
        )
        self.state = replace(self.state, next_text=text_row + 1)

    def _texts(self) -> Iterator[dict[str, object]]:
        return ({"id": entry.source.id, "text": entry.text} for entry in self._changes.new)


def _link_tree(source: Path, target: Path) -> None:
    """Fills a new folder with hard links to all files below another."""
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            link_file(path, copy)
