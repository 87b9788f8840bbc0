"""Parsed sources and their vectors → the files of one generation, in an empty folder; published."""

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..access import rules_of
from ..embed.cache import EmbeddingCache
from ..embed.factory import EmbedSpec, model_name
from ..embed.protocol import ChunkText, ChunkVectors, WordVectors
from ..formats import EXTRACTION
from ..store.generation import DUPLICATES, VECTORS, Generation
from ..store.manifest import GenerationRef, Manifest, hash_files, link_equal_files, linked_files
from ..store.scoring import save_vectors
from ..store.vectors import build_vectors, change_vectors
from ..text.analyzer import ANALYZER
from ..text.chunk import CHUNKER, JOINT
from ..text.sanitize import sanitize
from ..text.units import context_spans, under_spans
from ..types import Chunk, Span
from .changes import BuildSource, CarriedSource, CorpusDiff, ParsedSource
from .process import OnEvent, SyncRequest
from .publish import building_folder, next_generation, publish
from .text_index import build_text_index

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
    sources: tuple[BuildSource, ...]
    emit: OnEvent
    share: Callable[[GenerationRef], None] = lambda ref: None
    """Publishes a verified generation to other machines."""

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return sum(len(source.rows) for source in self.sources)

    def publish_lexical(self) -> str:
        """Publishes a generation without vectors and returns its name."""
        folder = self._start(complete=False)
        build_text_index(folder, self.sources, None)
        return self._publish(folder, None, VectorIndex(), hash_files(folder))

    def publish_complete(
        self,
        cache: EmbeddingCache,
        embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
        previous: Generation | None,
        *,
        exact: bool = False,
    ) -> str:
        """Publishes a generation with vectors and returns its name.

        Carried sources are copied from `previous`, the last generation; `embeddings` are the
        vectors of all other chunks, each with that of its headings. With `exact` vectors are
        compared one by one.
        """
        folder = self._start(complete=True)
        build_text_index(folder, self.sources, previous)
        vectors = _build_vector_index(
            folder,
            self.sources,
            embeddings,
            dimensions=cache.dimensions,
            previous=previous,
            exact=exact,
        )
        embedder = cache.fingerprint, cache.dimensions
        return self._publish(folder, embedder, vectors, _hash_and_link(folder, previous))

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
            restricted=any(rules_of(entry.source) for entry in self.sources),
        )
        new_rows = [row for s in self.sources if isinstance(s, ParsedSource) for row in s.rows]
        publish(
            folder,
            self.request.folder,
            manifest,
            new_rows=new_rows,
            share=self.share,
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


def _build_vector_index(
    folder: Path,
    sources: Sequence[BuildSource],
    embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
    *,
    dimensions: int,
    previous: Generation | None,
    exact: bool,
) -> VectorIndex:
    """Writes the vectors of chunks (Chroma and chunks.npy), of their headings and their words.

    Those of carried sources come from `previous`, the others from `embeddings`, in order. Without
    `previous` and with `exact`, Chroma's directory is omitted.
    """
    chunks = np.zeros((sum(len(entry.rows) for entry in sources), dimensions), np.float16)
    headings, words, ids = np.zeros_like(chunks), list[WordVectors](), list[str]()
    previous_ids = previous.chunk_ids() if previous else []
    for entry in sources:
        if isinstance(entry, CarriedSource):
            assert previous is not None  # it is carried from there
            if older := entry.previous_rows:
                stored = previous.stored_vectors(older.start, len(older))
                rows = slice(entry.rows.start, entry.rows.stop)
                chunks[rows], headings[rows] = stored.chunks, stored.headings
                words.append(stored.words)
                ids += previous_ids[older.start : older.stop]
            continue
        for chunk in entry.chunks:
            vectors, heading = next(embeddings)
            chunks[chunk.row], headings[chunk.row] = vectors.vector, heading.vector
            words.append(vectors.words)
            ids.append(chunk.id)
    save_vectors(folder, chunks, headings, words)
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

    Vectors are deduplicated: Chroma gets each once, under the smallest id of its chunks, since
    dozens of equal ones cut each other off in its graph, and then none is found. `equal.npy` holds
    the row with that id for each row. It stays the same when sources are added before.
    """
    rows_by_vector: dict[bytes, int] = {}
    first = np.empty(len(ids), np.int64)
    for row in sorted(range(len(ids)), key=ids.__getitem__):
        first[row] = rows_by_vector.setdefault(chunks[row].tobytes(), row)
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
