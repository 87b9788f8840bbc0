"""A page of pdfium → its pieces of lines with their places, sizes and fonts, and its rules.

A line that is one text object is asked for its first and last character alone, others word by word:
each question costs a microsecond, as much as pdfium takes for a character.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from .geometry import MAX_RULES, PageContent, Rule, Segment, is_ruled_off, same_size
from .rules import read_objects

MAX_LAYOUT_CHARS = 100_000
"""Of a page; one of more keeps the order of the file."""
GAP = 0.9
"""Of the font size: a wider gap parts the pieces of a line."""
_PIECE = re.compile(r"[^\r\n\ufffe\x02]+[\ufffe\x02]?")  # the last two: a word goes on below
_WORD = re.compile(r"\S+")
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_MAX_CHAR_WIDTH = 0.62
"""Of the font size, on average over a line; a wider one may have a gap in it."""
_BOLD = re.compile(rb"bold|black|heavy|semibold|demi", re.IGNORECASE)
_MONO = re.compile(rb"mono|courier|consol|typewriter|fixed", re.IGNORECASE)
_INVISIBLE_MODES = {3, 7}
_WHITE = 250
_OCR_IMAGE_SHARE = 0.6
"""Of the page that an image covers where the invisible text above it is that of a scan."""

_Placed = TypeVar("_Placed", Segment, Rule)


@dataclass(slots=True)
class _Style:
    """How a text object is drawn: `turn` in quarters counter-clockwise, None where askew."""

    size: float
    turn: int | None
    bold: bool
    mono: bool
    is_invisible: bool
    is_white: bool


def read_page(library: Any, pdf: Any, number: int) -> tuple[PageContent, Any]:
    """Returns a page's content and the open page; raises PdfiumError where it is damaged."""
    page = pdf[number]
    width, height = page.get_size()
    textpage = page.get_textpage()
    try:
        text = str(textpage.get_text_range())
        content = PageContent(number, width, height)
        if len(text) > MAX_LAYOUT_CHARS or len(text) != textpage.count_chars():
            content.plain_text = text
        elif text.strip():
            _TextReader(library.raw, page, textpage.raw, text).read(content)
        return content, page
    finally:
        textpage.close()


