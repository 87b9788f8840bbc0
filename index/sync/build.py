"""Parsed sources and their vectors → the files of one generation, in an empty folder; published."""

import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..embed.cache import EmbeddingCache
from ..embed.factory import EmbedSpec, model_name
from ..embed.protocol import ChunkText, ChunkVectors, WordVectors
from ..formats import EXTRACTION
from ..store.bm25 import TermIndexBuilder
from ..store.candidates import build_candidate_index
from ..store.catalog import add_chunks, add_source, add_terms, create_catalog
from ..store.generation import CANDIDATE_INDEX, CATALOG, DUPLICATES, VECTORS, Generation
from ..store.manifest import Manifest, hash_files, link_equal_files, linked_files
from ..store.scoring import save_vectors
from ..store.vectors import build_vectors, change_vectors
from ..text.analyzer import ANALYZER, terms
from ..text.chunk import CHUNKER, JOINT
from ..text.sanitize import sanitize
from ..text.units import context_spans, under_spans
from ..types import Chunk, Span
from .changes import CorpusDiff, ParsedSource
from .process import OnEvent, SyncRequest
from .publish import building_folder, next_generation, publish

MAX_DRIFT = 0.05
"""Share of ids by which Chroma's directory is updated in place of a rebuild: what was added since
the build is replayed whenever it is opened (0.6 ms a row)."""

MAX_HEADING_CHARS = 80
"""Of a title, and of the headings under it, that are embedded beside each of their chunks."""

LIBRARIES = ("chromadb", "tantivy", "llama-index-core", "onnxruntime", "numpy")
"""Whose versions the manifest records."""


def content_fingerprint(embed: EmbedSpec) -> dict[str, str]:
    """Returns the versions and settings, besides the corpus, that determine the content."""
    return {
        "embed": f"{model_name(embed)}, parts of sentences, headings",
        "chunker": CHUNKER,
        "formats": EXTRACTION,
        "words": ANALYZER,
    }


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """How a generation's vectors are searched: by Chroma, or by `exact` comparison with all.

    `drift` is the number of ids by which Chroma's directory differs from the last rebuild.
    """

    drift: int = 0
    exact: bool = False


def embedding_inputs(sources: Iterable[ParsedSource]) -> list[ChunkText]:
    """Returns the embedder's input for every chunk, by row."""
    return [_embedding_input(source.text, chunk) for source in sources for chunk in source.chunks]


def heading_inputs(sources: Iterable[ParsedSource]) -> list[ChunkText]:
    """Returns the embedder's input for what every chunk stands under: its title and headings."""
    return [
        ChunkText(_heading_line(source.source.title, chunk.heading), ())
        for source in sources
        for chunk in source.chunks
    ]


def _heading_line(title: str, heading: str | None) -> str:
    """Returns the title and the innermost headings, each up to MAX_HEADING_CHARS."""
    path = (heading or "").removeprefix(title).removeprefix(JOINT)
    parts = (title[:MAX_HEADING_CHARS], path[-MAX_HEADING_CHARS:])
    return sanitize(JOINT.join(part for part in parts if part))


def _embedding_input(text: str, chunk: Chunk) -> ChunkText:
    """Returns the chunk's text, headed by what its units stand under outside of it."""
    context = context_spans(chunk.units, chunk.start, chunk.end)
    lines = [text[start:end] for start, end in context]
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    place_of = dict(zip(context, starts, strict=False))

    def place(span: Span) -> Span | None:
        offset = place_of.get(span)
        if offset is not None:
            return offset, offset + span[1] - span[0]
        offset = starts[-1] - chunk.start
        is_inside = chunk.start <= span[0] and span[1] <= chunk.end
        return (span[0] + offset, span[1] + offset) if is_inside else None

    units = (
        tuple(p for span in (*under_spans(u), (u.start, u.end)) if (p := place(span)))
        for u in chunk.units
    )
    whole = "\n".join([*lines, text[chunk.start : chunk.end]])
    return ChunkText(sanitize(whole), tuple(units))


