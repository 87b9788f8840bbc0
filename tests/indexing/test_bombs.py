"""Bombs of every format: each is named or indexed within its limits, and no honest file is lost.

Each is made in milliseconds and costs far more to read than to send: it nests, repeats, inflates,
or makes a rule start again at every character.
"""

import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from index import corpus
from index.embed.factory import EmbedSpec
from index.formats import FORMATS
from index.sync import sandbox as limits
from index.text.limits import MAX_CHUNKS, MAX_HEADING_PATH_CHARS, MAX_TITLE_CHARS
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.documents import W, archive, docx, epub, paragraph, pdf_of, workbook

N = 40_000
CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"
PAGES = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
FONT = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"


def stream(content: str, dictionary: str = "") -> str:
    return f"<< /Length {len(content)} {dictionary} >>\nstream\n{content}\nendstream"


def chained_pdf() -> bytes:
    """A page whose content is deflated five times, from 100 MB."""
    data = b"BT ET " * (100_000_000 // 6)
    for _ in range(5):
        data = zlib.compress(data, 9)
    filters = "/Filter [" + "/FlateDecode " * 5 + "] /Length "
    head = pdf_of([CATALOG, PAGES, f"{PAGE} >>"])
    body = head[: head.index(b"xref")]
    return (
        body
        + f"4 0 obj\n<< {filters}{len(data)} >>\nstream\n".encode()
        + data
        + b"\nendstream\nendobj\ntrailer << /Size 5 /Root 1 0 R >>\n%%EOF\n"
    )


def nested_forms_pdf(depth: int) -> bytes:
    """Forms of which each draws the next ten times."""
    forms = [
        stream(
            "/X Do " * 10,
            f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] "
            f"/Resources << /XObject << /X {number + 1} 0 R >> >>",
        )
        for number in range(5, 5 + depth)
    ]
    text = "BT /F1 9 Tf (text) Tj ET"
    last = stream(text, f"/Type /XObject /Subtype /Form /Resources << {FONT} >>")
    page = f"{PAGE} /Resources << /XObject << /X 5 0 R >> >> >>"
    return pdf_of([CATALOG, PAGES, page, stream("/X Do"), *forms, last])


def cyclic_form_pdf() -> bytes:
    form = stream(
        "/X Do /X Do", "/Type /XObject /Subtype /Form /Resources << /XObject << /X 5 0 R >> >>"
    )
    page = f"{PAGE} /Resources << /XObject << /X 5 0 R >> >> >>"
    return pdf_of([CATALOG, PAGES, page, stream("/X Do"), form])


def deep_tree_pdf(depth: int) -> bytes:
    nodes = [f"<< /Type /Pages /Kids [{n + 1} 0 R] /Count 1 >>" for n in range(2, depth)]
    return pdf_of([CATALOG, *nodes, f"<< /Type /Page /Parent {depth} 0 R >>"])


def shared_pages_pdf(count: int) -> bytes:
    """Pages that share one content of much text."""
    kids = " ".join(f"{5 + n} 0 R" for n in range(count))
    page = f"{PAGE} /Resources << {FONT} >> >>".replace("4 0 R", "3 0 R")
    text = "BT /F1 9 Tf " + "(words of a page) Tj T* " * 2_000 + "ET"
    pages = f"<< /Type /Pages /Kids [{kids}] /Count {count} >>"
    return pdf_of([CATALOG, pages, stream(text), "null", *[page] * count])


def lying_zip(data: bytes, size: int) -> bytes:
    """The archive with another declared size for each of its members."""
    at = data.index(b"PK\x01\x02")
    while at >= 0:
        data = data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]
        at = data.find(b"PK\x01\x02", at + 46)
    return data


def overlapping_zip(members: int) -> bytes:
    """An archive of which every entry is the same compressed bytes, after Fifield 2019."""
    kernel = zlib.compress(bytes(10_000_000), 9)[2:-4]
    crc = zlib.crc32(bytes(10_000_000))
    sizes = struct.pack("<III", crc, len(kernel), 10_000_000)
    local = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0" + sizes + struct.pack("<HH", 1, 0) + b"a"
    central = b"".join(
        b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0"
        + sizes
        + struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0)
        + f"{n:05}".encode()
        for n in range(members)
    )
    start = len(local) + len(kernel)
    end = struct.pack("<HHHHIIH", 0, 0, members, members, len(central), start, 0)
    return local + kernel + central + b"PK\x05\x06" + end


