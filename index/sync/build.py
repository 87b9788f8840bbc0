"""Parsed sources and their vectors → the files of one generation, in an empty folder; published."""

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from ..access import rules_of
from ..embed.cache import EmbeddingCache
from ..embed.factory import EmbedSpec, model_name
from ..embed.protocol import ChunkText, ChunkVectors
from ..formats import EXTRACTION
from ..store.generation import Generation
from ..store.manifest import GenerationRef, Manifest, hash_files, link_equal_files, linked_files
from ..text.analyzer import ANALYZER
from ..text.chunk import CHUNKER, JOINT
from ..text.sanitize import sanitize
from ..text.units import context_spans, under_spans
from ..types import Chunk, Span
from .changes import BuildSource, CorpusDiff, ParsedSource
from .process import OnEvent, SyncRequest
from .publish import building_folder, next_generation, publish
from .writing.text_index import build_text_index, count_drift, grow_text_index, keys_if_shared
from .writing.vector_index import build_vector_index, grow_vectors, write_vectors

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
        return self._publish(folder, None, hash_files(folder))

    def publish_complete(
        self,
        cache: EmbeddingCache,
        embeddings: Iterator[tuple[ChunkVectors, ChunkVectors]],
        previous: Generation | None,
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
        keys = keys_if_shared(self.sources, previous)
        if previous is not None and keys is not None:
            grow_text_index(folder, self.sources, previous, keys)
            grow_vectors(folder, embeddings, previous)
            return self._publish(folder, embedder, _hash_and_link(folder, previous), grown=previous)
        build_text_index(folder, self.sources, previous)
        size = cache.dimensions
        write_vectors(folder, self.sources, embeddings, previous, dimensions=size)
        build_vector_index(folder, self.sources, previous, exact=exact)
        return self._publish(folder, embedder, _hash_and_link(folder, previous), exact=exact)

    def _start(self, *, complete: bool) -> Path:
        self.emit({"event": "build", "chunks": self.chunks, "complete": complete})
        return building_folder(self.request.folder)

    def _publish(
        self,
        folder: Path,
        embedder: tuple[str, int] | None,
        files: Mapping[str, str],
        *,
        grown: Generation | None = None,
        exact: bool = False,
    ) -> str:
        """Publishes what was built; its vector index is that of `grown`, if given."""
        new_rows = [row for s in self.sources if isinstance(s, ParsedSource) for row in s.rows]
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
            drift=count_drift(len(new_rows), self.chunks, grown) if grown else 0,
            exact=grown.info.exact if grown else exact and self.chunks > 0,
            restricted=any(rules_of(entry.source) for entry in self.sources),
        )
        publish(
            folder,
            self.request.folder,
            manifest,
            new_rows=new_rows,
            has_new_index=grown is None,
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
