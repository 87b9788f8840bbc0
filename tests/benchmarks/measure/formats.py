"""Processor time to read each new format, per MB and per page, beside the library alone.

python -m tests.benchmarks.measure.formats [--pages N]

A page is a slide, a mail, or 50 rows. The library alone makes Python values of all cells, the text
of all shapes, or the text of all parts, with no offsets, header or history.
"""

import argparse
import csv
import io
import sys
import time
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

import pptx
import xlsxwriter
from python_calamine import CalamineWorkbook

from index.formats import FORMATS
from index.formats.markdown import extract_markdown

ROWS_A_PAGE = 50
REPEATS = 3
SENTENCE = "The pump of mill {n} stops at 40 degrees, and its seal is replaced every spring. "

Read = Callable[[bytes], object]


def rows(pages: int) -> list[list[object]]:
    """Returns a header and rows of six cells."""
    header: list[object] = ["Mill", "Town", "Year", "Flow", "Share", "Note"]
    return [header] + [
        [f"Mill {n}", f"Town {n % 97}", 1900 + n % 120, n * 1.5, n / 1_000, "seal replaced"]
        for n in range(pages * ROWS_A_PAGE)
    ]


def make_csv(pages: int) -> bytes:
    """Returns the rows as CSV."""
    file = io.StringIO()
    csv.writer(file).writerows(rows(pages))
    return file.getvalue().encode()


def make_xlsx(pages: int) -> bytes:
    """Returns the rows as a workbook."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Mills")
        for number, row in enumerate(rows(pages)):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def make_pptx(pages: int) -> bytes:
    """Returns a presentation with a title and six bullets a slide."""
    presentation = pptx.Presentation()
    for number in range(pages):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"Mill {number}"
        slide.placeholders[1].text = "\n".join(SENTENCE.format(n=n) for n in range(6))
    file = io.BytesIO()
    presentation.save(file)
    return file.getvalue()


def make_mbox(pages: int) -> bytes:
    """Returns a mailbox in which each mail quotes the one before."""
    mails, last = [], ""
    for number in range(pages):
        own = "".join(SENTENCE.format(n=number * 10 + n) + "\n" for n in range(8))
        body = f"{own}\nOn Wed, 4 Mar 2026, Ada wrote:\n{last}"
        head = f"From: Ada <a@b.org>\nSubject: Mill {number}\nDate: Wed, 04 Mar 2026 10:05:00 +0100"
        mails.append(f"From a@b.org Wed Mar  4 10:05:00 2026\n{head}\n\n{body}\n\n")
        last = "".join(f"> {line}\n" for line in own.splitlines())
    return "".join(mails).encode()


def make_mdx(pages: int) -> bytes:
    """Returns sections of prose within tags."""
    prose = "".join(SENTENCE.format(n=n) for n in range(20))
    section = f"<Note title='a'>\n\n  {prose}\n\n</Note>\n\nThe {{props.x}} of it. {prose}\n\n"
    return ("import A from './a'\n\n" + f"## Mill\n\n{section}" * pages).encode()


def make_log(pages: int) -> bytes:
    """Returns lines of a log."""
    return "".join(f"10:02 INFO {SENTENCE.format(n=n)}\n" for n in range(pages * 50)).encode()


def read_pptx(data: bytes) -> list[str]:
    """Returns the text of all shapes."""
    slides = pptx.Presentation(io.BytesIO(data)).slides
    return [s.text_frame.text for slide in slides for s in slide.shapes if s.has_text_frame]


def read_mbox(data: bytes) -> list[str]:
    """Returns the text of all mails."""
    mails = data.split(b"From a@b.org")[1:]
    return [message_from_bytes(mail, policy=default).get_content() for mail in mails]


def read_xlsx(data: bytes) -> object:
    """Returns all cells."""
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


CASES: dict[str, tuple[Callable[[int], bytes], str, Read]] = {
    "csv": (make_csv, "csv", lambda data: list(csv.reader(io.StringIO(data.decode())))),
    "xlsx": (make_xlsx, "calamine", read_xlsx),
    "pptx": (make_pptx, "python-pptx", read_pptx),
    "mbox": (make_mbox, "email", read_mbox),
    "mdx": (make_mdx, "as .md", extract_markdown),
    "log": (make_log, "decode", lambda data: data.decode().splitlines()),
}


def seconds(read: Read, data: bytes) -> float:
    """Returns the least processor time of some repeats, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        read(data)
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints a line per format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200)
    pages = parser.parse_args().pages
    sys.stdout.write("format      MB   s/MB  ms/page  library      s/MB  ms/page  ratio\n")
    for name, (make, library, bare) in CASES.items():
        data = make(pages)
        size = len(data) / 1e6
        ours, theirs = seconds(FORMATS[name].extract, data), seconds(bare, data)
        sys.stdout.write(
            f"{name:6}{size:8.2f}{ours / size:7.2f}{ours / pages * 1e3:9.2f}  {library:11}"
            f"{theirs / size:6.2f}{theirs / pages * 1e3:9.2f}{ours / max(theirs, 1e-9):7.1f}\n"
        )


if __name__ == "__main__":
    main()
