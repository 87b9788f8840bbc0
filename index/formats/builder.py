"""Builds a document's generated text block by block, with its headings and units.

Blocks are separated by a blank line, rows of a table by a line end.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..text.limits import MAX_PARAGRAPHS, check_text_size
from ..text.sentences import sentence_spans
from ..types import Document, Heading, Span, Unit, UnitKind

ROW_SEPARATOR = "\n"
CELL_SEPARATOR = " | "
_BLANK_LINE = "\n\n"


@dataclass(slots=True)
class DocumentBuilder:
    """Collects blocks in reading order; all offsets are those of the text so far."""

    parts: list[str] = field(default_factory=list)
    blocks: list[Span] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    length: int = 0

    def paragraph(self, text: str, *, separator: str = _BLANK_LINE) -> Span:
        """Adds a block and returns its span; raises ValueError where the text gets too long."""
        check_text_size(self.length + len(text))
        if len(self.blocks) == MAX_PARAGRAPHS:
            raise ValueError(f"has more than {MAX_PARAGRAPHS:,} paragraphs")
        if self.blocks:
            self.parts.append(separator)
            self.length += len(separator)
        span = (self.length, self.length + len(text))
        self.parts.append(text)
        self.length = span[1]
        self.blocks.append(span)
        return span

    def heading(self, text: str, level: int) -> Span:
        """Adds a heading and returns its span."""
        span = self.paragraph(text)
        self.headings.append(Heading(*span, level=level, text=text))
        self.units.append(Unit(*span, kind="heading"))
        return span

    def unit(
        self,
        text: str,
        kind: UnitKind,
        under: tuple[Span, ...] = (),
        *,
        separator: str = _BLANK_LINE,
    ) -> Span:
        """Adds a block that is one unit and returns its span."""
        span = self.paragraph(text, separator=separator)
        self.units.append(Unit(*span, kind=kind, under=under))
        return span

    def fields(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Adds a block of `name: value` fields, each on a line of its own."""
        lines = [f"{name}: {value}" for name, value in pairs]
        if not lines:
            return
        start, _ = self.paragraph("\n".join(lines))
        for line in lines:
            self.units.append(Unit(start, start + len(line), "field"))
            start += len(line) + 1

    def table(self, rows: Sequence[Sequence[str]], *, has_header: bool) -> None:
        """Adds rows of as many cells each; the first is the header of the others."""
        header: tuple[Span, ...] = ()
        for number, cells in enumerate(rows):
            line = CELL_SEPARATOR.join(cells).strip()
            separator = ROW_SEPARATOR if number else _BLANK_LINE
            if has_header and number == 0:
                header = (self.unit(line, "heading", separator=separator),)
            else:
                self.unit(line, "row", header, separator=separator)

    def append(self, part: Document, kept: Sequence[bool], *, level: int = 0) -> None:
        """Adds the blocks of another document that are kept, its headings below a level.

        A unit's `under` that stands in an omitted block is omitted as well.
        """
        shifts: list[tuple[Span, int]] = []
        previous_end = 0
        for index, (start, end) in enumerate(part.blocks):
            if kept[index]:
                gap = part.text[previous_end:start] if shifts and index else ""
                is_row = "\n" in gap and not gap.count("\n") > 1
                separator = ROW_SEPARATOR if is_row else _BLANK_LINE
                first, _ = self.paragraph(part.text[start:end], separator=separator)
                shifts.append(((start, end), first - start))
            previous_end = end
        moved = _Moved(shifts)
        for heading in part.headings:
            if span := moved.span((heading.start, heading.end)):
                self.headings.append(Heading(*span, level=level + heading.level, text=heading.text))
        for unit in part.units:
            if span := moved.span((unit.start, unit.end)):
                under = tuple(place for above in unit.under if (place := moved.span(above)))
                self.units.append(Unit(*span, kind=unit.kind, under=under))

    def last_sentence(self) -> tuple[Span, ...]:
        """Returns the last sentence of the last block; empty where that is no plain paragraph."""
        if not self.blocks or (self.units and self.units[-1].end == self.length):
            return ()
        start = self.blocks[-1][0]
        sentences = sentence_spans(self.parts[-1], 0, len(self.parts[-1]))
        return ((start + sentences[-1][0], start + sentences[-1][1]),) if sentences else ()

    def build(
        self,
        *,
        title: str | None = None,
        pages: Sequence[int] = (),
        metadata: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
    ) -> Document:
        """Returns the document of all blocks."""
        return Document(
            text="".join(self.parts),
            blocks=tuple(self.blocks),
            title=title,
            headings=tuple(self.headings),
            pages=tuple(min(page, self.length) for page in pages),
            metadata=metadata or {},
            units=tuple(self.units),
            notes=tuple(notes),
        )


@dataclass(frozen=True, slots=True)
class _Moved:
    """Where blocks of another document went: their spans there, in order, and the shift of each."""

    shifts: Sequence[tuple[Span, int]]

    def span(self, span: Span) -> Span | None:
        """Returns where a span within a block is now; None where its block was omitted."""
        index = bisect_right(self.shifts, span[0], key=lambda item: item[0][0]) - 1
        if index < 0 or span[1] > self.shifts[index][0][1]:
            return None
        shift = self.shifts[index][1]
        return span[0] + shift, span[1] + shift
