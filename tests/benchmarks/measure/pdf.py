"""Reading PDFs: what is read in order and time per page, beside pypdfium2's own text and others.

Layouts of `tests/support/pdf_layouts.py`: a paragraph or row counts as read where its words stand
one after another, after those of the one before it; a layout is right where all do and nothing
else (a running head) is in the text. Where a row ends or which cells it has is not judged.
Libraries that are not installed are left out: `pip install pdfplumber pypdf pdfminer.six`.
"""

import io
import re
import time
from collections.abc import Callable
from importlib.util import find_spec

import pypdfium2

from index.formats.pdf import extract_pdf
from tests.support.pdf_layouts import FARES, LAYOUTS, LEFT, MIDDLE, RIGHT
from tests.support.pdf_writer import Page, write_pdf

ROUNDS = 5
PAGES = 20
_IGNORED = re.compile(r"[\s|\-‐\ufffe\x02•.]+")

Reader = Callable[[bytes], str]


def footnote(data: bytes) -> str:
    """Our reader."""
    return extract_pdf(data).text


def pdfium(data: bytes) -> str:
    """pypdfium2's text, in the order of the file."""
    pdf = pypdfium2.PdfDocument(data)
    texts = []
    for page in pdf:
        textpage = page.get_textpage()
        texts.append(textpage.get_text_range())
        textpage.close()
        page.close()
    pdf.close()
    return "\n".join(texts)


def plumber(data: bytes) -> str:
    """The text of pdfplumber."""
    import pdfplumber  # type: ignore[import-not-found]  # a rival, not installed with the project

    with pdfplumber.open(io.BytesIO(data)) as pdf:
        return "\n".join(page.extract_text() or "" for page in pdf.pages)


def pypdf_text(data: bytes) -> str:
    """The text of pypdf."""
    import pypdf  # type: ignore[import-not-found]  # a rival, not installed with the project

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def miner(data: bytes) -> str:
    """The text of pdfminer.six, which analyses the layout."""
    from pdfminer.high_level import (  # type: ignore[import-not-found]  # a rival, not installed
        extract_text,
    )

    return str(extract_text(io.BytesIO(data)))


READERS: dict[str, tuple[str, Reader]] = {
    "footnote": ("pypdfium2", footnote),
    "pypdfium2": ("pypdfium2", pdfium),
    "pdfplumber": ("pdfplumber", plumber),
    "pypdf": ("pypdf", pypdf_text),
    "pdfminer.six": ("pdfminer", miner),
}


def read_in_order(text: str, expected: list[str]) -> int:
    """Returns how many of the expected paragraphs and rows stand in the text, in order."""
    squeezed = _IGNORED.sub("", text)
    found = cursor = 0
    for part in expected:
        words = _IGNORED.sub("", part)
        index = squeezed.find(words, cursor)
        if index >= 0:
            found, cursor = found + 1, index + len(words)
    return found


def _is_right(text: str, expected: list[str]) -> bool:
    length = len(_IGNORED.sub("", "".join(expected)))
    is_whole = read_in_order(text, expected) == len(expected)
    return is_whole and len(_IGNORED.sub("", text)) == length


def prose() -> bytes:
    """Pages of 50 lines of prose, each line one text object."""
    lines = [f"{left} {right}" for left, right in zip(LEFT, MIDDLE, strict=True)] * 10
    return write_pdf(*(Page().lines(60, 780, lines) for _ in range(PAGES)))


def words() -> bytes:
    """The same pages, each word a text object."""
    lines = [f"{left} {right}" for left, right in zip(LEFT, RIGHT, strict=True)] * 10
    pages = [Page() for _ in range(PAGES)]
    for page in pages:
        for number, line in enumerate(lines):
            x = 60.0
            for word in line.split():
                page.text(x, 780 - 13 * number, word)
                x += 5.2 * len(word) + 4
    return write_pdf(*pages)


def tables() -> bytes:
    """Pages of 48 rows of four cells."""
    rows = [FARES[0], *FARES[1:] * 12][:48]
    return write_pdf(*(Page().rows((60, 170, 280, 390), 780, rows) for _ in range(PAGES)))


def milliseconds_per_page(read: Reader, data: bytes) -> float:
    """Returns the best of some rounds, in processor time."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        read(data)
        times.append(time.process_time() - start)
    return min(times) / PAGES * 1000


def main() -> None:
    """Prints the table."""
    samples = {name: make() for name, make in LAYOUTS.items()}
    total = sum(len(expected) for _, expected in samples.values())
    pages = {"prose": prose(), "words": words(), "tables": tables()}
    print(f"{len(samples)} layouts, {total} paragraphs and rows; ms of processor time per page\n")
    print("| reader | layouts right | parts in order | " + " | ".join(pages) + " |")
    print("|---|---|---|" + "---|" * len(pages))
    for name, (module, read) in READERS.items():
        if find_spec(module) is None:
            print(f"| {name} | not installed |")
            continue
        texts = [(read(data), expected) for data, expected in samples.values()]
        found = sum(read_in_order(text, expected) for text, expected in texts)
        right = sum(_is_right(text, expected) for text, expected in texts)
        times = " | ".join(f"{milliseconds_per_page(read, data):.2f}" for data in pages.values())
        print(f"| {name} | {right} | {found} | {times} |")


if __name__ == "__main__":
    main()
