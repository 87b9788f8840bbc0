"""Corpus + previous generation → next generation → publish. Runs as a child process.

`python -m index.sync.run PARENT` reads one request from standard input and writes one event a line
(`process.py` is the parent's side); it ends when the parent process PARENT ends.
"""

import json
import os
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..embed.cache import EmbeddingCache
from ..embed.factory import open_embedder
from ..embed.minilm import MiniLM
from ..embed.openvino import precision
from ..embed.protocol import EmbedSpec, Passage
from ..errors import CorpusMismatch, GenerationDamaged, IndexingError, SyncFailed
from ..formats.table import EXTRACTION
from ..store.generation import Generation
from ..store.manifest import read_current
from ..text.analyzer import ANALYZER
from ..text.chunk import CHUNKER
from .build import Store, build_dense, build_text, passages
from .changes import Parsed, Reader, Survey
from .lock import writer_lock
from .parent import end_without
from .process import Event, SyncReport, SyncRequest, described, request_from
from .publish import building_folder, check_space, clear, of_disk, publish, remove_old, size_of

LEXICAL_FIRST = 500
"""A first sync with more new passages than this publishes a lexical-only generation first."""

BUILDS = 2
"""How often a graph is built until it verifies: Chroma's, made by several threads, lost a vector in
2 of 25 builds of 64 vectors that were close to each other (2026-11-22). Then it is left out."""

Say = Callable[[Event], None]


def sync(request: SyncRequest, say: Say) -> SyncReport:
    """Brings the collection up to date with its corpus; raises an IndexingError."""
    started = time.monotonic()
    request = replace(request, corpus=request.corpus.absolute())
    with writer_lock(request.folder, request.collection):
        previous = _open_previous(request, say)
        try:
            survey = _survey(request, previous, say)
            name, chunks = _unmoved(request, previous, survey), -1
            published = name is None
            if name is None:
                name, chunks = _publish(request, survey, previous, say)
            elif previous is not None:
                chunks = previous.info.chunks
        finally:
            if previous is not None:
                previous.close()
            clear(request.folder)  # a half build would keep a full disk full
        if published:
            remove_old(request.folder)
    return SyncReport(
        generation=name,
        published=published,
        added=survey.added,
        changed=survey.changed,
        removed=survey.removed,
        unchanged=survey.unchanged,
        chunks=chunks,
        skipped=survey.skipped,
        seconds=round(time.monotonic() - started, 3),
    )


def rules(embed: EmbedSpec) -> dict[str, str]:
    """Returns the settings that a generation's content depends on, its corpus aside."""
    model = f"{embed.model}@{embed.base_url}" if embed.kind == "openai" else MiniLM.fingerprint
    if embed.kind == "openvino" and precision() != "f32":
        model += f" {precision()}"
    return {
        "embed": f"{model}, parts of sentences: {embed.sentence_vectors}",
        "chunker": CHUNKER,
        "formats": EXTRACTION,
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


def _publish(
    request: SyncRequest, survey: Survey, previous: Generation | None, say: Say
) -> tuple[str, int]:
    """Embeds what is new, builds and publishes; a large first sync is searchable before that.

    Returns the generation's name and its number of chunks.
    """
    clear(request.folder)
    check_space(request.folder, grows=2 * size_of(previous.folder) if previous else 0)
    alike = previous if previous and _is_alike(request, previous) else None
    build = Build(request, survey, survey.loaded(alike), say)
    with (
        closing(open_embedder(request.embed)) as embedder,
        closing(EmbeddingCache(request.cache, embedder)) as cache,
    ):
        known = alike if alike and alike.manifest.embedder == embedder.fingerprint else None
        wanted = passages(e for e in build.parsed if known is None or e.known is None)
        missing = cache.missing(wanted)
        if previous is None and len(missing) > LEXICAL_FIRST:
            build.by_words()
        _embed(cache, [wanted[index] for index in missing], say)
        name = _whole(build, cache, wanted, alike, known)
        _tidy(cache, build.parsed)
        return name, build.chunks


def _whole(
    build: "Build",
    cache: EmbeddingCache,
    wanted: Sequence[Passage],
    alike: Generation | None,
    known: Generation | None,
) -> str:
    """Publishes the whole generation, from scratch where what was made does not verify."""
    for _ in range(BUILDS):
        try:
            return build.whole(cache, wanted, alike, known)
        except GenerationDamaged as error:
            build.say({"event": "rebuild", "cause": str(error)})
            alike, known, wanted = None, None, passages(build.parsed)
            _embed(cache, [wanted[index] for index in cache.missing(wanted)], build.say)
    return build.whole(cache, wanted, alike, known, exact=True)


@dataclass(frozen=True, slots=True)
class Build:
    """One corpus as it is now, to be built and published, by words alone or whole."""

    request: SyncRequest
    survey: Survey
    parsed: tuple[Parsed, ...]
    say: Say

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return sum(len(entry.chunks) for entry in self.parsed)

    def by_words(self) -> str:
        """Publishes a generation without vectors and returns its name."""
        folder = self._begin(complete=False)
        build_text(folder, self.parsed, None)
        return self._publish(folder, None, Store())

    def whole(
        self,
        cache: EmbeddingCache,
        wanted: Sequence[Passage],
        alike: Generation | None,
        known: Generation | None,
        *,
        exact: bool = False,
    ) -> str:
        """Publishes a generation with vectors and returns its name.

        Terms are taken over from `alike`, vectors from `known`, both the last generation or None;
        the cache holds the vectors of the `wanted` passages, which are all others. With `exact`
        they are compared one by one.
        """
        folder = self._begin(complete=True)
        build_text(folder, self.parsed, alike)
        store = build_dense(
            folder,
            self.parsed,
            cache.vectors(wanted),
            dimensions=cache.dimensions,
            previous=known,
            exact=exact,
        )
        return self._publish(folder, (cache.fingerprint, cache.dimensions), store)

    def _begin(self, *, complete: bool) -> Path:
        self.say({"event": "build", "chunks": self.chunks, "complete": complete})
        return building_folder(self.request.folder)

    def _publish(self, folder: Path, embedder: tuple[str, int] | None, store: Store) -> str:
        name = publish(
            folder,
            self.request.folder,
            collection=self.request.collection,
            corpus=self.request.corpus,
            survey=self.survey,
            parsed=self.parsed,
            fingerprint=rules(self.request.embed),
            embedder=embedder,
            store=store,
            on_verified=lambda n, total: self.say({"event": "verify", "done": n, "total": total}),
        )
        complete = embedder is not None
        self.say({"event": "publish", "generation": name, "complete": complete})
        return name


def _tidy(cache: EmbeddingCache, parsed: Sequence[Parsed]) -> None:
    """Forgets vectors that nothing needs; what hinders that can wait for the next build."""
    with suppress(sqlite3.Error):
        cache.keep(passage for entry in parsed for passage in passages([entry]))


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
    for parent in sys.argv[1:]:
        # nobody waits for us any more; an end at any moment does no harm, tests/crash proves it
        end_without(int(parent), lambda: os._exit(1))
    # what libraries print must not mix with the events
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and ends us by SIGTERM

    def say(event: Event) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    request = request_from(sys.stdin.read())
    try:
        report = sync(request, say)
    except IndexingError as error:
        say(described(error))
        return 1
    except Exception as error:  # a full disk, or a library's own: the parent gets it in words
        trouble = of_disk(error, request.folder)
        if trouble is None:
            traceback.print_exc()
            trouble = SyncFailed(f"the sync failed: {type(error).__name__}: {error}")
        say(described(trouble))
        return 1
    say({"event": "done", "report": asdict(report)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
