"""The sync: corpus and previous generation → next generation, published. Runs as a child process.

`python -m index.sync.run PARENT` reads one request from standard input and writes one event per
line (`process.py` is the parent's side); it ends when the process with the pid PARENT ends.
"""

import json
import os
import signal
import sqlite3
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, replace

from ..embed.cache import EmbeddingCache
from ..embed.factory import open_embedder
from ..embed.protocol import ChunkText, Embedder
from ..engine import check_installed, open_previous
from ..errors import CorpusMismatch, GenerationDamaged, IndexingError, SharedUnavailable, SyncFailed
from ..redact import guard_stderr, redact
from ..store.manifest import read_current, remove_old_generations
from ..store.opened import StoredGeneration
from .build import GenerationBuilder, content_fingerprint, embedding_inputs, heading_inputs
from .changes import BuildSource, CorpusDiff, CorpusReader, ParsedSource
from .pool.ingest import Ingest, open_ingest
from .process import (
    Event,
    OnEvent,
    SyncReport,
    SyncRequest,
    call_when_orphaned,
    error_to_event,
    request_from_json,
    writer_lock,
)
from .publish import (
    check_space,
    disk_error,
    folder_bytes,
    remove_unfinished_builds,
)
from .sharing import Sharing, open_sharing

LEXICAL_FIRST = 500
"""A first sync with more new chunks than this publishes a lexical-only generation first."""

GRAPH_BUILDS = 2
"""How often a graph is built until it verifies: Chroma's, made by several threads, lost a vector in
2 of 25 builds of 64 vectors that were close to each other (2026-11-22). Then it is omitted."""

PROGRESS_S = 0.2
"""Time between two progress events of parsing."""


def sync(request: SyncRequest, emit: OnEvent) -> SyncReport:
    """Brings the collection up to date with its corpus; raises an IndexingError."""
    started = time.monotonic()
    request = replace(request, corpus=request.corpus.absolute())
    check_installed(request.engine)
    with (
        writer_lock(request.folder, request.collection),
        open_ingest(request, emit) as ingest,
        open_sharing(request, emit) as sharing,
    ):
        sharing.take()
        previous = _open_previous(request, emit)
        try:
            reusable = previous if previous and _is_reusable(previous, request) else None
            diff = _diff_corpus(request, reusable, ingest, emit)
            is_same_engine = reusable is not None and _has_engine(reusable, request, emit)
            if reusable is not None and is_same_engine and diff.equals(reusable.manifest):
                name, chunks, is_new = reusable.info.generation, reusable.info.chunks, False
                sharing.share_current()
            else:
                name, chunks = _publish(request, diff, previous, reusable, ingest, emit, sharing)
                is_new = True
        finally:
            if previous is not None:
                previous.close()
            remove_unfinished_builds(request.folder)  # one would keep a full disk full
        if is_new:
            remove_old_generations(request.folder)
    return SyncReport(
        generation=name,
        published=is_new,
        added=diff.added,
        changed=diff.changed,
        removed=diff.removed,
        unchanged=diff.unchanged,
        chunks=chunks,
        skipped=diff.skipped,
        notes=diff.notes,
        seconds=round(time.monotonic() - started, 3),
    )


def _is_reusable(previous: StoredGeneration, request: SyncRequest) -> bool:
    manifest = previous.manifest
    is_same_corpus = manifest.corpus == str(request.corpus)
    return is_same_corpus and dict(manifest.fingerprint) == content_fingerprint(request.embed)


def _has_engine(previous: StoredGeneration, request: SyncRequest, emit: OnEvent) -> bool:
    """Returns whether the requested engine built it, and reports it if not."""
    engine = previous.manifest.engine
    if engine != request.engine:
        cause = f"the search engine is {request.engine}, not {engine}: the index is built again"
        emit({"event": "rebuild", "cause": cause})
    return engine == request.engine


def _open_previous(request: SyncRequest, emit: OnEvent) -> StoredGeneration | None:
    """Returns the last generation; None where there is none or it is damaged."""
    try:
        current = read_current(request.folder)
        previous = open_previous(request.folder, current) if current else None
    except GenerationDamaged as error:
        emit({"event": "rebuild", "cause": str(error)})
        return None
    if previous is None:
        return None
    corpus = previous.manifest.corpus
    if corpus != str(request.corpus) and not request.replace:
        previous.close()
        raise CorpusMismatch(request.collection, corpus, str(request.corpus))
    return previous


def _diff_corpus(
    request: SyncRequest, reusable: StoredGeneration | None, ingest: Ingest, emit: OnEvent
) -> CorpusDiff:
    """Reads the corpus and reports progress and skipped files."""
    reader = CorpusReader(
        request.corpus, request.collection, reusable, max_file_bytes=request.max_file_bytes
    )
    reported = 0.0

    def on_file(done: int, total: int) -> None:
        nonlocal reported
        if done == total or time.monotonic() - reported > PROGRESS_S:
            reported = time.monotonic()
            emit({"event": "parse", "done": done, "total": total})

    read_files = ingest.read_files
    diff = reader.diff(formats=request.formats, on_file=on_file, read_files=read_files)
    for entry in diff.skipped:
        emit({"event": "skip", "source": entry.path, "cause": entry.cause})
    for note in diff.new_notes:
        emit({"event": "note", "source": note.path, "note": note.note})
    return diff


