"""Corpus + previous generation → next generation → publish. Runs as a child process.

`python -m index.sync` reads one request from its standard input and writes an event a line
(`worker.py` is the parent's side).
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace

from .build import build_dense, build_text, passages
from .chunk import CHUNKER
from .embed import EmbedSpec, Passage, open_embedder
from .embed.cache import EmbeddingCache
from .errors import CorpusMismatch, GenerationDamaged, IndexingError, SyncFailed
from .generation import Generation
from .lock import writer_lock
from .manifest import read_current
from .parse import Reader, Survey
from .publish import building_folder, publish, remove_old
from .words import ANALYZER
from .worker import Event, SyncReport, SyncRequest, described, request_from

LEXICAL_FIRST = 500
"""A first sync with more new passages than this publishes a lexical-only generation first."""

Say = Callable[[Event], None]


def sync(request: SyncRequest, say: Say) -> SyncReport:
    """Brings the collection up to date with its corpus; raises an IndexingError."""
    started = time.monotonic()
    request = replace(request, corpus=request.corpus.absolute())
    with writer_lock(request.folder, request.collection):
        previous = _open_previous(request, say)
        try:
            survey = _survey(request, previous, say)
            name = _unmoved(request, previous, survey)
        finally:
            if previous is not None:
                previous.close()
        published = name is None
        if name is None:
            name = _publish(request, survey, say, is_first=previous is None)
            remove_old(request.folder)
    return SyncReport(
        generation=name,
        published=published,
        added=survey.added,
        changed=survey.changed,
        removed=survey.removed,
        unchanged=survey.unchanged,
        chunks=survey.chunks,
        skipped=survey.skipped,
        seconds=round(time.monotonic() - started, 3),
    )


def rules(embed: EmbedSpec) -> dict[str, str]:
    """Returns the settings that a generation's content depends on, its corpus aside."""
    model = "minilm" if embed.kind == "minilm" else f"{embed.model}@{embed.base_url}"
    return {
        "embed": f"{model}, sentences: {embed.sentence_vectors}",
        "chunker": CHUNKER,
        "words": ANALYZER,
    }


def _open_previous(request: SyncRequest, say: Say) -> Generation | None:
    """Returns the last generation; None where there is none, or none to trust."""
    try:
        current = read_current(request.folder)
        previous = Generation(request.folder, current) if current else None
    except GenerationDamaged as error:
        say({"event": "rebuild", "cause": str(error)})
        return None
    if previous is None:
        return None
    known = previous.manifest.corpus
    if known != str(request.corpus) and not request.replace:
        previous.close()
        raise CorpusMismatch(request.collection, known, str(request.corpus))
    return previous


def _survey(request: SyncRequest, previous: Generation | None, say: Say) -> Survey:
    """Reads the corpus; a generation made by other rules or of another folder does not count."""
    usable = previous if previous and _is_alike(request, previous) else None
    reader = Reader(
        request.corpus, request.collection, usable, max_file_bytes=request.max_file_bytes
    )
    said = 0.0

    def on_file(done: int, total: int) -> None:
        nonlocal said
        if done == total or time.monotonic() - said > 0.2:
            said = time.monotonic()
            say({"event": "parse", "done": done, "total": total})

    survey = reader.survey(formats=request.formats, on_file=on_file)
    for entry in survey.skipped:
        say({"event": "skip", "source": entry.path, "cause": entry.cause})
    return survey


def _is_alike(request: SyncRequest, previous: Generation) -> bool:
    manifest = previous.manifest
    return dict(manifest.fingerprint) == rules(request.embed) and manifest.corpus == str(
        request.corpus
    )


def _unmoved(request: SyncRequest, previous: Generation | None, survey: Survey) -> str | None:
    """Returns the last generation's name where a new one would hold just the same."""
    if previous is None or not _is_alike(request, previous):
        return None
    return previous.info.generation if survey.equals(previous.manifest) else None


def _publish(request: SyncRequest, survey: Survey, say: Say, *, is_first: bool) -> str:
    """Embeds what is new, builds and publishes; a large first sync is searchable before that."""
    embedder = open_embedder(request.embed)
    wanted = passages(survey.parsed)
    with closing(EmbeddingCache(request.cache, embedder)) as cache:
        missing = cache.missing(wanted)
        if is_first and len(missing) > LEXICAL_FIRST:
            _build(request, survey, say, None)
        _embed(cache, [wanted[index] for index in missing], say)
        return _build(request, survey, say, (cache, wanted))


def _build(
    request: SyncRequest,
    survey: Survey,
    say: Say,
    dense: tuple[EmbeddingCache, Sequence[Passage]] | None,
) -> str:
    """Builds and publishes one generation, without vectors where `dense` is None."""
    say({"event": "build", "chunks": survey.chunks, "complete": dense is not None})
    folder = building_folder(request.folder)
    build_text(folder, survey.parsed)
    embedder = None
    if dense is not None:
        cache, wanted = dense
        embedder = (cache.fingerprint, cache.dimensions)
        vectors = cache.vectors(wanted)
        build_dense(folder, survey.parsed, vectors, dimensions=cache.dimensions)
    name = publish(
        folder,
        request.folder,
        collection=request.collection,
        corpus=request.corpus,
        survey=survey,
        fingerprint=rules(request.embed),
        embedder=embedder,
    )
    say({"event": "publish", "generation": name, "complete": dense is not None})
    return name


def _embed(cache: EmbeddingCache, wanted: Sequence[Passage], say: Say) -> None:
    """Makes the missing vectors, saying how fast and how long it will take."""
    order = sorted(wanted, key=lambda passage: len(passage.text))
    total = sum(len(passage.text) for passage in order)
    started, done, letters = time.monotonic(), 0, 0
    for count in cache.embed(order):
        letters += sum(len(passage.text) for passage in order[done : done + count])
        done += count
        passed = time.monotonic() - started
        left = passed * (total - letters) / letters if letters else 0.0
        rate = round(done / passed, 1) if passed else 0.0
        progress: Event = {"done": done, "total": len(order), "rate": rate}
        say({"event": "embed", **progress, "left_s": round(left, 1)})


def main() -> int:
    """Serves one request on standard input; returns the exit code."""
    # what libraries print must not mix with the events
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and ends us by SIGTERM

    def say(event: Event) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    try:
        report = sync(request_from(sys.stdin.read()), say)
    except IndexingError as error:
        say(described(error))
        return 1
    except Exception as error:  # a full disk, or a library's own: the parent gets it in words
        traceback.print_exc()
        say(described(SyncFailed(f"the sync failed: {type(error).__name__}: {error}")))
        return 1
    say({"event": "done", "report": asdict(report)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
