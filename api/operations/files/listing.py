"""The files of a collection: indexed, left out, and waiting for a sync, in one list by path.

Indexed files come page by page from the generation. What lies in the folder is compared with it by
stat, and by its bytes where only its times differ; that walk is kept for ten times as long as it
took.
"""

import heapq
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from index import corpus
from index.corpus import CorpusFile
from index.errors import IndexingError
from index.store.opened import OpenGeneration
from index.types import Source

State = Literal["indexed", "skipped", "waiting"]
Times = tuple[int, int]
"""A file's size and its time of change in nanoseconds."""

BATCH = 500
MIN_AGE_S = 0.5
AGE_PER_WALK = 10.0
"""A walk is kept for so many times its duration, so that lists cost a tenth of a core at most."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file; `source` is what it is in the index, `size` and `mtime_ns` are None if unknown."""

    path: str
    state: State
    cause: str | None = None
    source: Source | None = None
    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class FolderState:
    """What of a folder is not in the index as it lies there, by path."""

    waiting: Mapping[str, ListedFile] = field(default_factory=dict)
    skipped: Mapping[str, ListedFile] = field(default_factory=dict)
    changed: int = 0
    """Those of the waiting that are indexed as they were before."""


def read_folder(
    root: Path,
    generation: OpenGeneration | None,
    *,
    formats: tuple[str, ...],
    max_file_bytes: int,
    equal: dict[str, Times],
) -> FolderState:
    """Returns how a folder differs from the generation; without a folder, what was left out.

    `equal` are files that were read and found to be as indexed in spite of their times; those
    found now are added.
    """
    skipped = {s.path: s.cause for s in generation.manifest.skipped} if generation else {}
    indexed = generation.all_sources() if generation else {}
    try:
        files, refused = corpus.scan(root, formats=formats, max_file_bytes=max_file_bytes)
    except (IndexingError, OSError):  # a replica has no folder
        absent = {path: cause for path, cause in skipped.items() if path not in indexed}
        return FolderState(skipped={p: ListedFile(p, "skipped", c) for p, c in absent.items()})
    stamps = generation.manifest.skipped_stamps if generation else {}
    waiting: dict[str, ListedFile] = {}
    left_out = {  # what a failing disk hides stays indexed
        s.path: ListedFile(s.path, "skipped", s.cause) for s in refused if s.path not in indexed
    }
    for file in files:
        source, stamp = indexed.get(file.path, (None, ""))
        cause = skipped.get(file.path)
        if source is not None:
            if not _is_indexed(root, file, source, stamp, equal):
                waiting[file.path] = _listed(file, "waiting", source=source)
        elif cause is not None and stamps.get(file.path, "") in ("", file.stamp):
            left_out[file.path] = _listed(file, "skipped", cause=cause)
        else:
            waiting[file.path] = _listed(file, "waiting")
    changed = sum(one.source is not None for one in waiting.values())
    return FolderState(_by_path(waiting), _by_path(left_out), changed)


def _is_indexed(
    root: Path, file: CorpusFile, source: Source, stamp: str, equal: dict[str, Times]
) -> bool:
    """Returns whether a file is as it was indexed; reads it if only its times differ."""
    times = (file.size, file.mtime_ns)
    if stamp and stamp == file.stamp:
        return True
    if file.size != source.size:
        return False
    if file.mtime_ns == source.mtime_ns or equal.get(file.path) == times:
        return True
    if corpus.is_unchanged(root, source):
        equal[file.path] = times
        return True
    return False


def _listed(
    file: CorpusFile, state: State, *, cause: str | None = None, source: Source | None = None
) -> ListedFile:
    return ListedFile(file.path, state, cause, source, file.size, file.mtime_ns)


def _by_path(files: Mapping[str, ListedFile]) -> dict[str, ListedFile]:
    return dict(sorted(files.items()))


class FolderStates:
    """The folder states of several collections, each kept for a while; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[tuple[str, str] | None, float, FolderState]] = {}
        self._equal: dict[str, dict[str, Times]] = {}

    def get(
        self,
        collection: str,
        root: Path,
        generation: OpenGeneration | None,
        *,
        formats: tuple[str, ...],
        max_file_bytes: int,
    ) -> FolderState:
        """Returns the state of a collection's folder; walks it if that was too long ago."""
        built = (generation.info.generation, generation.info.built_at) if generation else None
        with self._lock:
            kept_for, until_s, state = self._kept.get(collection, (None, 0.0, FolderState()))
            if collection in self._kept and kept_for == built and time.monotonic() < until_s:
                return state
            started_s = time.monotonic()
            if kept_for != built:
                self._equal.pop(collection, None)
            state = read_folder(
                root,
                generation,
                formats=formats,
                max_file_bytes=max_file_bytes,
                equal=self._equal.setdefault(collection, {}),
            )
            took_s = time.monotonic() - started_s
            until_s = time.monotonic() + max(MIN_AGE_S, AGE_PER_WALK * took_s)
            self._kept[collection] = (built, until_s, state)
        return state


def list_files(
    generation: OpenGeneration | None,
    folder: FolderState,
    *,
    text: str = "",
    state: State | None = None,
    after: str | None = None,
    limit: int,
) -> tuple[list[ListedFile], bool]:
    """Returns one page of the files by path, and whether more follow.

    `text` is in their path or title, in any case.
    """
    wanted = text.casefold()
    lists: dict[State, Iterator[ListedFile]] = {
        "indexed": _indexed(generation, folder, after or ""),
        "skipped": _after(folder.skipped, after or ""),
        "waiting": _after(folder.waiting, after or ""),
    }
    chosen = [entries for name, entries in lists.items() if state in (None, name)]
    merged = heapq.merge(*chosen, key=lambda one: one.path)
    matching = (one for one in merged if wanted in _searched(one))
    page = list(islice(matching, limit + 1))
    return page[:limit], len(page) > limit


def _searched(file: ListedFile) -> str:
    title = file.source.title if file.source else ""
    return f"{file.path}\n{title}".casefold()


def _after(files: Mapping[str, ListedFile], after: str) -> Iterator[ListedFile]:
    return (file for path, file in files.items() if path > after)


def _indexed(
    generation: OpenGeneration | None, folder: FolderState, after: str
) -> Iterator[ListedFile]:
    while generation is not None:
        batch = generation.sources(after=after, limit=BATCH)
        for one in batch:
            if one.path not in folder.waiting:
                yield ListedFile(one.path, "indexed", None, one, one.size, one.mtime_ns)
        if len(batch) < BATCH:
            return
        after = batch[-1].path
