"""A page of a PDF → a picture of it as PNG, with a passage marked where its words stand.

The passage is what was extracted, with other white space, bullets and hyphens than the page has; so
its letters and figures alone are looked for. It runs in the sandbox, as extraction does.
"""

import math
import struct
import zlib
from bisect import bisect_right
from typing import Any

from .pdf.read import MAX_LAYOUT_CHARS

MAX_PIXELS = 2_500_000
SCALE = 2.0
"""Pixels for a point, where the page is not too large."""
MIN_MARKED = 12
"""Letters and figures of a passage's beginning that are marked where the whole is not there: it may
go on on the next page."""
_MARK = (1.0, 0.9, 0.4)
"""What is left of red, green and blue."""


def draw_page(data: bytes, number: int, quote: str) -> bytes:
    """Returns page `number` (from 1) as PNG; raises ValueError where there is none."""
    import pypdfium2  # type: ignore[import-untyped]  # it ships no types

    try:
        pdf = pypdfium2.PdfDocument(data)
        if not 1 <= number <= len(pdf):
            raise ValueError(f"has no page {number}")
        page = pdf[number - 1]
        width, height = page.get_size()
        area = max(width * height, 1.0)
        scale = min(SCALE, math.sqrt(MAX_PIXELS / area))
        if not 0 < scale * min(width, height) < MAX_PIXELS:
            raise ValueError("has a page of no size")
        bitmap = page.render(scale=scale, rev_byteorder=True, maybe_alpha=False)
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"damaged PDF: {error}") from error
    pixels = bitmap.to_numpy()[:, :, :3].copy()
    _mark(pixels, page, bitmap.get_posconv(page), quote)
    return _png(pixels)


def find_passage(text: str, quote: str) -> tuple[int, int] | None:
    """Returns where a page's text has the letters and figures of a passage, or its beginning."""
    places = [index for index, character in enumerate(text) if character.isalnum()]
    letters = "".join(text[index] for index in places)
    wanted = "".join(filter(str.isalnum, quote))
    if not wanted:
        return None
    # what a longer beginning is found in, a shorter one is, too
    length = bisect_right(range(1, len(wanted) + 1), False, key=lambda n: wanted[:n] not in letters)
    if length < min(len(wanted), MIN_MARKED):
        return None
    start = letters.index(wanted[:length])
    return places[start], places[start + length - 1] + 1


def _mark(pixels: Any, page: Any, position: Any, quote: str) -> None:
    """Marks the characters of the passage; none where the page's text does not have it."""
    textpage = page.get_textpage()
    text = str(textpage.get_text_range())
    if len(text) > MAX_LAYOUT_CHARS or len(text) != textpage.count_chars():
        return
    span = find_passage(text, quote)
    if span is None:
        return
    is_marked = pixels[:, :, 0] != pixels[:, :, 0]
    for index in range(*span):
        left, bottom, right, top = textpage.get_charbox(index, loose=True)
        (x0, y0), (x1, y1) = position.to_bitmap(left, bottom), position.to_bitmap(right, top)
        x0, x1, y0, y1 = *sorted((x0, x1)), *sorted((y0, y1))
        is_marked[max(0, y0) : max(0, y1 + 1), max(0, x0) : max(0, x1 + 1)] = True
    for channel, share in enumerate(_MARK):
        values = pixels[:, :, channel]
        values[is_marked] = (values[is_marked] * share).astype(values.dtype)


def _png(pixels: Any) -> bytes:
    """Returns an image (height, width, 3) of uint8 as PNG (RFC 2083)."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