@dataclass(frozen=True, slots=True)
class GenerationBuilder:
    """Builds and publishes generations of one state of the corpus, with vectors or without."""

    request: SyncRequest
    diff: CorpusDiff
    sources: tuple[ParsedSource, ...]
    emit: OnEvent

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return sum(len(source.chunks) for source in self.sources)

    def publish_lexical(self) -> str:
        """Publishes a generation without vectors and returns its name."""
        folder = self._start(complete=False)
        _build_text_index(folder, self.sources, None)
        return self._publish(folder, None, VectorIndex(), hash_files(folder))

    def publish_complete(
        self,
        cache: EmbeddingCache,
        embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
        reusable: Generation | None,
        embedded: Generation | None,
        *,
        exact: bool = False,
    ) -> str:
        """Publishes a generation with vectors and returns its name.

        Terms are copied from `reusable`, vectors from `embedded`, each the last generation or
        None; `embeddings` are those of all other chunks, each with that of its headings. With
        `exact` vectors are compared one by one.
        """
        folder = self._start(complete=True)
        _build_text_index(folder, self.sources, reusable)
        vectors = _build_vector_index(
            folder,
            self.sources,
            embeddings,
            dimensions=cache.dimensions,
            previous=embedded,
            exact=exact,
        )
        embedder = cache.fingerprint, cache.dimensions
        return self._publish(folder, embedder, vectors, _hash_and_link(folder, reusable))

    def _start(self, *, complete: bool) -> Path:
        self.emit({"event": "build", "chunks": self.chunks, "complete": complete})
        return building_folder(self.request.folder)

    def _publish(
        self,
        folder: Path,
        embedder: tuple[str, int] | None,
        vectors: VectorIndex,
        files: Mapping[str, str],
    ) -> str:
        manifest = Manifest(
            generation=next_generation(self.request.folder),
            collection=self.request.collection,
            corpus=str(self.request.corpus),
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            complete=embedder is not None,
            fingerprint=content_fingerprint(self.request.embed),
            embedder=embedder[0] if embedder else "",
            dimensions=embedder[1] if embedder else 0,
            sources=len(self.sources),
            chunks=self.chunks,
            skipped=self.diff.skipped,
            skipped_stamps=self.diff.skipped_stamps,
            versions={library: importlib.metadata.version(library) for library in LIBRARIES},
            files=files,
            sha256={entry.source.path: entry.source.sha256 for entry in self.sources},
            notes=self.diff.notes,
            drift=vectors.drift,
            exact=vectors.exact,
        )
        new_rows = [c.row for s in self.sources if s.previous_row is None for c in s.chunks]
        publish(
            folder,
            self.request.folder,
            manifest,
            new_rows=new_rows,
            on_verified=lambda n, total: self.emit({"event": "verify", "done": n, "total": total}),
        )
        name = manifest.generation
        self.emit({"event": "publish", "generation": name, "complete": manifest.complete})
        return name


def _hash_and_link(folder: Path, previous: Generation | None) -> dict[str, str]:
    """Returns the hashes of the files built; those equal to the previous ones become links."""
    if previous is None:
        return hash_files(folder)
    older, files = previous.folder, previous.manifest.files
    hashes = hash_files(folder, linked_files(folder, older, files))
    link_equal_files(folder, hashes, older, files)
    return hashes


def _build_text_index(
    folder: Path, sources: Sequence[ParsedSource], previous: Generation | None
) -> None:
    """Writes catalog, term arrays and lexical index: all that needs no vectors.

    The terms of unchanged chunks are copied from the previous generation.
    """
    builder = TermIndexBuilder(previous.all_terms() if previous else ())
    for entry in sources:
        if previous is not None and entry.previous_row is not None:
            builder.copy_rows(previous.term_index, entry.previous_row, len(entry.chunks))
        else:
            for segments in _segments(entry):
                builder.add(segments)
    term_arrays = builder.build()
    connection = create_catalog(folder / CATALOG)
    try:
        for entry in sources:
            add_source(connection, entry.source, stamp=entry.stamp, text=entry.text)
            add_chunks(connection, entry.chunks)
        frequencies = term_arrays.document_frequencies().tolist()
        add_terms(connection, zip(term_arrays.vocabulary, count(), frequencies, strict=False))
        connection.commit()
    finally:
        connection.close()
    term_arrays.save(folder)
    build_candidate_index(folder / CANDIDATE_INDEX, enumerate(term_arrays.texts()))


