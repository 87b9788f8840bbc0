"""The serving generation of one collection: notices a new one, opens it, drains the old one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import GenerationDamaged, GenerationMissing
from .generation import Generation
from .manifest import Current, read_published

RETRY_S = 30.0
"""A generation that could not be opened is tried again after this: a full disk may be over."""


class Serving:
    """Hands out the newest good generation; a lease keeps its generation open to the end."""

    def __init__(self, folder: Path, collection: str) -> None:
        """`folder` is the collection's, `DATA/collections/NAME`; nothing is opened yet."""
        self.folder, self.collection = folder, collection
        self.trouble: str | None = None
        """Why the newest published generation does not serve; None when it does."""
        self._open: _Counted | None = None
        self._refused: dict[Current, tuple[float, str]] = {}
        """When to try again what could not be opened, and why it could not."""
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()

    def refresh(self) -> bool:
        """Opens what CURRENT names where it is new; returns whether it switched. Blocks.

        Where the newest cannot be opened, what serves goes on serving; where nothing does, the
        generation before it is opened. `trouble` then says why.
        """
        with self._refreshing:
            try:
                published = read_published(self.folder)
            except GenerationDamaged as error:
                self.trouble = str(error)
                return False
            self._refused = {c: why for c, why in self._refused.items() if c in published}
            trouble = None
            for current in published:
                if self._open is not None and (trouble or self._open.current == current):
                    break
                if self._switch(current):
                    self.trouble = trouble
                    return True
                trouble = trouble or self._refused[current][1]
            self.trouble = trouble
            return False

    def _switch(self, current: Current) -> bool:
        """Opens a generation and lets it serve; False where it cannot be opened now."""
        again, _ = self._refused.get(current, (0.0, ""))
        if time.monotonic() < again:
            return False
        try:
            generation = _warm(self.folder, current)
        except GenerationDamaged as error:
            self._refused[current] = (time.monotonic() + RETRY_S, str(error))
            return False
        fresh = _Counted(generation, current)
        with self._lock:
            old, self._open = self._open, fresh
        self._refused.pop(current, None)
        if old is not None:
            self._release(old)
        return True

    @contextmanager
    def lease(self) -> Iterator[Generation]:
        """Yields the serving generation and keeps it open meanwhile; raises GenerationMissing."""
        with self._lock:
            leased = self._open
            if leased is None:
                raise GenerationMissing(self.collection)
            leased.users += 1
        try:
            yield leased.generation
        finally:
            self._release(leased)

    def _release(self, counted: "_Counted") -> None:
        with self._lock:
            counted.users -= 1
            drained = counted.users == 0
        if drained:
            counted.generation.close()

    def close(self) -> None:
        """Closes the generation once its last lease ends."""
        with self._lock:
            old, self._open = self._open, None
        if old is not None:
            self._release(old)


def _warm(folder: Path, current: Current) -> Generation:
    """Returns the generation, ready for its first question; raises GenerationDamaged."""
    generation = Generation(folder, current)
    try:
        generation.warm()
    except GenerationDamaged:
        generation.close()
        raise
    return generation


class _Counted:
    """An open generation with the number of its users, the serving itself being one."""

    def __init__(self, generation: Generation, current: Current) -> None:
        self.generation, self.current, self.users = generation, current, 1
