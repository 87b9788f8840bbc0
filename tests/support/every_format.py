"""A small file of every format, each with the sentence `The lamp of … was lit in 1871.`"""

import io
from collections.abc import Mapping

import pptx
import xlsxwriter

from tests.support.documents import docx, epub, paragraph, pdf


def every_format() -> Mapping[str, bytes]:
    """Returns a file by name for each format that ships, named `lamp.FORMAT`."""
    text = {name: f"The lamp of {name} was lit in 1871." for name in _TEXTS}
    files = {name: _TEXTS[name].format(text[name]).encode() for name in _TEXTS}
    files["pdf"] = pdf([["The lamp of pdf was lit in 1871."]])
    files["docx"] = docx(paragraph("The lamp of docx was lit in 1871."))
    files["epub"] = epub({"a.xhtml": "<p>The lamp of epub was lit in 1871.</p>"})
    files["xlsx"], files["pptx"] = _workbook(), _presentation()
    return {f"every/lamp.{name}": content for name, content in files.items()}


_MAIL = "From: Ada <ada@example.org>\nDate: Wed, 04 Mar 2026 10:05:00 +0100\nSubject: Lamp\n\n{}\n"
_PAGE = "<html><head><title>Lamp</title></head><body><p>{}</p></body></html>"
_TEXTS = {
    "txt": "{}\n",
    "log": "10:02 INFO {}\n",
    "md": "# Lamp\n\n{}\n",
    "mdx": "import A from './a'\n\n# Lamp\n\n{}\n",
    "html": _PAGE,
    "xhtml": f'<?xml version="1.0"?>{_PAGE}',
    "rst": "Lamp\n====\n\n{}\n",
    "org": "* Lamp\n{}\n",
    "eml": _MAIL,
    "mbox": f"From ada@example.org Wed Mar  4 10:05:00 2026\n{_MAIL}",
    "csv": "Year;Event\n1871;{}\n1872;Storm\n",
    "tsv": "Year\tEvent\n1871\t{}\n1872\tStorm\n",
    "json": '[{{"event": "{}"}}]',
    "jsonl": '{{"event": "{}"}}\n',
}


def _workbook() -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet("Lamps")
        rows = [("Year", "Event"), (1871, "The lamp of xlsx was lit in 1871."), (1872, "Storm")]
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def _presentation() -> bytes:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Lamp"
    slide.placeholders[1].text = "The lamp of pptx was lit in 1871."
    file = io.BytesIO()
    presentation.save(file)
    return file.getvalue()