def _build_vector_index(
    folder: Path,
    sources: Sequence[ParsedSource],
    embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
    *,
    dimensions: int,
    previous: Generation | None,
    exact: bool,
) -> VectorIndex:
    """Writes the vectors of chunks (Chroma and chunks.npy), of their headings and their words.

    Those of unchanged chunks come from `previous`, the others from `embeddings`, in order. Without
    `previous` and with `exact`, Chroma's directory is omitted.
    """
    chunks = np.zeros((sum(len(entry.chunks) for entry in sources), dimensions), np.float16)
    headings, words = np.zeros_like(chunks), list[WordVectors]()
    for entry in sources:
        rows = slice(entry.chunks[0].row, entry.chunks[-1].row + 1) if entry.chunks else slice(0)
        if previous is not None and entry.previous_row is not None:
            stored = previous.stored_vectors(entry.previous_row, len(entry.chunks))
            chunks[rows], headings[rows] = stored.chunks, stored.headings
            words.append(stored.words)
            continue
        for chunk in entry.chunks:
            vectors, heading = next(embeddings)
            chunks[chunk.row], headings[chunk.row] = vectors.vector, heading.vector
            words.append(vectors.words)
    save_vectors(folder, chunks, headings, words)
    ids = [chunk.id for entry in sources for chunk in entry.chunks]
    return _build_chroma(folder, ids, chunks, previous, exact=exact)


def _build_chroma(
    folder: Path,
    ids: Sequence[str],
    chunks: npt.NDArray[np.float16],
    previous: Generation | None,
    *,
    exact: bool,
) -> VectorIndex:
    """Writes Chroma's directory, by updating a copy of the last one where few ids differ.

    Where few differ from a generation without a directory, none is written either.

    Vectors are deduplicated: Chroma gets each once, under its first chunk's id, since dozens of
    equal ones cut each other off in its graph, and then none is found. `equal.npy` holds each
    row's first equal row.
    """
    rows_by_vector: dict[bytes, int] = {}
    first = np.array(
        [rows_by_vector.setdefault(v.tobytes(), row) for row, v in enumerate(chunks)], np.int64
    )
    np.save(folder / DUPLICATES, first)
    if not ids:
        return VectorIndex()
    rows = {ids[row]: row for row in np.unique(first).tolist()}
    previous_ids = previous.distinct_ids() if previous else set()
    added = [chunk_id for chunk_id in rows if chunk_id not in previous_ids]
    removed = sorted(previous_ids - rows.keys())
    drift = (previous.manifest.drift if previous else 0) + len(added) + len(removed)
    if previous is None or drift > MAX_DRIFT * len(rows):
        if not exact:
            build_vectors(folder / VECTORS, list(rows), chunks[list(rows.values())])
        return VectorIndex(exact=exact)
    if previous.info.exact:
        return VectorIndex(drift, exact=True)
    change_vectors(
        previous.folder / VECTORS,
        folder / VECTORS,
        removed=removed,
        ids=added,
        vectors=chunks[[rows[chunk_id] for chunk_id in added]],
    )
    return VectorIndex(drift)


def _segments(entry: ParsedSource) -> Iterator[list[list[str]]]:
    """Yields each chunk's terms: of its title and headings, then of each unit in its context."""
    for chunk in entry.chunks:
        context = f"{entry.source.title}\n{chunk.heading or ''}"
        spans = [(*under_spans(unit), (unit.start, unit.end)) for unit in chunk.units]
        texts = ["\n".join(entry.text[a:b] for a, b in unit) for unit in spans]
        yield [terms(text) for text in (context, *texts)]
