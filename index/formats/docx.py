"""A Word document → its paragraphs and headings, by mammoth's HTML and the walker of pages."""

from io import BytesIO
from typing import Any

from ..types import Document
from .archive import open_archive
from .html import html_document


def extract_docx(data: bytes) -> Document:
    """Returns the document of a docx file; its title is the first heading of the top level."""
    import mammoth  # type: ignore[import-untyped]  # it ships no types

    open_archive(data).close()
    html = mammoth.convert_to_html(
        BytesIO(data),
        convert_image=_no_image,
        include_embedded_style_map=False,
        external_file_access=False,
    ).value
    return html_document(f"<main>{html}</main>")


def _no_image(_: Any) -> list[object]:
    return []
