"""Change detection: corpus files → parsed sources; unchanged ones come from the last generation.

An unchanged file costs a stat; one with a new stat costs a hash; only new content is parsed.
A file that failed to parse and has not changed since is not read again. A file that the disk
cannot read at the moment keeps its previous content.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

from .. import access, corpus
from ..corpus import CorpusFile
from ..errors import SourceUnreadable
from ..sidecar import page_metadata
from ..store.manifest import Manifest
from ..store.opened import StoredGeneration
from ..types import FOLDER_ACCESS, Chunk, Note, Skipped, Source
from .sandbox import ChunkedDocument, Sandbox


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A source whose text and chunks are those of the last generation."""

    source: Source
    stamp: str


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """A source with its text and chunks; `stamp` is its file's stat signature."""

    source: Source
    stamp: str
    text: str
    chunks: tuple[Chunk, ...]

    @property
    def rows(self) -> range:
        """The rows of its chunks."""
        return range(self.chunks[0].row, self.chunks[-1].row + 1) if self.chunks else range(0)


@dataclass(frozen=True, slots=True)
class CarriedSource:
    """An unchanged source whose text and chunks are copied from the last generation unread.

    Its chunks have the rows `rows`, and `previous_rows` there.
    """

    source: Source
    stamp: str
    rows: range
    previous_rows: range


BuildSource = ParsedSource | CarriedSource


@dataclass(frozen=True, slots=True)
class CorpusDiff:
    """The whole corpus as it is now, and how many sources differ from the last generation."""

    entries: tuple[ParsedSource | Unchanged, ...]
    skipped: tuple[Skipped, ...]
    skipped_stamps: Mapping[str, str]
    added: int
    changed: int
    removed: int
    unchanged: int

    def equals(self, manifest: Manifest) -> bool:
        """Returns whether a new generation would have the same content as this complete one."""
        has_changes = self.added or self.changed or self.removed
        return not has_changes and manifest.complete and manifest.skipped == self.skipped

    @property
    def notes(self) -> tuple[Note, ...]:
        """What of the sources was not read as it stands, by path."""
        return _notes(self.entries)

    @property
    def new_notes(self) -> tuple[Note, ...]:
        """The same of the sources that were read now."""
        return _notes(entry for entry in self.entries if isinstance(entry, ParsedSource))

    def load_sources(self, previous: StoredGeneration | None) -> tuple[ParsedSource, ...]:
        """Returns every source with its text, the chunks' rows numbered from 0 across sources."""
        sources: list[ParsedSource] = []
        row = 0
        for entry in self.entries:
            parsed = _load(entry, previous) if isinstance(entry, Unchanged) else entry
            sources.append(_numbered(parsed, row))
            row += len(parsed.chunks)
        return tuple(sources)

    def carry_sources(self, previous: StoredGeneration) -> tuple[BuildSource, ...]:
        """Returns the same, without reading the text and chunks of unchanged sources."""
        sources: list[BuildSource] = []
        row = 0
        for entry in self.entries:
            if isinstance(entry, Unchanged):
                older = previous.source_rows.get(entry.source.id, range(0))
                rows = range(row, row + len(older))
                sources.append(CarriedSource(entry.source, entry.stamp, rows, older))
                row = rows.stop
            else:
                sources.append(_numbered(entry, row))
                row += len(entry.chunks)
        return tuple(sources)


def _numbered(source: ParsedSource, first_row: int) -> ParsedSource:
    """Returns the source with its chunks' rows numbered from `first_row` on."""
    chunks = tuple(replace(c, row=row) for row, c in enumerate(source.chunks, start=first_row))
    return replace(source, chunks=chunks)


def _notes(entries: Iterable[ParsedSource | Unchanged]) -> tuple[Note, ...]:
    sources = [entry.source for entry in entries]
    return tuple(Note(source.path, note) for source in sources for note in source.notes)


def _load(entry: Unchanged, previous: StoredGeneration | None) -> ParsedSource:
    assert previous is not None  # the source is unchanged since then
    source, chunks = entry.source, tuple(previous.source_chunks(entry.source.id))
    return ParsedSource(source, entry.stamp, previous.text(source.id), chunks)


