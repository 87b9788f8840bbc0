"""What a worker does for a sync, also within the sync's own process: embeds texts, reads files.

A task and its reply are plain values; what cannot be done is a reply of the event `failed`, so that
an error keeps its class on the way. The last vectors are kept: when the scheduler was lost, their
texts come again.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...embed.packed import PackedVectors, VectorFormat, embed_here
from ...embed.protocol import ChunkText, Embedder
from ...errors import IndexingError, SharedUnavailable, WorkerFailed
from ...formats import EXTRACTION
from ...object_store import ObjectStore
from ...text.chunk import CHUNKER
from ..process import Event, error_to_event
from ..sandbox import Answer, Sandbox
from .packs import EmbeddingPacks, task_key

EMBED_TASK = 64
"""Texts of a task: seconds of work, so that sending it costs little beside, and losing it, too."""
KEPT_BYTES = 64 << 20
"""Of the last rows, in a worker's memory."""
MAX_FAILURE_CHARS = 1_000
"""Of what a worker says about a failure."""
READING_RULES = f"{EXTRACTION}; {CHUNKER}"
"""What a worker must agree on to read files for a sync."""


class EmbedTask(NamedTuple):
    """Texts of a collection to embed with the model of this fingerprint.

    `key` names the task by its content.
    """

    key: str
    fingerprint: str
    collection: str
    chunks: tuple[ChunkText, ...]


class EmbedReply(NamedTuple):
    """The rows of a task's texts, in order; `is_shared`: they are in the bucket."""

    rows: tuple[PackedVectors, ...]
    is_shared: bool


class FileToRead(NamedTuple):
    """A file's bytes; `source_id` is part of the ids of its passages."""

    format: str
    data: bytes
    source_id: str


class ReadTask(NamedTuple):
    """Files to read by these rules; `key` names the task by its content."""

    key: str
    rules: str
    files: tuple[FileToRead, ...]


ReadReply = tuple[Answer | str, ...]
"""For each file what the sandbox answered, or why it cannot be read."""


class IngestTasks:
    """The functions of a worker; opened when they are first needed, one call at a time."""

    def __init__(self, open_embedder: Callable[[], Embedder], store: ObjectStore | None) -> None:
        """`store` is the bucket of vectors, where there is one."""
        self._open_embedder, self._store = open_embedder, store
        self._embedder: Embedder | None = None
        self._sandbox: Sandbox | None = None
        self._rows: OrderedDict[bytes, PackedVectors] = OrderedDict()

    def embed(self, task: EmbedTask) -> EmbedReply | Event:
        """Returns the vectors of a task's texts; a failure where the model is another one."""
        self._end_sandbox()  # it holds memory
        try:
            if self._embedder is None:
                self._embedder = self._open_embedder()
            own = self._embedder.fingerprint
            if own != task.fingerprint:
                cause = f"embeds with {own}, but the sync with {task.fingerprint}: give both the "
                raise WorkerFailed("", f"{cause}same FOOTNOTE_EMBED__ settings")
            return self._embed(self._embedder, task)
        except IndexingError as error:
            return error_to_event(error)

    def _embed(self, embedder: Embedder, task: EmbedTask) -> EmbedReply:
        vector_format = VectorFormat(embedder)
        by_key = {vector_format.key(chunk): chunk for chunk in task.chunks}
        packs = EmbeddingPacks(self._store, task.collection) if self._store else None
        name = packs.name(task.key, task.fingerprint) if packs else ""
        is_shared = False
        with suppress(SharedUnavailable):  # then it embeds, and the sync writes
            for row in (packs and packs.load(name)) or ():
                if row.key in by_key and not vector_format.fault(row, by_key[row.key]):
                    self._keep([row])
                    is_shared = True
        missing = [chunk for key, chunk in by_key.items() if key not in self._rows]
        for batch in embed_here(embedder, missing):
            self._keep(batch.rows)
        rows = tuple(self._rows[vector_format.key(chunk)] for chunk in task.chunks)
        if packs and not is_shared:
            with suppress(SharedUnavailable):
                packs.save(name, rows)
                is_shared = True
        self._forget()
        return EmbedReply(rows, is_shared)

    def _keep(self, rows: Iterable[PackedVectors]) -> None:
        for row in rows:
            self._rows[row.key] = row
            self._rows.move_to_end(row.key)

    def _forget(self) -> None:
        size = sum(len(row.vector) + len(row.words) for row in self._rows.values())
        while size > KEPT_BYTES:
            _, row = self._rows.popitem(last=False)
            size -= len(row.vector) + len(row.words)

    def read(self, task: ReadTask) -> ReadReply | Event:
        """Returns the text and chunks of a task's files, read in the sandbox."""
        try:
            if task.rules != READING_RULES:
                cause = f"reads files by {READING_RULES}, but the sync by {task.rules}"
                raise WorkerFailed("", f"{cause}: install the same version of Footnote on both")
            self._sandbox = self._sandbox or Sandbox()
            return tuple(_read(self._sandbox, file) for file in task.files)
        except IndexingError as error:
            return error_to_event(error)

    def _end_sandbox(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def close(self) -> None:
        """Releases what was opened."""
        self._end_sandbox()
        if self._embedder is not None:
            self._embedder.close()


def _read(sandbox: Sandbox, file: FileToRead) -> Answer | str:
    try:
        return sandbox.read_raw(*file)
    except ValueError as error:
        return str(error)


def embed_task(
    vector_format: VectorFormat, collection: str, chunks: Sequence[ChunkText]
) -> EmbedTask:
    """Returns the task to embed these texts of a collection."""
    key = task_key(vector_format.key(chunk) for chunk in chunks)
    return EmbedTask(key, vector_format.fingerprint, collection, tuple(chunks))


def read_task(files: Sequence[FileToRead], hashes: Sequence[str]) -> ReadTask:
    """Returns the task to read these files; `hashes` are those of their bytes."""
    content = [READING_RULES, [(file.format, file.source_id) for file in files], list(hashes)]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return ReadTask(key, READING_RULES, tuple(files))


def raise_failure(reply: object, worker: str) -> None:
    """Raises WorkerFailed for a reply that is a failure."""
    if isinstance(reply, dict):
        cause = str(reply.get("cause") or reply.get("message") or "unknown failure")
        raise WorkerFailed(worker, cause[:MAX_FAILURE_CHARS])
