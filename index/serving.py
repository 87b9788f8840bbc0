"""The serving generation of one collection: notices a new one, opens it, drains the old one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import GenerationDamaged, GenerationMissing
from .generation import Generation
from .manifest import Current, read_current


class Serving:
    """Hands out the newest good generation; a lease keeps its generation open to the end."""

    def __init__(self, folder: Path, collection: str) -> None:
        """`folder` is the collection's, `DATA/collections/NAME`; nothing is opened yet."""
        self.folder, self.collection = folder, collection
        self.trouble: str | None = None
        """Why the newest published generation does not serve; None when it does."""
        self._open: _Counted | None = None
        self._refused: Current | None = None
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()

    def refresh(self) -> bool:
        """Opens what CURRENT names where it is new; returns whether it switched. Blocks."""
        with self._refreshing:
            try:
                current = read_current(self.folder)
            except GenerationDamaged as error:
                self.trouble = str(error)
                return False
            if current is None or current == self._refused:
                return False
            if self._open is not None and self._open.current == current:
                return False
            return self._switch(current)

    def _switch(self, current: Current) -> bool:
        try:
            generation = Generation(self.folder, current)
        except GenerationDamaged as error:
            self.trouble, self._refused = str(error), current
            return False
        try:
            generation.warm()
        except GenerationDamaged as error:
            generation.close()
            self.trouble, self._refused = str(error), current
            return False
        fresh = _Counted(generation, current)
        with self._lock:
            old, self._open = self._open, fresh
            self.trouble = self._refused = None
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


class _Counted:
    """An open generation with the number of its users, the serving itself being one."""

    def __init__(self, generation: Generation, current: Current) -> None:
        self.generation, self.current, self.users = generation, current, 1
