"""A model's text → text and markers, whatever notation the model uses for its citations.

The model's links and images are reduced to their text, link definitions are removed, code is left
alone (but a code span that holds nothing but markers is markers). The pieces do not depend on how
the text was split; the time is linear in its length.
"""

import re
from collections.abc import Callable

from .markers import Marker, Ref, Text, may_be_round, parse_refs, parse_round

MAX_BRACKET = 64
"""A bracket that stays open for longer is text."""

MAX_CODE = 200
"""A backtick not closed within so many characters, or on its line, is text."""

MAX_TARGET = 3000
"""A link's target that is longer is text."""

_SPECIAL = re.compile(r"[\[\]【!`\\\n(]")
_SINGLE = re.compile(rf"\\?\[([^\[\]\n]{{0,{MAX_BRACKET}}})\]")
_DOUBLE = re.compile(rf"\[\[([^\[\]\n]{{0,{MAX_BRACKET}}})\]\]")
_LENTICULAR = re.compile(rf"【([^【】\n]{{0,{MAX_BRACKET}}})】")
_OPEN = re.compile(
    rf"(?:\\?\[[^\[\]\n]{{0,{MAX_BRACKET}}}"
    rf"|\[\[[^\[\]\n]{{0,{MAX_BRACKET}}}\]?"
    rf"|【[^【】\n]{{0,{MAX_BRACKET}}})\Z"
)
_HALF = re.compile(r"\\?(?:\[{1,2}|【)(?:p|passage )?[\d.,; –-]{0,64}\Z")
_ONLY_MARKERS = re.compile(r"\s*(?:(?:\[[^\[\]]+\]|【[^【】]+】)\s*)+")
_URL = r"(?:<[^<>\n]*+>|[^\s()<>]*+(?:\([^\s()]*+\)[^\s()]*+)*+)"
_TITLE = r"""(?:"[^"\n]*+"|'[^'\n]*+'|\([^()\n]*+\))"""
_TARGET = re.compile(rf"\([ \t]*+{_URL}(?:[ \t]++(?:{_TITLE}[ \t]*+)?)?\)")
_TARGET_OPEN = re.compile(
    r"""\([ \t]*+(?:<[^<>\n]*+(?:>[^\n]*+)?"""
    r"""|[^\s()<>]*+(?:\([^\s()]*+\)[^\s()]*+)*+(?:\([^\s()]*+|[ \t]++(?:["'(][^\n]*+)?)?)\Z"""
)
_TICKS = re.compile(r"`{1,32}")
_INDENT = re.compile(r"[ \t]{0,20}")
_FENCE = re.compile(
    r"(?:(`{3,32})(?!`)(?:[^`\n]{0,99}(?:\n|\Z)|[^`\n]{100})"
    r"|(~{3,32})(?!~)(?:[^\n]{0,99}(?:\n|\Z)|[^\n]{100}))"
)
_FENCE_OPEN = re.compile(r"(?:`{1,2}|~{1,2}|`{3,32}[^`\n]{0,99}|~{3,32}[^\n]{0,99})\Z")
_LABEL = re.compile(rf"\[(\^?)[^\[\]\n]{{1,{MAX_BRACKET - 1}}}\]:")
_ADDRESS = re.compile(r"[ \t]{0,20}<?(?:[A-Za-z][A-Za-z0-9+.-]{1,30}:\S|//|www\.|\.{0,2}/|#)")
_ADDRESS_CHARS = 60


