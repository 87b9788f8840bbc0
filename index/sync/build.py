"""Parsed sources and their vectors → the files of one generation, in an empty folder; published."""

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from ..access import rules_of
from ..embed.cache import EmbeddingCache
from ..embed.factory import EmbedSpec, model_name
from ..embed.protocol import ChunkText, ChunkVectors
from ..engine import LIBRARIES as ENGINE_LIBRARIES
from ..formats import EXTRACTION
from ..lance.build import Changes
from ..lance.build import build as build_lance
from ..lance.opened import LanceGeneration
from ..store.generation import Generation
from ..store.manifest import GenerationRef, Manifest, hash_files, link_equal_files, linked_files
from ..store.opened import StoredGeneration
from ..text.analyzer import ANALYZER
from ..text.chunk import CHUNKER, JOINT
from ..text.sanitize import sanitize
from ..text.units import context_spans, under_spans
from ..types import Chunk, Span
from .changes import BuildSource, CarriedSource, CorpusDiff, ParsedSource
from .process import OnEvent, SyncRequest
from .publish import building_folder, next_generation, publish
from .writing.text_index import (
    build_text_index,
    count_drift,
    grow_text_index,
    keys_if_shared,
    term_segments,
)
from .writing.vector_index import build_vector_index, grow_vectors, write_vectors

MAX_HEADING_CHARS = 80
"""Of a title, and of the headings under it, that are embedded beside each of their chunks."""

LIBRARIES = ("llama-index-core", "onnxruntime", "numpy")
"""Whose versions the manifest records, beside the engine's."""


def content_fingerprint(embed: EmbedSpec) -> dict[str, str]:
    """Returns the versions and settings, besides the corpus, that determine the content."""
    return {
        "embed": f"{model_name(embed)}, parts of sentences, headings",
        "chunker": CHUNKER,
        "formats": EXTRACTION,
        "words": ANALYZER,
    }


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """A generation's vector index; `exact`: it compares vectors one by one.

    The chunks of `new_rows` are verified; `drift` is the number of chunks by which it differs from
    the last build of its graph; `is_new`: it is not the last generation's.
    """

    new_rows: Sequence[int]
    drift: int = 0
    exact: bool = False
    is_new: bool = True


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
        if self.request.engine == "lance":
            return self._publish(folder, None, self._build_lance(folder), hash_files(folder))
        build_text_index(folder, self.sources, None)
        return self._publish(folder, None, BuiltIndex(self._parsed_rows()), hash_files(folder))

    def publish_complete(
        self,
        cache: EmbeddingCache,
        embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
        previous: StoredGeneration | None,
        *,
        exact: bool = False,
    ) -> str:
        """Publishes a generation with vectors and returns its name.

        Carried sources are those of `previous`, the last generation; `embeddings` are the vectors
        of all other chunks, each with that of its headings. With `exact` vectors are compared one
        by one.
        """
        folder = self._start(complete=True)
        embedder = cache.fingerprint, cache.dimensions
        if self.request.engine == "lance":
            index = self._build_lance(folder, embeddings, cache.dimensions, previous, exact=exact)
            return self._publish(folder, embedder, index, _hash_and_link(folder, previous))
        assert previous is None or isinstance(previous, Generation)  # the same engine built it
        index = self._build_chroma(folder, embeddings, cache.dimensions, previous, exact=exact)
        return self._publish(folder, embedder, index, _hash_and_link(folder, previous))

    def _build_chroma(
        self,
        folder: Path,
        embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
        dimensions: int,
        previous: Generation | None,
        *,
        exact: bool,
    ) -> BuiltIndex:
        new_rows, keys = self._parsed_rows(), keys_if_shared(self.sources, previous)
        if previous is not None and keys is not None:
            grow_text_index(folder, self.sources, previous, keys)
            grow_vectors(folder, embeddings, previous)
            drift = count_drift(len(new_rows), self.chunks, previous)
            return BuiltIndex(new_rows, drift, previous.info.exact, is_new=False)
        build_text_index(folder, self.sources, previous)
        write_vectors(folder, self.sources, embeddings, previous, dimensions=dimensions)
        build_vector_index(folder, self.sources, previous, exact=exact)
        return BuiltIndex(new_rows, exact=exact and self.chunks > 0)

    def _parsed_rows(self) -> list[int]:
        return [row for s in self.sources if isinstance(s, ParsedSource) for row in s.rows]

    def _build_lance(
        self,
        folder: Path,
        embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]] | None = None,
        dimensions: int = 0,
        previous: StoredGeneration | None = None,
        *,
        exact: bool = False,
    ) -> BuiltIndex:
        assert previous is None or isinstance(previous, LanceGeneration)  # the same engine built it
        changes = Changes(
            previous=previous,
            kept={s.source.id: s.stamp for s in self.sources if isinstance(s, CarriedSource)},
            new=[s for s in self.sources if isinstance(s, ParsedSource)],
            segments_of=term_segments,
            embeddings=embeddings,
            dimensions=dimensions,
        )
        number = int(next_generation(self.request.folder))
        state = build_lance(folder, changes, generation=number, exact=exact)
        first_row = previous.state.next_row if previous else 0
        return BuiltIndex(range(first_row, state.next_row), state.moved, exact)

    def _start(self, *, complete: bool) -> Path:
        self.emit({"event": "build", "chunks": self.chunks, "complete": complete})
        return building_folder(self.request.folder)

    def _publish(
        self,
        folder: Path,
        embedder: tuple[str, int] | None,
        index: BuiltIndex,
        files: Mapping[str, str],
    ) -> str:
        libraries = (*ENGINE_LIBRARIES[self.request.engine], *LIBRARIES)
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
            versions={name: importlib.metadata.version(name) for name in libraries},
            files=files,
            sha256={entry.source.path: entry.source.sha256 for entry in self.sources},
            notes=self.diff.notes,
            drift=index.drift,
            exact=index.exact,
            engine=self.request.engine,
            restricted=any(rules_of(entry.source) for entry in self.sources),
        )
        publish(
            folder,
            self.request.folder,
            manifest,
            new_rows=index.new_rows,
            has_new_index=index.is_new,
            share=self.share,
            on_verified=lambda n, total: self.emit({"event": "verify", "done": n, "total": total}),
        )
        name = manifest.generation
        self.emit({"event": "publish", "generation": name, "complete": manifest.complete})
        return name


def _hash_and_link(folder: Path, previous: StoredGeneration | None) -> dict[str, str]:
    """Returns the hashes of the files built; those equal to the previous ones become links."""
    if previous is None:
        return hash_files(folder)
    older, files = previous.folder, previous.manifest.files
    hashes = hash_files(folder, linked_files(folder, older, files))
    link_equal_files(folder, hashes, older, files)
    return hashes
