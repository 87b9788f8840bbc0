"""The reading order of PDFs: columns, tables, heads and feet, lists, pages."""

import pytest

from index.formats.pdf import extract_pdf
from tests.support.pdf_layouts import LAYOUTS


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_read_as_a_person_reads_it(name: str) -> None:
    data, expected = LAYOUTS[name]()
    document = extract_pdf(data)
    assert [document.text[start:end] for start, end in document.blocks] == expected
