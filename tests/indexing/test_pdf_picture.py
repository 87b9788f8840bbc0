"""The picture of a page of a PDF, with the passage marked where its words stand."""

import struct
import zlib

import numpy as np
import pytest

from index.formats.pdf_picture import MAX_PIXELS, draw_page, find_passage
from index.sync.sandbox import Sandbox
from tests.support.documents import pdf
from tests.support.pdf_layouts import unruled_table
from tests.support.pdf_writer import Page, write_pdf


def pixels(png: bytes) -> np.ndarray:
    """The picture as (height, width, 3)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, size, data = 8, (0, 0), b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            name + body
        )
        size = struct.unpack(">II", body[:8]) if name == b"IHDR" else size
        data += body if name == b"IDAT" else b""
        at += 12 + length
    width, height = size
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + 3 * width)
    return rows[:, 1:].reshape(height, width, 3)


def marked_box(png: bytes) -> tuple[float, float, float, float] | None:
    """Where it is yellow, as shares of the picture: left, top, right, bottom."""
    image = pixels(png).astype(int)
    ys, xs = np.nonzero(image[:, :, 0] - image[:, :, 2] > 60)
    if not len(xs):
        return None
    height, width, _ = image.shape
    return xs.min() / width, ys.min() / height, xs.max() / width, ys.max() / height


def test_a_row_of_a_table_is_marked_in_its_line() -> None:
    box = marked_box(draw_page(unruled_table()[0], 1, "Birch line | 31 km | 48 min | 6.90"))
    assert box is not None
    left, top, right, bottom = box
    assert left < 0.15
    assert right > 0.6
    assert bottom - top < 0.02


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_turned_page_is_marked_where_its_words_are_seen(rotate: int) -> None:
    page = Page(rotate=rotate).text(50, 800, "First words of the page.").text(50, 40, "Last words.")
    box = marked_box(draw_page(write_pdf(page), 1, "Last words."))
    assert box is not None
    left, top, right, bottom = box
    middle = ((left + right) / 2, (top + bottom) / 2)
    corner = {0: (0, 1), 90: (0, 0), 180: (1, 0), 270: (1, 1)}[rotate]
    assert all(abs(at - wanted) < 0.25 for at, wanted in zip(middle, corner, strict=True))


def test_a_passage_that_goes_on_on_the_next_page_is_marked_up_to_there() -> None:
    file = pdf([["Nothing here but the beginning of"], ["a sentence."]])
    assert marked_box(draw_page(file, 1, "the beginning of a sentence.")) is not None
    assert marked_box(draw_page(file, 1, "of another thing")) is None
    assert marked_box(draw_page(file, 1, "")) is None


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("One hyphen-\r\nated word.", "hyphenated word", "hyphen-\r\nated word"),
        ("\u2022 an item", "- an item", "an item"),
        ("abc", "abcd", None),
        ("a sentence ends here", "sentence ends here and goes on", "sentence ends here"),
        ("x", "...", None),
        ("", "x", None),
    ],
)
def test_letters_and_figures_alone_find_a_passage(text: str, quote: str, found: str | None) -> None:
    span = find_passage(text, quote)
    assert (span and text[slice(*span)]) == found


def test_a_large_page_has_a_picture_of_a_bounded_size() -> None:
    page = Page(width=14_000, height=14_000).text(500, 500, "Far away.", size=300)
    assert pixels(draw_page(write_pdf(page), 1, "")).size <= 3.1 * MAX_PIXELS


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_page_that_is_not_there_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match="no page"):
        draw_page(pdf([["One."]]), number, "")


def test_the_sandbox_draws_and_survives_a_file_that_is_none() -> None:
    sandbox = Sandbox()
    try:
        assert sandbox.draw_page(pdf([["One word."]]), 1, "word").startswith(b"\x89PNG")
        with pytest.raises(ValueError, match="damaged PDF"):
            sandbox.draw_page(b"%PDF-1.4 nothing", 1, "")
        with pytest.raises(ValueError, match="no page 9"):
            sandbox.draw_page(pdf([["One word."]]), 9, "")
        assert "One word." in sandbox.read("pdf", pdf([["One word."]]), "s").text
    finally:
        sandbox.close()
