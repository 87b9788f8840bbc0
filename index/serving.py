"""The serving generation of one collection: detects a new one, opens it, drains the old one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .engine import open_generation
from .errors import GenerationDamaged, GenerationMissing
from .store.manifest import GenerationRef, read_published
from .store.opened import StoredGeneration

RETRY_S = 30.0
"""Retry delay after a generation could not be opened: a full disk may be temporary."""


class Serving:
    """Leases the newest intact generation; a generation stays open until its last lease ends."""

    def __init__(self, folder: Path, collection: str, *, bucket: str | None = None) -> None:
        """`folder` is `DATA/collections/NAME`; nothing is opened yet.

        `bucket` is where the tables of Lance generations are read in place (`engine.py`).
        """
        self.folder, self.collection, self._bucket = folder, collection, bucket
        self.error_message: str | None = None
        """Why the newest published generation does not serve; None if it does."""
        self._open: _Leased | None = None
        self._failures: dict[GenerationRef, tuple[float, str]] = {}
        """By generation that could not be opened: when to retry, and the error message."""
        self._lock = threading.Lock()
        self._refresh_lock = threading.Lock()

    def refresh(self) -> bool:
        """Opens what CURRENT names if it is new; returns whether it switched. Blocks.

        If the newest cannot be opened, the open generation keeps serving; if none is open, the
        previous generation is opened. `error_message` then says why.
        """
        with self._refresh_lock:
            try:
                published = read_published(self.folder)
            except GenerationDamaged as error:
                self.error_message = str(error)
                return False
            self._failures = {c: why for c, why in self._failures.items() if c in published}
            message = None
            for ref in published:
                if self._open is not None and (message or self._open.ref == ref):
                    break
                if self._switch(ref):
                    self.error_message = message
                    return True
                message = message or self._failures[ref][1]
            self.error_message = message
            return False

    def _switch(self, ref: GenerationRef) -> bool:
        """Opens a generation and serves it; False if it cannot be opened now."""
        retry_at, _ = self._failures.get(ref, (0.0, ""))
        if time.monotonic() < retry_at:
            return False
        try:
            generation = _open_warm(self.folder, ref, self._bucket)
        except GenerationDamaged as error:
            self._failures[ref] = (time.monotonic() + RETRY_S, str(error))
            return False
        with self._lock:
            old, self._open = self._open, _Leased(generation, ref)
        self._failures.pop(ref, None)
        if old is not None:
            self._release(old)
        return True

    @property
    def ref(self) -> GenerationRef | None:
        """The generation that serves; None where none does."""
        leased = self._open
        return leased.ref if leased is not None else None

    @contextmanager
    def lease(self) -> Iterator[StoredGeneration]:
        """Yields the serving generation, kept open meanwhile; raises GenerationMissing."""
        with self._lock:
            leased = self._open
            if leased is None:
                raise GenerationMissing(self.collection)
            leased.users += 1
        try:
            yield leased.generation
        finally:
            self._release(leased)

    def _release(self, opened: "_Leased") -> None:
        with self._lock:
            opened.users -= 1
            is_drained = opened.users == 0
        if is_drained:
            opened.generation.close()

    def close(self) -> None:
        """Stops serving; the generation is closed when its last lease ends."""
        with self._lock:
            old, self._open = self._open, None
        if old is not None:
            self._release(old)


def _open_warm(folder: Path, ref: GenerationRef, bucket: str | None) -> StoredGeneration:
    generation = open_generation(folder, ref, bucket=bucket)
    try:
        generation.warm()
    except GenerationDamaged:
        generation.close()
        raise
    return generation


@dataclass(slots=True)
class _Leased:
    """An open generation and the number of its users, one of them the `Serving` itself."""

    generation: StoredGeneration
    ref: GenerationRef
    users: int = 1