class MarkerLexer:
    """Splits a growing text into text and markers; the caller keeps what is not yet certain."""

    def __init__(self, exists: Callable[[Ref], bool]) -> None:
        """`exists`: can it be cited? If not, a number in round brackets is just a number."""
        self._exists, self._has_square = exists, False
        self._buffer = ""
        self._final = False
        self._line_start = True
        self._fence: str | None = None
        self._dropping = False
        self._pieces: list[Text | Marker] = []

    def lex(self, text: str, *, is_final: bool) -> tuple[list[Text | Marker], int]:
        """Returns the pieces that are certain, and how many characters of the text they cover.

        The next call must pass the rest, with more text after it.
        """
        self._buffer, self._final, self._pieces = text, is_final, []
        at = 0
        while at < len(text):
            end = self._step(at)
            if end is None:
                break
            at = end
        return self._pieces, at

    def _step(self, at: int) -> int | None:
        """Lexes what begins at `at`; returns where it ends, None when more text is needed."""
        if self._dropping:
            return self._drop_line(at)
        if self._fence is not None:
            return self._fenced(at)
        if self._line_start:
            indent = _INDENT.match(self._buffer, at)
            past = indent.end() if indent else at
            if past == len(self._buffer) and past - at < 20 and not self._final:
                return None
            begun = self._begin_line(at, past)
            if begun != at or self._dropping:
                return begun
        special = _SPECIAL.search(self._buffer, at)
        if special is None or special.start() > at:
            return self._text(at, special.start() if special else len(self._buffer))
        return self._special(at)

    def _text(self, start: int, end: int) -> int:
        self._line_start = False
        self._emit(self._buffer[start:end])
        return end

    def _emit(self, text: str) -> None:
        if text:
            self._pieces.append(Text(text))

    def _mark(self, refs: tuple[Ref, ...]) -> None:
        self._line_start = False
        self._pieces.append(Marker(refs))

    def _begin_line(self, at: int, past: int) -> int | None:
        """At a line's first character: opens a code fence or begins to drop a link definition."""
        first = self._buffer[past : past + 1]
        if first in ("`", "~"):
            if not self._final and _FENCE_OPEN.match(self._buffer, past):
                return None
            if opened := _FENCE.match(self._buffer, past):
                self._fence = opened.group(1) or opened.group(2)
                self._emit(self._buffer[at : opened.end()])
                self._line_start = opened.group().endswith("\n")
                return opened.end()
        elif first == "[":
            defines = self._defines(past)
            if defines is None:
                return None
            self._dropping = defines
        self._line_start = False
        return at

    def _defines(self, at: int) -> bool | None:
        """Whether the line defines a link or a footnote; None when more text is needed."""
        buffer = self._buffer
        if not (label := _LABEL.match(buffer, at)):
            closed = _SINGLE.match(buffer, at)
            open_yet = _OPEN.match(buffer, at) or (closed and closed.end() == len(buffer))
            return None if open_yet and not self._final else False
        if label.group(1):
            return True
        rest = buffer[label.end() : label.end() + _ADDRESS_CHARS]
        if len(rest) < _ADDRESS_CHARS and "\n" not in rest and not self._final:
            return None
        return bool(_ADDRESS.match(rest))

    def _drop_line(self, at: int) -> int:
        end = self._buffer.find("\n", at)
        if end < 0:
            return len(self._buffer)
        self._dropping, self._line_start = False, True
        return end + 1

    def _fenced(self, at: int) -> int | None:
        """Copies fenced code, up to and including the line that closes it."""
        assert self._fence
        buffer, mark = self._buffer, re.escape(self._fence[0])
        if self._line_start:
            run = rf"[ \t]{{0,20}}{mark}{{{len(self._fence)},40}}[ \t]{{0,20}}"
            if closed := re.compile(rf"{run}(?:\n|\Z)").match(buffer, at):
                if not closed.group().endswith("\n") and not self._final:
                    return None
                self._fence = None
                self._emit(closed.group())
                return closed.end()
            maybe = re.compile(rf"[ \t]{{0,20}}{mark}{{0,40}}[ \t]{{0,20}}\Z")
            if not self._final and maybe.match(buffer, at):
                return None
        end = buffer.find("\n", at) + 1
        self._text(at, end or len(buffer))
        self._line_start = end > 0
        return end or len(buffer)

    def _special(self, at: int) -> int | None:
        sign = self._buffer[at]
        if sign == "\n":
            self._text(at, at + 1)
            self._line_start = True
            return at + 1
        if sign == "`":
            return self._code(at)
        if sign in "[【":
            return self._bracket(at)
        if sign == "(":
            return self._round(at)
        if at + 1 == len(self._buffer) and not self._final:
            return None
        follows = self._buffer[at + 1 : at + 2]
        if sign == "\\":
            return self._bracket(at) if follows == "[" else self._escape(at, follows)
        if sign == "!" and follows == "[":
            return self._image(at)
        if sign == "]" and follows == "(":
            past = self._target(at + 1)
            return past and self._text(at, at + 1) and past
        return self._text(at, at + 1)

    def _escape(self, at: int, follows: str) -> int:
        return self._text(at, at + 2 if follows and follows in "]`!\\" else at + 1)

    def _bracket(self, at: int) -> int | None:
        buffer = self._buffer
        if not self._final and _OPEN.match(buffer, at):
            return None
        if self._final and _HALF.match(buffer, at):  # the model was cut off in mid-marker
            return len(buffer)
        closed = _DOUBLE.match(buffer, at)
        refs = parse_refs(closed.group(1)) if closed else ()
        if not refs:
            closed = _SINGLE.match(buffer, at) or _LENTICULAR.match(buffer, at)
            refs = parse_refs(closed.group(1)) if closed else ()
        if closed is None or (not refs and buffer[at] != "["):
            return self._text(at, at + 2 if buffer[at] == "\\" else at + 1)
        past = self._target(closed.end())
        if past is None:
            return None
        self._line_start = False
        if refs:
            self._has_square = True
            self._mark(refs)
            return past
        if past > closed.end():
            self._emit(closed.group(1))
            return past
        return self._text(at, at + 1)

    def _round(self, at: int) -> int | None:
        """A round bracket is a marker if it points at something and none was square."""
        if not self._final and may_be_round(self._buffer, at):
            return None
        past, refs = parse_round(self._buffer, at)
        if self._has_square or not refs or not any(map(self._exists, refs)):
            return self._text(at, at + 1)
        self._mark(refs)
        return past

    def _image(self, at: int) -> int | None:
        closed = _SINGLE.match(self._buffer, at + 1)
        if closed is None or parse_refs(closed.group(1)):
            if not closed and not self._final and _OPEN.match(self._buffer, at + 1):
                return None
            return self._text(at, at + 1)
        past = self._target(closed.end())
        if past is not None and past > closed.end():
            self._line_start = False
            self._emit(closed.group(1))
            return past
        return past and self._text(at, at + 1)

    def _target(self, at: int) -> int | None:
        """Returns the end of the link target at `at`; `at` itself when there is none."""
        buffer, end = self._buffer, at + MAX_TARGET
        if at == len(buffer):
            return at if self._final else None
        if target := _TARGET.match(buffer, at, end):
            return target.end()
        if self._final or len(buffer) >= end or not _TARGET_OPEN.match(buffer, at):
            return at
        return None

    def _code(self, at: int) -> int | None:
        """Copies a code span, unless it holds nothing but markers."""
        buffer, final = self._buffer, self._final
        ticks = _TICKS.match(buffer, at)
        assert ticks
        begin, size = ticks.end(), len(ticks.group())
        if begin == len(buffer) and size < 32 and not final:
            return None
        newline = buffer.find("\n", begin, begin + MAX_CODE)
        limit = newline if newline >= 0 else begin + MAX_CODE
        for run in _TICKS.finditer(buffer, begin, limit + 33):
            if run.start() >= limit:
                break
            if run.end() == len(buffer) and not final:
                return None
            if len(run.group()) == size:
                return self._span(at, begin, run)
        if newline < 0 and len(buffer) < limit + 33 and not final:
            return None
        return self._text(at, begin)

    def _span(self, at: int, begin: int, run: re.Match[str]) -> int:
        inside = self._buffer[begin : run.start()]
        if _ONLY_MARKERS.fullmatch(inside):
            markers = [parse_refs(part) for part in re.findall(r"[\[【]([^\[\]【】]+)", inside)]
            if all(markers):
                for refs in markers:
                    self._mark(refs)
                return run.end()
        return self._text(at, run.end())