class CorpusReader:
    """Reads a corpus once; `previous` is a generation with the same content rules, or None."""

    def __init__(
        self, root: Path, collection: str, previous: StoredGeneration | None, *, max_file_bytes: int
    ) -> None:
        self._root, self._collection = root, collection
        self._max_file_bytes = max_file_bytes
        self._previous = previous.all_sources() if previous else {}
        self._failed_stamps = dict(previous.manifest.skipped_stamps) if previous else {}
        self._causes = {s.path: s.cause for s in previous.manifest.skipped} if previous else {}
        self._skipped_stamps: dict[str, str] = {}
        self._folder_rules: Mapping[str, Sequence[str]] = {}

    def diff(
        self,
        *,
        formats: tuple[str, ...],
        on_file: Callable[[int, int], None],
        read_files: "ReadFiles | None" = None,
    ) -> CorpusDiff:
        """Reads what has changed; `on_file` receives (done, total); raises CorpusMissing.

        `read_files` reads files elsewhere than in this machine's sandbox.
        """
        self._folder_rules = access.read_folder_rules(self._root)
        files, skipped = corpus.scan(
            self._root, formats=formats, max_file_bytes=self._max_file_bytes
        )
        entries: list[ParsedSource | Unchanged] = []
        done = count(1)

        def add(entry: ParsedSource | Unchanged | Skipped) -> None:
            if isinstance(entry, Skipped):
                skipped.append(entry)
            else:
                entries.append(entry)
            on_file(next(done), len(files))

        with closing((read_files or read_here)(self._new_files(files, add))) as documents:
            for new, document in documents:
                add(self._parsed(new, document))
        entries += self._transiently_unreadable(skipped)
        paths, previous = {entry.source.path for entry in entries}, self._previous.keys()
        parsed = {entry.source.path for entry in entries if isinstance(entry, ParsedSource)}
        return CorpusDiff(
            entries=tuple(sorted(entries, key=lambda entry: entry.source.path)),
            skipped=tuple(sorted(skipped, key=lambda entry: entry.path)),
            skipped_stamps=self._skipped_stamps,
            added=len(paths - previous),
            changed=len(parsed & previous),
            removed=len(previous - paths),
            unchanged=len(paths & previous - parsed),
        )

    def _new_files(
        self, files: Iterable[CorpusFile], add: Callable[[Unchanged | Skipped], None]
    ) -> Iterator["NewFile"]:
        """Yields the files whose content is new; adds the others."""
        for file in files:
            try:
                found = self._look_up(file)
            except SourceUnreadable as error:
                add(Skipped(file.path, error.cause, error.is_transient))
                continue
            if isinstance(found, NewFile):
                yield found
            else:
                add(found)

    def _transiently_unreadable(self, skipped: Sequence[Skipped]) -> Iterator[Unchanged]:
        """Yields the previous content of files and folders that the disk cannot read now."""
        for entry in skipped:
            for path, (source, _) in self._previous.items():
                if entry.passing and (path == entry.path or path.startswith(f"{entry.path}/")):
                    yield Unchanged(source, "")

    def _look_up(self, file: CorpusFile) -> "NewFile | Unchanged":
        if file.stamp and self._failed_stamps.get(file.path) == file.stamp:
            self._skipped_stamps[file.path] = file.stamp
            raise SourceUnreadable(file.path, self._causes[file.path])
        source, stamp = self._previous.get(file.path, (None, ""))
        folders = access.folder_access(file.path, self._folder_rules)
        if source is not None and source.metadata.get(FOLDER_ACCESS, "") != folders:
            source = None  # read again, since other callers may read it now
        if source is not None and file.stamp and stamp == file.stamp:
            return Unchanged(source, stamp)
        data = corpus.read_file(self._root, file, max_file_bytes=self._max_file_bytes)
        sha256 = corpus.sha256(data)
        if source is not None and source.sha256 == sha256:
            return Unchanged(source, file.stamp)
        return NewFile(file, data, sha256, corpus.source_id(self._collection, file.path))

    def _parsed(self, new: "NewFile", document: ChunkedDocument | str) -> ParsedSource | Skipped:
        if isinstance(document, str):
            path = new.file.path
            self._skipped_stamps[path] = new.file.stamp  # unlike a file that could not be read
            return Skipped(path, document)
        page = page_metadata(self._root, new.file.path, new.sha256)
        parsed = _parsed_source(new, document, page)
        folders = access.folder_access(new.file.path, self._folder_rules)
        if not folders:
            return parsed
        metadata = {**parsed.source.metadata, FOLDER_ACCESS: folders}
        return replace(parsed, source=replace(parsed.source, metadata=metadata))


class NewFile(NamedTuple):
    """A file whose content is to be read."""

    file: CorpusFile
    data: bytes
    sha256: str
    source_id: str


ReadFiles = Callable[
    [Iterator[NewFile]], Generator[tuple[NewFile, ChunkedDocument | str], None, None]
]
"""Yields each file with its text and chunks, or why it cannot be read, in any order."""


def read_here(
    files: Iterator[NewFile],
) -> Generator[tuple[NewFile, ChunkedDocument | str], None, None]:
    """Reads the files in a sandbox of this machine, in order."""
    with closing(Sandbox()) as sandbox:
        for new in files:
            try:
                document: ChunkedDocument | str
                document = sandbox.read(new.file.format, new.data, new.source_id)
            except ValueError as error:
                document = str(error)
            yield new, document


def _parsed_source(
    new: NewFile, document: ChunkedDocument, page: Mapping[str, str]
) -> ParsedSource:
    """Returns the source of a document; `page` is what its sidecar says, if it was fetched."""
    file = new.file
    url = {"url": page["url"]} if page else {}
    day = {"date": page["date"]} if "date" in page else {}
    source = Source(
        id=new.source_id,
        path=file.path,
        title=document.title or page.get("title") or Path(file.path).stem.replace("_", " "),
        sha256=new.sha256,
        size=len(new.data),
        mtime_ns=file.mtime_ns,
        length=len(document.text),
        metadata=day | dict(document.metadata) | url,
        notes=document.notes,
    )
    return ParsedSource(source, file.stamp, document.text, document.chunks)
