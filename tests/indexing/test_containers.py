"""What pdf, docx, epub, rst, org, tables and JSON become."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

import pytest

from index.formats import FORMATS
from index.text.chunk import chunk
from index.types import Document
from tests.support.documents import archive, docx, epub, paragraph, pdf, pdf_of
from tests.support.every_format import every_format


def read(name: str, data: bytes | str) -> Document:
    return FORMATS[name].extract(data.encode() if isinstance(data, str) else data)


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def heads(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in document.headings]


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


# --- pdf

PAGE = ["The lighthouse was lit in the month of", "May and stands.", "Its keeper wrote a log of"]


def test_a_pdf_has_pages_and_paragraphs_and_a_chunk_knows_its_page() -> None:
    document = read("pdf", pdf([[*PAGE, "many storms."], [], ["The lens is kept in a museum."]]))
    assert blocks(document)[0] == "The lighthouse was lit in the month of May and stands."
    assert len(document.pages) == 3
    assert document.text[document.pages[2] :] == "The lens is kept in a museum."
    chunks = chunk(document, "s", count_tokens=lambda texts: [100] * len(texts))
    assert [c.page for c in chunks] == [1, 1, 3]


def test_a_pdf_without_text_is_reported_as_a_scan() -> None:
    with pytest.raises(ValueError, match=r"contains no text on its 2 pages \(scanned"):
        read("pdf", pdf([[], []]))


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4\n", b"no pdf", pdf([PAGE])[:150]])
def test_a_damaged_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged PDF|contains no text"):
        read("pdf", data)


def test_a_cyclic_page_tree_is_refused() -> None:
    cyclic = pdf_of(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 9 >>",
            "<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 9 >>",
        ]
    )
    with pytest.raises(ValueError, match=r"damaged PDF|no text"):
        read("pdf", cyclic)


# --- docx


def test_a_word_document_has_headings_and_paragraphs() -> None:
    body = paragraph("The lamp", "Heading1") + paragraph("Lit &amp; kept.") + paragraph("By Hale.")
    document = read("docx", docx(body))
    assert blocks(document) == ["The lamp", "Lit & kept.", "By Hale."]
    assert (document.title, heads(document)) == ("The lamp", [(1, "The lamp")])


@pytest.mark.parametrize("name", ["docx", "epub"])
def test_a_damaged_archive_is_refused(name: str) -> None:
    for data in (b"", b"PK", docx(paragraph("x"))[:300]):
        with pytest.raises(ValueError, match="damaged zip archive"):
            read(name, data)


@pytest.mark.parametrize("name", ["docx", "epub"])
def test_a_decompression_bomb_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="inflates to more than 200 MB"):
        read(name, archive({"a.xml": bytes(201 << 20)}))


# --- epub


def test_an_epub_is_read_in_the_order_of_its_spine() -> None:
    document = read(
        "epub", epub({"b.xhtml": "<h1>One</h1><p>First.</p>", "a x.xhtml": "<h2>Two</h2>"})
    )
    assert blocks(document) == ["One", "First.", "Two"]
    assert heads(document) == [(1, "One"), (2, "Two")]
    assert document.text[document.headings[1].start :] == "Two"
    assert (document.title, document.metadata) == ("The log", {"date": "1871"})


def test_an_encrypted_epub_is_refused() -> None:
    cipher = (
        "<e><CipherReference xmlns='http://www.w3.org/2001/04/xmlenc#' URI='OEBPS/a.xhtml'/></e>"
    )
    with pytest.raises(ValueError, match="DRM"):
        read("epub", epub({"a.xhtml": "<p>x</p>"}, {"META-INF/encryption.xml": cipher}))


def test_an_incomplete_epub_is_refused_with_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"contains no META-INF/container\.xml"):
        read("epub", archive({"a": "b"}))


# --- rst and org


def test_rst_keeps_its_characters_and_has_headings() -> None:
    text = (
        "=====\nLight\n=====\nRight below.\n\nKeeper\n------\n\nDr. Hale\nwrote.\n\n.. note:: x\n"
    )
    document = read("rst", text)
    assert document.text == text
    assert blocks(document) == [
        "=====\nLight\n=====",
        "Right below.",
        "Keeper\n------",
        "Dr. Hale\nwrote.",
        ".. note:: x",
    ]
    assert (document.title, heads(document)) == ("Light", [(1, "Light"), (2, "Keeper")])


def test_org_has_stars_for_headings_and_keywords_for_its_title() -> None:
    text = "#+TITLE: Light\n#+DATE: 1871\n\n* One\nText.\n** Two\n\nMore\ntext.\n"
    document = read("org", text)
    assert document.text == text
    assert blocks(document) == ["* One", "Text.", "** Two", "More\ntext."]
    assert heads(document) == [(1, "One"), (2, "Two")]
    assert (document.title, document.metadata) == ("Light", {"date": "1871"})


# --- tables and records


def test_a_row_is_a_chunk_under_its_number() -> None:
    document = read("csv", 'name;born\nAda;1815\n"Grace\n H.";1906\n;\n')
    assert blocks(document) == [
        "row 2",
        "name: Ada; born: 1815",
        "row 3",
        "name: Grace H.; born: 1906",
    ]
    chunks = chunk(document, "s", count_tokens=words)
    assert [c.heading for c in chunks] == ["row 2", "row 3"]


def test_a_table_without_column_names_is_read_from_its_first_row() -> None:
    assert blocks(read("tsv", "1\tAda\n2\tGrace\n")) == ["row 1", "1; Ada", "row 2", "2; Grace"]


def test_json_records_are_chunks_with_paths_for_names() -> None:
    document = read("json", '[{"a": {"b": 1, "c": ["x", true]}, "d": null}, "y"]')
    assert blocks(document) == ["record 1", "a.b: 1; a.c: x; a.c: true", "record 2", "y"]


def test_json_lines_carry_the_lines_number() -> None:
    assert blocks(read("jsonl", '{"a": 1}\n\n{"a": 2}\n')) == ["line 1", "a: 1", "line 3", "a: 2"]


def test_malformed_json_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match="malformed JSON: line 2: Expecting"):
        read("jsonl", '{"a": 1}\n{"a": }\n')


@pytest.mark.parametrize("name", ["json", "jsonl", "rst", "org"])
def test_blocks_are_in_order_and_cover_the_text(name: str) -> None:
    document = read(name, '{"a": "x y"}\n')
    ends = [end for _, end in document.blocks]
    assert all(start >= end for (start, _), end in zip(document.blocks[1:], ends, strict=False))
    assert "x y" in document.text


@pytest.mark.parametrize("name", ["docx", "xlsx"])  # python-pptx reads them itself, and refuses
def test_damaged_properties_do_not_cost_a_file_its_text(name: str) -> None:
    with zipfile.ZipFile(BytesIO(every_format()[f"every/lamp.{name}"])) as file:
        members = {member: file.read(member) for member in file.namelist()}
    members["docProps/core.xml"] = b"<cp:coreProperties"
    document = FORMATS[name].extract(archive(members))
    assert f"The lamp of {name} was lit in 1871." in document.text
    assert "date" not in document.metadata
