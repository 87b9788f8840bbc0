"""A Word document → its paragraphs and headings, by mammoth's conversion to HTML."""

from io import BytesIO

from ..types import Document
from .archive import open_archive
from .html import parse_html


def extract_docx(data: bytes) -> Document:
    """Returns the document of a docx file; its title is the first top-level heading."""
    import mammoth  # type: ignore[import-untyped]  # it ships no types

    open_archive(data).close()
    html = mammoth.convert_to_html(
        BytesIO(data),
        convert_image=lambda image: [],
        include_embedded_style_map=False,
        external_file_access=False,
    ).value
    return parse_html(f"<main>{html}</main>")
