"""Files of the corpus → parsed sources; what is unchanged comes from the last generation.

An unchanged file costs a stat; one whose stat moved costs a hash; only other content is parsed.
A file that could not be understood before and has not changed since is not read again. One that
the disk does not let us read now stays as it was.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from .. import corpus
from ..corpus import Found
from ..embed.minilm import count_tokens
from ..errors import SourceUnreadable
from ..formats.sandbox import Extraction
from ..store.generation import Generation
from ..store.manifest import Manifest
from ..text.chunk import chunk
from ..types import Chunk, Document, Skipped, Source


@dataclass(frozen=True, slots=True)
class Kept:
    """A source whose text and chunks are those of the last generation."""

    source: Source
    stamp: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source with its text and chunks; `stamp` is its file's stat signature.

    `known` is the row at which these same chunks begin in the last generation, where it has them.
    """

    source: Source
    stamp: str
    text: str
    chunks: tuple[Chunk, ...]
    known: int | None = None

    def chunk_text(self, chunk: Chunk) -> str:
        """Returns the chunk's text."""
        return self.text[chunk.start : chunk.end]


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole corpus as it is now, and how it differs from the last generation."""

    entries: tuple[Parsed | Kept, ...]
    skipped: tuple[Skipped, ...]
    skipped_stamps: Mapping[str, str]
    added: int
    changed: int
    removed: int
    unchanged: int

    def equals(self, manifest: Manifest) -> bool:
        """Would a generation of this hold just what that one does?"""
        moved = self.added or self.changed or self.removed
        return not moved and manifest.complete and manifest.skipped == self.skipped

    def loaded(self, previous: Generation | None) -> tuple[Parsed, ...]:
        """Returns every source with its text, its chunks' rows counted through from 0."""
        result: list[Parsed] = []
        row = 0
        for entry in self.entries:
            parsed = _loaded(entry, previous) if isinstance(entry, Kept) else entry
            chunks = tuple(replace(c, row=row + n) for n, c in enumerate(parsed.chunks))
            result.append(replace(parsed, chunks=chunks))
            row += len(chunks)
        return tuple(result)


def _loaded(kept: Kept, previous: Generation | None) -> Parsed:
    assert previous is not None  # it is what a source is kept from
    chunks = tuple(previous.source_chunks(kept.source.id))
    text = previous.text(kept.source.id)
    return Parsed(kept.source, kept.stamp, text, chunks, known=chunks[0].row if chunks else None)


class Reader:
    """Reads a corpus once. `previous` is a generation made by the same rules, or None."""

    def __init__(
        self, root: Path, collection: str, previous: Generation | None, *, max_file_bytes: int
    ) -> None:
        self._root, self._collection = root, collection
        self._max_file_bytes = max_file_bytes
        self._known = previous.all_sources() if previous else {}
        self._bad = dict(previous.manifest.skipped_stamps) if previous else {}
        self._causes = {s.path: s.cause for s in previous.manifest.skipped} if previous else {}
        self._entries: list[Parsed | Kept] = []
        self._skipped: list[Skipped] = []
        self._skipped_stamps: dict[str, str] = {}
        self._changed = 0
        self._extraction = Extraction()

    def survey(self, *, formats: tuple[str, ...], on_file: Callable[[int, int], None]) -> Survey:
        """Reads what has to be read; `on_file` hears (done, total); raises CorpusMissing."""
        found, skipped = corpus.scan(
            self._root, formats=formats, max_file_bytes=self._max_file_bytes
        )
        with closing(self._extraction):
            for done, file in enumerate(found, start=1):
                try:
                    self._take(file)
                except SourceUnreadable as error:
                    self._skipped.append(Skipped(file.path, error.cause, error.passing))
                on_file(done, len(found))
        self._skipped += skipped
        self._keep()
        paths = {entry.source.path for entry in self._entries}
        known = self._known.keys()
        return Survey(
            entries=tuple(sorted(self._entries, key=lambda entry: entry.source.path)),
            skipped=tuple(sorted(self._skipped, key=lambda entry: entry.path)),
            skipped_stamps=self._skipped_stamps,
            added=len(paths - known),
            changed=self._changed,
            removed=len(known - paths),
            unchanged=len(paths & known) - self._changed,
        )

    def _keep(self) -> None:
        """Keeps what was known of files and folders that the disk did not let us read."""
        for entry in self._skipped:
            for path, (source, _) in self._known.items():
                if entry.passing and (path == entry.path or path.startswith(f"{entry.path}/")):
                    self._entries.append(Kept(source, ""))

    def _take(self, file: Found) -> None:
        if file.stamp and self._bad.get(file.path) == file.stamp:
            self._skipped_stamps[file.path] = file.stamp
            raise SourceUnreadable(file.path, self._causes[file.path])
        source, stamp = self._known.get(file.path, (None, ""))
        if source is not None and file.stamp and stamp == file.stamp:
            self._entries.append(Kept(source, stamp))
            return
        data = corpus.read(self._root, file, max_file_bytes=self._max_file_bytes)
        sha256 = corpus.sha256(data)
        if source is not None and source.sha256 == sha256:
            self._entries.append(Kept(source, file.stamp))
            return
        try:
            document = self._document(file, data)
            parsed = parse(file, document, len(data), sha256, collection=self._collection)
        except SourceUnreadable:
            self._skipped_stamps[file.path] = file.stamp  # unlike a file that could not be read
            raise
        self._entries.append(parsed)
        self._changed += source is not None

    def _document(self, file: Found, data: bytes) -> Document:
        try:
            return self._extraction.document(file.format, data)
        except ValueError as error:
            raise SourceUnreadable(file.path, str(error)) from error


def parse(file: Found, document: Document, size: int, sha256: str, *, collection: str) -> Parsed:
    """Returns a file's document as a source with chunks; raises SourceUnreadable."""
    if not document.blocks:
        raise SourceUnreadable(file.path, "holds no text")
    source = Source(
        id=corpus.source_id(collection, file.path),
        path=file.path,
        title=document.title or Path(file.path).stem.replace("_", " "),
        sha256=sha256,
        size=size,
        mtime_ns=file.mtime_ns,
        length=len(document.text),
        metadata=document.metadata,
    )
    chunks = chunk(document, source.id, count_tokens=count_tokens)
    return Parsed(source, file.stamp, document.text, tuple(chunks))
