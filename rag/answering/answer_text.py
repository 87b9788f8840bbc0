"""An answer's growing text: its length, its end and its tail, at a constant cost a piece."""

import re
from copy import copy

from .sanitize import CONTEXT_CHARS

_LINE_CHARS = 100
"""How much of an open line is kept at hand: enough to know whether it opens a code block."""

_FENCE = re.compile(r"[ \t]*+(?:```|~~~)")


class AnswerText:
    """An answer's text, appended piece by piece; `str` joins it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.length = 0
        self.end = 0
        """The length without the white space at the end."""
        self.tail = ""
        """The last characters, as many as `sanitize_markup` looks at."""
        self._line, self._fences = "", 0

    def continuation(self) -> "AnswerText":
        """Returns an empty text with the offsets and the state of what follows this one."""
        text = copy(self)
        text._parts = []
        return text

    def __str__(self) -> str:
        return "".join(self._parts)

    @property
    def is_in_code(self) -> bool:
        """Whether the text ends inside a code block, where a marker would be code."""
        return (self._fences + bool(_FENCE.match(self._line))) % 2 == 1

    def append(self, text: str) -> None:
        """Adds text at the end."""
        self._parts.append(text)
        if content := text.rstrip():
            self.end = self.length + len(content)
        self.length += len(text)
        self.tail = (self.tail + text[-CONTEXT_CHARS:])[-CONTEXT_CHARS:]
        first, *lines = text.split("\n")
        self._line += first[:_LINE_CHARS]
        for line in lines:
            self._fences += bool(_FENCE.match(self._line))
            self._line = line[:_LINE_CHARS]
        self._line = self._line[:_LINE_CHARS]
