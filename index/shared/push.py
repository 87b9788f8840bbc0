"""A local generation → the store: what it lacks is sent, then CURRENT is swapped.

If CURRENT was swapped by another machine meanwhile, that one has won and nothing is published here.
What no generation names any more is removed after a day, so that a machine can finish its pull.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from ..errors import GenerationMissing, IndexingError, SyncBusy
from ..object_store import StoredObject
from ..store.manifest import (
    NAME,
    GenerationRef,
    format_published,
    generation_folder,
    read_manifest,
)
from .collection import OnBytes, SharedCollection, transfer
from .lease import Lease

log = logging.getLogger("footnote.shared")

KEEP = timedelta(hours=24)
"""How long an object that no generation names is kept."""
FRESH = KEEP / 2
"""An unnamed object of this age is not removed while a push relies on it."""


class Publisher:
    """Publishes one collection's generations, while it holds the lease."""

    def __init__(self, shared: SharedCollection, lease: Lease) -> None:
        """Reads CURRENT: only as long as it stays the same, something is published."""
        self.shared, self._lease = shared, lease
        self.published, self._tag = shared.published()

    def publish(self, folder: Path, ref: GenerationRef, on_bytes: OnBytes) -> None:
        """Makes a generation of the collection's folder the one that serves everywhere.

        Sends what is missing also where it serves already. Raises SyncBusy where another machine
        has published meanwhile, SharedUnavailable: then nothing is published.
        """
        named = self._named_keys()
        self._send(folder, ref, named, on_bytes)
        if self.published[:1] == (ref,):
            return
        self._swap((ref, *self.published[:1]))
        with suppress(IndexingError, KeyError):  # the next one removes it
            self._remove_unnamed()

    def roll_back(self) -> GenerationRef:
        """Swaps the two lines of CURRENT and returns what serves now; raises as `publish`."""
        if len(self.published) < 2:
            missing = "no older generation to go back to"
            raise GenerationMissing(self.shared.collection, missing)
        self._swap(self.published[::-1])
        return self.published[0]

    def _swap(self, published: tuple[GenerationRef, ...]) -> None:
        self._lease.check()
        shared = self.shared
        tag = shared.store.swap(shared.current_key, format_published(published), self._tag)
        if tag is None:
            raise SyncBusy(shared.collection, None, where="another machine")
        self.published, self._tag = published, tag

    def _named_keys(self) -> dict[str, str]:
        """Returns the names of the published generations' files, by key."""
        named: dict[str, str] = {}
        for ref in self.published:
            with suppress(KeyError):  # its manifest is missing: it is sent again, if it is ours
                named |= {key: name for name, key in self.shared.files(ref).items()}
        return named

    def _send(
        self, folder: Path, ref: GenerationRef, named: Mapping[str, str], on_bytes: OnBytes
    ) -> None:
        generation = generation_folder(folder, ref.generation)
        manifest = read_manifest(generation, ref.manifest_sha256)
        files = {**manifest.files, NAME: ref.manifest_sha256}
        keys = {self.shared.key(name, sha256): name for name, sha256 in files.items()}
        stored = self.shared.objects()
        now = self._lease.renewed_at()
        sizes = {key: (generation / name).stat().st_size for key, name in keys.items()}

        def is_stored(key: str) -> bool:
            entry = stored.get(key)
            if entry is None or entry.size != sizes[key]:
                return False
            is_kept = key.startswith(f"{self.shared.prefix}/objects/")
            return key in named or (is_kept and now - entry.modified < FRESH)

        missing = [key for key in keys if not is_stored(key)]

        def send(key: str) -> int:
            # what is replaced has another size, may be removed any moment, or is of a lost race
            self.shared.store.upload(generation / keys[key], key, replace=key in stored)
            return sizes[key]

        transfer(send, missing, sum(sizes[key] for key in missing), on_bytes)

    def _remove_unnamed(self) -> None:
        stored: dict[str, StoredObject] = self.shared.objects()
        named = {key for ref in self.published for key in self.shared.files(ref).values()}
        now = self.shared.store.modified(self.shared.current_key)
        for key, entry in stored.items():
            if key not in named and now - entry.modified > KEEP:
                log.info("removing %s, which no generation names", key)
                self.shared.store.delete(key)