class _TextReader:
    """Reads the pieces of one page."""

    def __init__(self, raw: Any, page: Any, textpage: Any, text: str) -> None:
        self._raw, self._page, self._textpage, self._text = raw, page, textpage, text
        self._box = raw.FS_RECTF()
        self._box_ref = ctypes.byref(self._box)
        self._matrix = raw.FS_MATRIX()
        self._matrix_ref = ctypes.byref(self._matrix)
        self._color = [ctypes.c_uint() for _ in range(4)]
        self._color_refs = [ctypes.byref(value) for value in self._color]
        self._styles: dict[int, _Style] = {}
        self._fonts: dict[int, tuple[bool, bool]] = {}
        self._rules: list[Rule] = []
        self._upright: list[Rule] = []
        self._areas: list[Rule] = []
        self._image_share = 0.0

    def read(self, content: PageContent) -> None:
        """Fills in the page's segments, rules and count of hidden lines."""
        left, bottom, right, top = self._page.get_bbox()
        objects = read_objects(self._raw, self._page.raw, max((right - left) * (top - bottom), 1))
        self._rules, self._areas, self._image_share = objects
        self._upright = [rule for rule in self._rules if rule.is_vertical][:MAX_RULES]
        pieces = list(self._pieces())
        visible = self._visible(pieces, (left - 1, bottom - 1, right + 1, top + 1))
        content.hidden = len(pieces) - len(visible)
        turns = Counter[int | None]()
        for style, segment in visible:
            turns[style.turn] += len(segment.text)
        if not turns:
            return
        upright = max((t for t in turns if t is not None), key=lambda t: turns[t], default=0)
        box = (left, bottom, right, top)
        for turn in sorted(turns, key=lambda t: (t != upright, t is None, t or 0)):
            group = [_turned(s, turn or 0, box) for style, s in visible if style.turn == turn]
            if turn == upright:
                content.segments = group
            else:
                content.turned.append(group)
        content.turn = 90 * upright
        content.width, content.height = right - left, top - bottom
        if upright % 2:
            content.width, content.height = content.height, content.width
        content.rules = [_turned(rule, upright, box) for rule in self._rules]

    def _visible(
        self, pieces: list[tuple[_Style, Segment]], page_box: tuple[float, float, float, float]
    ) -> list[tuple[_Style, Segment]]:
        """Returns the pieces that a reader sees; all of a page whose only text is a scan's."""
        hidden = [i for i, piece in enumerate(pieces) if self._is_hidden(*piece, page_box)]
        hidden_chars = sum(len(pieces[index][1].text) for index in hidden)
        visible_chars = sum(len(segment.text) for _, segment in pieces) - hidden_chars
        is_scan = self._image_share > _OCR_IMAGE_SHARE and 2 * visible_chars < hidden_chars
        if not hidden or not visible_chars or is_scan:
            return pieces
        left_out = set(hidden)
        return [piece for index, piece in enumerate(pieces) if index not in left_out]

    def _is_hidden(
        self, style: _Style, segment: Segment, page_box: tuple[float, float, float, float]
    ) -> bool:
        x, y = (segment.x0 + segment.x1) / 2, (segment.y0 + segment.y1) / 2
        if style.is_invisible:
            return True
        if not (page_box[0] <= x <= page_box[2] and page_box[1] <= y <= page_box[3]):
            return True
        return style.is_white and not any(
            area.x0 <= x <= area.x1 and area.y0 <= y <= area.y1 for area in self._areas
        )

    def _pieces(self) -> Iterator[tuple[_Style, Segment]]:
        text, raw, textpage = self._text, self._raw, self._textpage
        for match in _PIECE.finditer(text):
            start, end = match.span()
            breaks_word = text[end - 1] in "\ufffe\x02"
            end -= breaks_word
            while start < end and text[start].isspace():
                start += 1
            while start < end and text[end - 1].isspace():
                end -= 1
            if start == end:
                continue
            first = raw.FPDFText_GetTextObject(textpage, start)
            last = raw.FPDFText_GetTextObject(textpage, end - 1)
            style = self._style(first, start)
            if _address(first) == _address(last) and "  " not in text[start:end]:
                segment = self._segment(style, start, end)
                length = max(segment.x1 - segment.x0, segment.y1 - segment.y0)
                if (
                    length <= _MAX_CHAR_WIDTH * style.size * (end - start)
                    or " " not in segment.text
                ):
                    segment.text += "-" * breaks_word
                    yield style, segment
                    continue
            parts = list(self._parts(start, end))
            parts[-1][1].text += "-" * breaks_word
            yield from parts

    def _parts(self, start: int, end: int) -> Iterator[tuple[_Style, Segment]]:
        """Yields the parts of a line between wide gaps, word by word."""
        style: _Style | None = None
        whole: Segment | None = None
        bold_chars = 0
        for word_style, first, last in self._words(start, end):
            word = self._segment(word_style, first, last)
            if (
                whole is not None
                and style is not None
                and self._continues(style, whole, word_style, word)
            ):
                whole.text += f" {word.text}"
                whole.x0, whole.x1 = min(whole.x0, word.x0), max(whole.x1, word.x1)
                whole.y0, whole.y1 = min(whole.y0, word.y0), max(whole.y1, word.y1)
                bold_chars += len(word.text) * word.bold
                continue
            if whole is not None and style is not None:
                whole.bold = 2 * bold_chars > len(whole.text) and whole.bold
                yield style, whole
            style, whole, bold_chars = word_style, word, len(word.text) * word.bold
        if whole is not None and style is not None:
            whole.bold = 2 * bold_chars > len(whole.text) and whole.bold
            yield style, whole

    def _words(self, start: int, end: int) -> Iterator[tuple[_Style, int, int]]:
        """Yields the words of a line with their places; one drawn in two ways is two."""
        get_object, textpage = self._raw.FPDFText_GetTextObject, self._textpage
        for match in _WORD.finditer(self._text, start, end):
            first, last = match.span()
            text_object = get_object(textpage, first)
            style = self._style(text_object, first)
            if _address(text_object) != _address(get_object(textpage, last - 1)):
                for index in range(first + 1, last):
                    other = self._style(get_object(textpage, index), index)
                    if other.is_invisible != style.is_invisible or not same_size(
                        other.size, style.size
                    ):
                        yield style, first, index
                        style, first = other, index
            yield style, first, last

    def _continues(self, style: _Style, whole: Segment, word_style: _Style, word: Segment) -> bool:
        if style.turn != word_style.turn or style.is_invisible != word_style.is_invisible:
            return False
        if style.is_white != word_style.is_white or not same_size(style.size, word_style.size):
            return False
        gap = GAP * style.size
        if style.turn is not None and style.turn % 2:
            return _distance(whole.y0, whole.y1, word.y0, word.y1) < gap
        distance = _distance(whole.x0, whole.x1, word.x0, word.x1)
        return distance < gap and not is_ruled_off(whole, word, self._upright)

    def _segment(self, style: _Style, start: int, end: int) -> Segment:
        box, get_box = self._box, self._raw.FPDFText_GetLooseCharBox
        get_box(self._textpage, start, self._box_ref)
        x0, y0, x1, y1 = box.left, box.bottom, box.right, box.top
        if end - start > 1:
            get_box(self._textpage, end - 1, self._box_ref)
            x0, y0 = min(x0, box.left), min(y0, box.bottom)
            x1, y1 = max(x1, box.right), max(y1, box.top)
        text = _UNWANTED.sub(" ", self._text[start:end])
        return Segment(text, x0, y0, x1, y1, style.size, start, style.bold, style.mono)

    def _style(self, text_object: Any, index: int) -> _Style:
        address = _address(text_object)
        style = self._styles.get(address)
        if style is None or not address:
            style = self._styles[address] = self._read_style(text_object, index)
        return style

    def _read_style(self, text_object: Any, index: int) -> _Style:
        raw, textpage, matrix = self._raw, self._textpage, self._matrix
        raw.FPDFText_GetMatrix(textpage, index, self._matrix_ref)
        scale = matrix.d
        turn: int | None = 0
        if matrix.b or matrix.c or matrix.a < 0:
            scale = math.hypot(matrix.c, matrix.d)
            turn = _quarters(math.degrees(math.atan2(matrix.b, matrix.a)) % 360)
        size = abs(raw.FPDFText_GetFontSize(textpage, index) * (scale or 1))
        mode = raw.FPDFTextObj_GetTextRenderMode(text_object) if text_object else 0
        red, green, blue, alpha = self._color
        is_filled = mode == 0 and raw.FPDFText_GetFillColor(textpage, index, *self._color_refs)
        bold, mono = self._font(text_object)
        return _Style(
            size=size if 0 < size < 10_000 else 10,
            turn=turn,
            bold=bold,
            mono=mono,
            is_invisible=mode in _INVISIBLE_MODES or bool(is_filled and not alpha.value),
            is_white=bool(is_filled) and min(red.value, green.value, blue.value) >= _WHITE,
        )

    def _font(self, text_object: Any) -> tuple[bool, bool]:
        """Returns whether the font is bold and whether it is monospaced."""
        raw = self._raw
        font = raw.FPDFTextObj_GetFont(text_object) if text_object else None
        address = _address(font)
        if address not in self._fonts:
            name = ctypes.create_string_buffer(200)
            flags = 0
            if font:
                raw.FPDFFont_GetBaseFontName(font, name, len(name))
                flags = max(raw.FPDFFont_GetFlags(font), 0)
            self._fonts[address] = (
                bool(_BOLD.search(name.value)) or bool(flags & 1 << 18),
                bool(_MONO.search(name.value)) or bool(flags & 1),
            )
        return self._fonts[address]


