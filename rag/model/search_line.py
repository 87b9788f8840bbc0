"""Takes the lines out of a model's text with which it asks for a search: `SEARCH: the words`.

They are never part of an answer, wherever they stand and whatever markup is around them. The time
is linear in the length of the text.
"""

import re

from index.text.sanitize import remove_ignorable, sanitize

MAX_QUERY_CHARS = 200
MAX_BEFORE = 16
"""Characters without a letter that may stand before the word: a bullet, a fence, a marker."""

_WORD = "SEARCH"
_LINE_BREAK = re.compile(r"[\r\n]")
_BEFORE = re.compile(rf"[\W\d_]{{0,{MAX_BEFORE + 1}}}")
_COLON = re.compile(r"[ \t*_`]{0,4}([:：]?)")
_TRIMMED = " \t\"'“”„«»`*_"


class SearchLines:
    """Pass it the text as it comes; it returns what is certainly no such line."""

    def __init__(self) -> None:
        self.query: str | None = None
        """The first line's words, once that line is complete; "" if it has none."""
        self._line = ""
        """The beginning of the current line, while it may be such a line."""
        self._state = "start"
        self._words = ""

    def feed(self, text: str) -> str:
        """Returns the text without such lines, but for a beginning that may be one."""
        kept, at = list[str](), 0
        while at < len(text):
            found = _LINE_BREAK.search(text, at)
            end = found.start() if found else len(text)
            kept.append(self._add(text[at:end]))
            if found:
                kept.append(self._end_line(found.group()))
            at = end + (1 if found else 0)
        return "".join(kept)

    def finish(self) -> str:
        """Returns the rest."""
        return self._end_line("")

    def _add(self, part: str) -> str:
        if self._state == "search":
            self._words = (self._words + part)[: 2 * MAX_QUERY_CHARS]
            return ""
        if self._state == "text":
            return part
        self._line += part
        is_line, start = _search_line(self._line)
        if is_line is None:
            return ""
        line, self._line = self._line, ""
        if is_line:
            self._state, self._words = "search", line[start : start + 2 * MAX_QUERY_CHARS]
            return ""
        self._state = "text"
        return line

    def _end_line(self, line_break: str) -> str:
        state, line = self._state, self._line
        self._state, self._line = "start", ""
        if state != "search":
            return line + line_break
        if self.query is None:
            self.query = _clean(self._words)
        return ""


def _search_line(line: str) -> tuple[bool | None, int]:
    """Returns whether a line that begins so asks for a search, and where its words begin.

    None where more of the line decides.
    """
    before = _BEFORE.match(line)
    assert before
    start = before.end()
    if start > MAX_BEFORE:
        return False, 0
    word = line[start : start + len(_WORD)]
    if not _WORD.startswith(word):
        return False, 0
    if len(word) < len(_WORD):
        return None, 0
    colon = _COLON.match(line, start + len(_WORD))
    assert colon
    if colon.group(1):
        return True, colon.end()
    return (None if colon.end() == len(line) else False), 0


def _clean(words: str) -> str:
    """Returns the words to search for as one line without markup."""
    text = " ".join(sanitize(remove_ignorable(words)).split()).strip(_TRIMMED)
    return text[:MAX_QUERY_CHARS].strip(_TRIMMED) if any(map(str.isalnum, text)) else ""
