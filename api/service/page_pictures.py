"""Pictures of the pages of PDFs, drawn in a sandboxed process and kept while there is room.

One is drawn at a time, since each takes a process of up to 768 MB.
"""

import threading
from collections import OrderedDict
from pathlib import Path

from index.corpus import read_unchanged
from index.sync.sandbox import Sandbox
from index.types import Source
from rag.errors import Overloaded

MAX_KEPT_BYTES = 32 << 20
MAX_QUOTE_CHARS = 5_000
"""Of a passage that is marked; a cited one has fewer."""
MAX_WAITING = 8
"""Requests that wait for their turn."""
RETRY_AFTER_S = 2

_Key = tuple[str, int, str]


class PagePictures:
    """Draws pages, or returns them as they were drawn before; safe to use from several threads."""

    def __init__(self) -> None:
        self._drawing, self._changing = threading.Lock(), threading.Lock()
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._waiting = 0

    def draw(self, root: Path, source: Source, *, page: int, quote: str) -> bytes:
        """Returns a page (from 1) of a source's file as PNG, with a quote marked; blocks.

        Raises SourceUnreadable where the file is another by now, ValueError where the page cannot
        be drawn, Overloaded where too many wait.
        """
        quote = quote[:MAX_QUOTE_CHARS]
        key = (source.sha256, page, quote)
        data = read_unchanged(root, source)
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if self._waiting >= MAX_WAITING:
                raise Overloaded(RETRY_AFTER_S)
            self._waiting += 1
        try:
            with self._drawing:
                picture = _draw(data, page, quote)
        finally:
            with self._changing:
                self._waiting -= 1
        self._keep(key, picture)
        return picture

    def _keep(self, key: _Key, picture: bytes) -> None:
        with self._changing:
            self._kept[key] = picture
            while sum(map(len, self._kept.values())) > MAX_KEPT_BYTES:
                self._kept.popitem(last=False)


def _draw(data: bytes, page: int, quote: str) -> bytes:
    sandbox = Sandbox()
    try:
        return sandbox.draw_page(data, page, quote)
    finally:
        sandbox.close()
