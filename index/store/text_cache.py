"""The texts of the sources that were read last, bounded by their size."""

import threading
from collections import OrderedDict
from collections.abc import Callable

MAX_CHARS = 32_000_000
"""Of all cached texts together: up to 128 MB. A longer text is read each time."""


class TextCache:
    """Caches what `read` returns for a source id, least recently used first out; thread-safe."""

    def __init__(self, read: Callable[[str], str], *, max_chars: int = MAX_CHARS) -> None:
        self._read, self._max_chars = read, max_chars
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._chars = 0
        self._lock = threading.Lock()

    def __call__(self, source_id: str) -> str:
        """Returns a source's text; raises what `read` raises."""
        with self._lock:
            if (text := self._texts.get(source_id)) is not None:
                self._texts.move_to_end(source_id)
                return text
        text = self._read(source_id)
        with self._lock:
            if source_id not in self._texts and len(text) <= self._max_chars:
                self._texts[source_id] = text
                self._chars += len(text)
                while self._chars > self._max_chars:
                    _, oldest = self._texts.popitem(last=False)
                    self._chars -= len(oldest)
        return text
