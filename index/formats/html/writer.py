"""Writes the text of a web page: inline text, closed into paragraphs, headings and units."""

from bisect import bisect_right
from dataclasses import dataclass, field

from ...text.sentences import sentence_spans
from ...types import Heading, Span, UnitKind
from ..builder import DocumentBuilder

MAX_INTRODUCTION_CHARS = 500
"""A longer sentence before a list or code block is no introduction to it."""

_BREAK = None
_Inline = list[str | None]


@dataclass(slots=True)
class TextWriter(DocumentBuilder):
    """Collects inline text, closed into blocks."""

    inline: _Inline = field(default_factory=list)
    last_paragraph: Span | None = None
    notes: dict[str, tuple[str, Span]] = field(default_factory=dict)
    marks: list[tuple[str, str]] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Adds text to the current paragraph."""
        self.inline.append(text)

    def add_break(self) -> None:
        """Adds a line break; two in a row end a paragraph."""
        self.inline.append(_BREAK)

    def add_mark(self, mark: str, target: str) -> None:
        """Adds a reference mark right behind the word before it: `[1]`; `target` is its note."""
        self.marks.append((mark, target))
        while self.inline and (last := self.inline[-1]) is not None:
            self.inline[-1] = last = last.rstrip()
            if last:
                break
            self.inline.pop()
        self.inline.append(f"[{mark}]")

    def take_lines(self) -> list[str]:
        """Returns the lines of the current paragraph, white space collapsed, and begins another."""
        lines: list[list[str]] = [[]]
        for part in self.inline:
            if part is _BREAK:
                lines.append([])
            else:
                lines[-1].append(part)
        self.inline.clear()
        return [" ".join("".join(line).split()) for line in lines]

    def close_paragraph(self) -> None:
        """Ends the paragraph; each part between empty lines is a block."""
        if not self.inline:
            return
        paragraph: list[str] = []
        for line in [*self.take_lines(), ""]:
            if line:
                paragraph.append(line)
            elif paragraph:
                span = self.add_block("\n".join(paragraph))
                paragraph = []
                self.last_paragraph = span

    def add_block(
        self,
        text: str,
        kind: UnitKind | None = None,
        *,
        under: tuple[Span, ...] = (),
        gap: str = "\n\n",
    ) -> Span:
        """Appends a block after a gap, a unit where it has a kind; returns its span."""
        if kind:
            span = self.unit(text, kind, under, separator=gap)
        else:
            span = self.paragraph(text, separator=gap)
        self.last_paragraph = None
        if self.marks:
            self._note_marks(span)
        return span

    def add_heading(self, level: int) -> None:
        """Ends the paragraph as a heading of this level."""
        text = " ".join(line for line in self.take_lines() if line)
        if text:
            span = self.add_block(text, "heading")
            self.headings.append(Heading(*span, level=level, text=text))

    def add_code(self, text: str, *, under: tuple[Span, ...]) -> None:
        """Appends a block of code with its line breaks, without blank lines around it."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).split("\n")
        lines = [line.rstrip() for line in lines]
        while lines and not lines[0]:
            lines.pop(0)
        code = "\n".join(lines).rstrip()
        if code:
            self.add_block(code, "code", under=under or self.introduction())

    def introduction(self) -> tuple[Span, ...]:
        """Returns the last sentence of the paragraph right before, none where it is long."""
        if self.last_paragraph is None:
            return ()
        text = self.parts[-1]
        start = max(len(text) - MAX_INTRODUCTION_CHARS, 0)
        first, last = sentence_spans(text, start, len(text))[-1]
        offset = self.last_paragraph[0]
        return () if first == start > 0 else ((offset + first, offset + last),)

    def end_part(self) -> None:
        """Ends a part of the page: only a sentence with a colon introduces what follows it."""
        if self.last_paragraph and not self.parts[-1].endswith((":", "：")):
            self.last_paragraph = None

    def _note_marks(self, span: Span) -> None:
        """Notes for each mark of the last block which sentence refers to its note."""
        text = self.parts[-1]
        sentences = sentence_spans(text, 0, len(text))
        place = 0
        for mark, target in self.marks:
            place = max(text.find(f"[{mark}]", place), place)
            start, end = sentences[bisect_right(sentences, (place, len(text))) - 1]
            self.notes.setdefault(target, (mark, (span[0] + start, span[0] + end)))
        self.marks.clear()