def entities(document: str) -> str:
    """XML that a parser would inflate a million times."""
    declared = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 6))
    return f'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY e0 "lol">{declared}]>{document}'


def quadratic(document: str) -> str:
    """XML that names one long entity again and again."""
    return f'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "{"a" * 50_000}">]>{document}'


def external(document: str) -> str:
    return f'<!DOCTYPE z [<!ENTITY a SYSTEM "file:///etc/passwd">]>{document}'


def word(document: str) -> bytes:
    return archive({"word/document.xml": document})


def body(content: str) -> str:
    return f'<w:document xmlns:w="{W}"><w:body>{content}</w:body></w:document>'


def zipped(depth: int) -> bytes:
    data = bytes(5_000_000)
    for level in range(depth):
        data = archive({f"{level}.zip": data})
    return data


CELL = '<row><c t="inlineStr"><is><t>x</t></is></c></row>'
CORNER = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
MULTIPART = "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n"

BOMBS: dict[str, Callable[[], str | bytes]] = {
    # text
    "dots.txt": lambda: "." * (N // 2),
    "questions.txt": lambda: "? " * N,
    "marks.txt": lambda: '!"' * N,
    "newlines.txt": lambda: "a" + "\n" * N + "b",
    "blanks.txt": lambda: "a\n" + " " * N + "\nb",
    "crlf.txt": lambda: "a\r\n" * N,
    "combining.txt": lambda: "a" + "\u0301" * N,
    "line.txt": lambda: "word " * N,
    "words.txt": lambda: ("x" * 3_999 + " ") * 200,
    "ideographs.txt": lambda: "漢" * N,
    "latin.txt": lambda: b"\xe9 \xff\x80" * N,
    "mixed.txt": lambda: ("é" * N).encode() + b"\xff\xfe\x81" * N,
    "bell.txt": lambda: b"\x07\xff" * N,
    "wide.txt": lambda: b"\xff\xfe" + b"\x00\xd8" * N,
    "front.txt": lambda: "---\n" + "a: [" + "," * N,
    "matter.md": lambda: "---\n" * N,
    "title.md": lambda: f"---\ntitle: {'t' * 900}\n---\n# {'long ' * 10_000}\n\ntext",
    # Markdown
    "fence.md": lambda: "```\n" + "\n" * N + "```\n",
    "brackets.md": lambda: "[" * N,
    "images.md": lambda: "![" * N,
    "backticks.md": lambda: " ".join("`" * n for n in range(1, 600)),
    "stars.md": lambda: "**a *b " * (N // 7),
    "quotes.md": lambda: "> " * N,
    "lists.md": lambda: "".join("  " * n + "- a\n" for n in range(400)),
    "headings.md": lambda: "# a\n\nb\n\n" * 500,
    "setext.md": lambda: "a\n=\n" * 500,
    "columns.md": lambda: "|a" * 10_000 + "|\n" + "|-" * 10_000 + "|\n" + "|a|\n" * 2_000,
    "comments.md": lambda: "x <!--" * (N // 6),
    "references.md": lambda: "[a\n" * (N // 3),
    # HTML
    "deep.html": lambda: "<div>" * 100_000 + "x",
    "attributes.html": lambda: "<p " + " ".join(f"a{n}=1" for n in range(120_000)) + ">x</p>",
    "comments.html": lambda: "<!--" * N,
    "bold.html": lambda: "".join(f"<b id={n}>" for n in range(2_000)) + "<p>x" * 1_000,
    "title.html": lambda: f"<title>{'a ' * 40_000}</title><h1>{'b ' * 30_000}</h1><p>x</p>",
    "headings.html": lambda: "<h1>a</h1><p>b</p>" * 1_000,
    "lists.html": lambda: "<ol><li>" * 20_000 + "x",
    "charset.html": lambda: "<meta charset=punycode>" + "a" * N + "-" + "b" * (N // 2),
    # marked up
    "levels.org": lambda: "".join("*" * n + " a\n" for n in range(1, 300)),
    "keywords.org": lambda: "#+a: b\n" * N,
    "rules.rst": lambda: "a\n===\nb\n---\n" * 500,
    # tables
    "columns.csv": lambda: "a," * 40_000 + "\n" + "1," * 40_000,
    "names.csv": lambda: "x" * 99_000 + ",b\n" + "1,2\n" * 300,
    "open.csv": lambda: '"' + "a,b\n" * N,
    "rows.csv": lambda: "a\n" + "1\n" * (MAX_CHUNKS + 1),
    "deep.json": lambda: "[" * 1_000_000,
    "digits.json": lambda: '{"a": ' + "9" * 20_000 + "}",
    "key.json": lambda: '{"' + "k" * 100_000 + '": [' + "1," * 2_000 + "1]}",
    "path.json": lambda: '{"aaaaaaaa":' * 900 + "[" + "1," * 500 + "1]" + "}" * 900,
    "lines.jsonl": lambda: "[]\n" * N + "{",
    # PDF
    "chained.pdf": chained_pdf,
    "forms.pdf": lambda: nested_forms_pdf(12),
    "cyclic.pdf": cyclic_form_pdf,
    "deep.pdf": lambda: deep_tree_pdf(20_000),
    "many.pdf": lambda: pdf_of([CATALOG, "<< /Type /Pages /Kids [] /Count 1000000 >>"]),
    "giant.pdf": lambda: pdf_of([CATALOG, PAGES, PAGE.replace("600 800", "1e38 1e38") + " >>"]),
    "shared.pdf": lambda: shared_pages_pdf(50),
    # archives
    "laughs.docx": lambda: word(entities(body(paragraph("&e5;")))),
    "quadratic.docx": lambda: word(quadratic(body(paragraph("&a;" * 20_000)))),
    "external.docx": lambda: word(external(body(paragraph("&a;")))),
    "deep.docx": lambda: word(body("<w:p>" * N + "</w:p>" * N)),
    "tables.docx": lambda: docx("<w:tbl><w:tr><w:tc>" * 5_000 + "</w:tc></w:tr></w:tbl>" * 5_000),
    "paragraphs.docx": lambda: docx(paragraph("a") * 10_000),
    "inflating.docx": lambda: archive({"word/document.xml": bytes(190_000_000)}),
    "lying.docx": lambda: lying_zip(docx(paragraph("Text.") * 1_000), 10),
    "laughs.epub": lambda: archive({"META-INF/container.xml": entities("<z>&e5;</z>")}),
    "chapters.epub": lambda: epub({f"{n}.xhtml": "<p>a</p>" for n in range(1_000)}),
    "repeated.epub": lambda: epub({"a.xhtml" + " " * n: "<p>a</p>" for n in range(2)}),
    "deep.epub": lambda: epub({"a.xhtml": "<div>" * 20_000}),
    "overlap.epub": lambda: overlapping_zip(30_000),
    "members.epub": lambda: archive({f"{n}": "" for n in range(20_001)}),
    "nested.epub": lambda: zipped(8),
    # workbooks and presentations
    "overlap.xlsx": lambda: overlapping_zip(30_000),
    "lying.xlsx": lambda: lying_zip(workbook(CELL * 1_000), 10),
    "inflating.xlsx": lambda: archive({"xl/sharedStrings.xml": bytes(201 << 20)}),
    "corner.xlsx": lambda: workbook(f"<sheetData>{CELL}{CORNER}</sheetData>"),
    "laughs.xlsx": lambda: archive({"xl/_rels/workbook.xml.rels": entities("<z>&e5;</z>")}),
    "shared.xlsx": lambda: workbook(
        "<sheetData><row>" + '<c t="s"><v>0</v></c>' * 50_000 + "</row></sheetData>",
        strings=f"<sst><si><t>{'x' * 32_000}</t></si></sst>",
    ),
    "merged.xlsx": lambda: workbook(
        f"<sheetData>{CELL * 300}</sheetData><mergeCells>"
        + '<mergeCell ref="A1:XFD1048576"/>' * 20_000
        + "</mergeCells>"
    ),
    "overlap.pptx": lambda: overlapping_zip(30_000),
    "inflating.pptx": lambda: archive({"ppt/presentation.xml": bytes(201 << 20)}),
    "laughs.pptx": lambda: archive({"[Content_Types].xml": entities("<z>&e5;</z>")}),
    # mails
    "parts.eml": lambda: MULTIPART + "--b\n\nx\n" * 10_000 + "--b--\n",
    "deep.eml": lambda: "Subject: a\nContent-Type: message/rfc822\n\n" * 3_000 + "x",
    "headers.eml": lambda: "Subject: x\n" * 20_000 + "\nx",
    "comment.eml": lambda: f"Subject: {'(' * N}\nFrom: {'a@b,' * N}\n\nx",
    "line.eml": lambda: "Subject: a\n\n" + "word " * N,
    "quotes.eml": lambda: "Subject: a\n\n" + "On 1 May a wrote:\n> x\n" * 10_000,
    "mails.mbox": lambda: "From a@b.org Wed Mar  4 10:05:00 2026\nSubject: x\n\nx\n\n" * 500,
    # MDX, logs and lines longer than a file may be
    "open.mdx": lambda: "<a {" * N,
    "exports.mdx": lambda: "export default (\n\n" * 5_000,
    "colours.log": lambda: "\x1b[31m" * N,
    "giant.log": lambda: "x" * 20_000_001,
    "table.csv": lambda: "".join(f"{n},x\n\n" for n in range(1_000)),
}
PLACES = {f"honest/{number}.txt": f"Beacon number {number} was lit." for number in range(5)}


@contextmanager
def peak_of_readers() -> Iterator[list[int]]:
    """Yields the peak resident memory of the processes that read files, in bytes, as it grows."""
    peaks, done = [0], threading.Event()

    def poll() -> None:
        while not done.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):  # it has ended
                    status = (process / "status").read_text()
                    command = (process / "cmdline").read_bytes()
                    if f"PPid:\t{os.getpid()}\n" in status and b"sandbox_child" in command:
                        (peak,) = (line for line in status.splitlines() if "VmHWM" in line)
                        peaks.append(int(peak.split()[1]) << 10)

    polling = threading.Thread(target=poll)
    polling.start()
    try:
        yield peaks
    finally:
        done.set()
        polling.join()


def test_every_bomb_is_named_or_indexed_and_no_honest_file_is_lost(
    tmp_path: Path, hosted: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIMIT_S", 3)
    monkeypatch.setattr(limits, "LIMIT_S_PER_MB", 0)
    monkeypatch.setattr(limits, "WALL_CLOCK_FACTOR", 10)
    assert len(BOMBS) >= 50
    files = {name: make() for name, make in BOMBS.items()}
    folder = write_files(tmp_path / "corpus", {**ARTICLES, **files, **PLACES})
    request = sync_request(
        folder, tmp_path / "data", hosted, formats=tuple(FORMATS), max_file_bytes=20_000_000
    )
    with peak_of_readers() as peaks:
        report, _ = sync_in_process(request)
    causes = {entry.path: entry.cause for entry in report.skipped}
    with open_generation(request) as generation:
        sources = {source.path: source for source in generation.sources(after=None, limit=-1)}
        titles = [source.title for source in sources.values()]
        headings = [
            chunk.heading or ""
            for source in sources.values()
            for chunk in generation.source_chunks(source.id)
        ]
    assert {*ARTICLES, *PLACES} <= set(sources)
    assert causes.keys() | sources.keys() == {*ARTICLES, *PLACES, *BOMBS}
    assert causes.keys().isdisjoint(sources)
    assert all(0 < len(cause) <= 300 for cause in causes.values())
    assert max(map(len, titles)) <= MAX_TITLE_CHARS
    assert max(map(len, headings)) <= MAX_HEADING_PATH_CHARS
    assert 0 < max(peaks) <= limits.MAX_MEMORY_BYTES


def test_a_bomb_that_has_not_changed_is_not_read_again(
    tmp_path: Path, hosted: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIMIT_S", 1)
    monkeypatch.setattr(limits, "LIMIT_S_PER_MB", 0)
    monkeypatch.setattr(corpus, "RACY_NS", 0)  # else files are too new to be recognised
    folder = write_files(tmp_path / "corpus", {**ARTICLES, "deep.html": "<div>" * 100_000})
    request = sync_request(folder, tmp_path / "data", hosted)
    report, _ = sync_in_process(request)
    (skipped,) = report.skipped
    assert "took more than" in skipped.cause
    monkeypatch.setattr(limits, "LIMIT_S", 1 << 20)  # it would be read for hours
    again, _ = sync_in_process(replace(request))
    assert again.skipped == report.skipped
    assert not again.published