def _publish(
    request: SyncRequest,
    diff: CorpusDiff,
    previous: StoredGeneration | None,
    reusable: StoredGeneration | None,
    ingest: Ingest,
    emit: OnEvent,
    sharing: Sharing,
) -> tuple[str, int]:
    """Embeds what is new, builds and publishes; a large first sync is searchable before that.

    Returns the generation's name and its number of chunks.
    """
    remove_unfinished_builds(request.folder)
    check_space(request.folder, build_bytes=2 * folder_bytes(previous.folder) if previous else 0)
    with (
        closing(open_embedder(request.embed)) as embedder,
        closing(EmbeddingCache(request.cache, embedder)) as cache,
    ):
        if previous and previous.info.complete and not reusable:
            _report_embedder(previous.manifest.embedder, embedder.fingerprint, emit)
        carried_from = reusable if _has_vectors_of(reusable, embedder, request) else None
        for exact in [False] * GRAPH_BUILDS + [True]:
            builder = _builder(request, diff, reusable, carried_from, emit, sharing)
            new = [source for source in builder.sources if isinstance(source, ParsedSource)]
            chunks, headings = embedding_inputs(new), heading_inputs(new)
            missing = ingest.restore(cache, chunks)
            if previous is None and len(missing) > LEXICAL_FIRST:
                builder.publish_lexical()
            _embed(cache, missing, ingest, emit)
            deque(ingest.embed(cache, ingest.restore(cache, headings)), maxlen=0)
            try:
                vectors = zip(cache.vectors(chunks), cache.vectors(headings), strict=True)
                name = builder.publish_complete(cache, vectors, carried_from, exact=exact)
                break
            except GenerationDamaged as error:
                if exact:
                    raise
                emit({"event": "rebuild", "cause": str(error)})
                carried_from = None
        with suppress(sqlite3.Error, SharedUnavailable):  # eviction can wait for the next build
            if cache.is_eviction_due(request.collection):
                cache.evict_unused(
                    text
                    for source in diff.load_sources(reusable)
                    for text in (*embedding_inputs([source]), *heading_inputs([source]))
                )
                ingest.evict_unused(cache)
                cache.mark_evicted(request.collection)
        return name, builder.chunks


def _has_vectors_of(
    reusable: StoredGeneration | None, embedder: Embedder, request: SyncRequest
) -> bool:
    """Returns whether its vectors and files can be carried: the same model's, and engine's."""
    manifest = reusable.manifest if reusable else None
    built_with = (manifest.embedder, manifest.engine) if manifest else None
    return built_with == (embedder.fingerprint, request.engine)


def _report_embedder(before: str, now: str, emit: OnEvent) -> None:
    """Reports that all passages are embedded again, if the model is another one than before."""
    if before != now:
        cause = f"the embedding model is {now}, not {before}: all passages are embedded again"
        emit({"event": "rebuild", "cause": cause})


def _builder(
    request: SyncRequest,
    diff: CorpusDiff,
    reusable: StoredGeneration | None,
    carried_from: StoredGeneration | None,
    emit: OnEvent,
    sharing: Sharing,
) -> GenerationBuilder:
    """Returns a builder of all sources: carried where possible, else loaded."""
    sources: tuple[BuildSource, ...]
    sources = diff.carry_sources(carried_from) if carried_from else diff.load_sources(reusable)
    return GenerationBuilder(request, diff, sources, emit, sharing.share)


def _embed(
    cache: EmbeddingCache, inputs: Sequence[ChunkText], ingest: Ingest, emit: OnEvent
) -> None:
    """Computes the missing vectors and reports the rate and the time left."""
    total_chars = sum(len(chunk.text) for chunk in inputs)
    started, done, chars = time.monotonic(), 0, 0
    for batch in ingest.embed(cache, inputs):
        chars += sum(len(chunk.text) for chunk in batch)
        done += len(batch)
        elapsed_s = time.monotonic() - started
        left_s = elapsed_s * (total_chars - chars) / chars if chars else 0.0
        rate = round(done / elapsed_s, 1) if elapsed_s else 0.0
        progress: Event = {"done": done, "total": len(inputs), "rate": rate}
        if ingest.workers is not None:
            progress["workers"] = ingest.workers
        emit({"event": "embed", **progress, "left_s": round(left_s, 1)})


def main() -> int:
    """Serves one request on standard input; returns the exit code."""
    for parent_pid in sys.argv[1:]:
        # nobody waits for the result; ending at any moment is safe, see tests/crash
        call_when_orphaned(int(parent_pid), lambda: os._exit(1))
    # what libraries print must not mix with the events
    guard_stderr()
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and sends SIGTERM

    def emit(event: Event) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    request = request_from_json(sys.stdin.read())
    try:
        report = sync(request, emit)
    except IndexingError as error:
        emit(error_to_event(error))
        return 1
    except Exception as error:  # of a full disk or a library: the parent gets it as a message
        reported = disk_error(error, request.folder)
        if reported is None:
            sys.stderr.write(redact(traceback.format_exc()))
            reported = SyncFailed(f"the sync failed: {type(error).__name__}: {error}")
        emit(error_to_event(reported))
        return 1
    emit({"event": "done", "report": asdict(report)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