def _address(pointer: Any) -> int:
    """Returns where a pdfium object is, 0 for none: what tells it from others of its page."""
    return ctypes.addressof(pointer.contents) if pointer else 0


def _quarters(degrees: float) -> int | None:
    """Returns an angle in quarters of a turn, 0 to 3; None if it is askew."""
    quarters = round(degrees / 90)
    return quarters % 4 if abs(degrees - 90 * quarters) < 5 else None


def _distance(a0: float, a1: float, b0: float, b1: float) -> float:
    return max(b0 - a1, a0 - b1)


def _turned(item: _Placed, turn: int, box: tuple[float, float, float, float]) -> _Placed:
    """Returns a segment or rule with its place from the upper left corner of the page as read."""
    left, bottom, right, top = box
    x0, x1, y0, y1 = item.x0, item.x1, item.y0, item.y1
    places = {
        0: (x0 - left, top - y1, x1 - left, top - y0),
        1: (y0 - bottom, x0 - left, y1 - bottom, x1 - left),
        2: (right - x1, y0 - bottom, right - x0, y1 - bottom),
        3: (top - y1, right - x1, top - y0, right - x0),
    }
    place = places[turn]
    if isinstance(item, Segment):
        item.x0, item.y0, item.x1, item.y1 = place
        return item
    return Rule(*place)
