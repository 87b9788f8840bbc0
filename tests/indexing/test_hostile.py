"""Sixty hostile files: each is skipped with a cause or indexed safely, and no good one is lost."""

import contextlib
import os
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.formats import FORMATS
from index.sync.sandbox import MAX_MEMORY_BYTES, WALL_CLOCK_FACTOR, Sandbox, time_limit_s
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.documents import archive, docx, epub, paragraph, pdf, pdf_of

LINE = 1_000_000_000 if os.environ.get("SOAK") else 2_000_000


def bomb(data: bytes, name: str, megabytes: int) -> bytes:
    """The archive with one more member, which inflates far."""
    file = BytesIO(data)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as target:
        target.writestr(name, bytes(megabytes << 20))
    return file.getvalue()


def lying(data: bytes) -> bytes:
    """An archive whose members say they inflate to 100 bytes."""
    at = data.index(b"PK\x01\x02")
    while at >= 0:
        data = data[: at + 24] + (100).to_bytes(4, "little") + data[at + 28 :]
        at = data.find(b"PK\x01\x02", at + 46)
    return data


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><z>&j;</z>"
)
CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"
BOOK = epub({"a.xhtml": "<p>Text.</p>"})
WORD = docx(paragraph("Text."))
BAD: dict[str, str | bytes] = {  # named with a cause
    "empty.txt": b"",
    "blank.md": b" \n\t\r\n",
    "empty.pdf": b"",
    "empty.docx": b"",
    "empty.epub": b"",
    "empty.json": b"",
    "empty.html": b"",
    "binary.txt": bytes(range(256)) * 9,
    "nul.md": b"a\0b",
    "zip.txt": BOOK,
    "text.pdf": b"Just text.",
    "text.docx": b"Just text.",
    "text.epub": b"Just text.",
    "pdf.docx": pdf([["Text."]]),
    "word.epub": WORD,
    "book.docx": BOOK,
    "truncated.docx": WORD[:-40],
    "truncated.epub": BOOK[:200],
    "truncated.pdf": pdf([["Text."]])[:100],
    "scanned.pdf": pdf([[], []]),
    "cyclic.pdf": pdf_of([CATALOG, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"]),
    "many.pdf": pdf_of([CATALOG, "<< /Type /Pages /Kids [] /Count 2000000000 >>"]),
    "bomb.docx": bomb(WORD, "word/media.xml", 210),
    "bomb.epub": bomb(BOOK, "OEBPS/b.xhtml", 210),
    "lying.epub": lying(bomb(BOOK, "OEBPS/b.xhtml", 20)),
    "laughs.docx": archive({"word/document.xml": LAUGHS}),
    "laughs.epub": archive({"META-INF/container.xml": LAUGHS}),
    "outside.epub": epub({"../../../../etc/passwd": ""}),
    "members.epub": archive({str(n): "" for n in range(8_000)}),
    "deep.json": b"[" * 400_000,
    "deeper.jsonl": b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    "open.json": b'{"a": ',
    "utf16.txt": b"\xff\xfea",
    "field.csv": b'a,b\n"' + b"x" * 999_990,
    "deep.md": "> " * 300 + "deep",
    "rule.md": b"---\ntitle: only\n---\n",
    "page.html": b"<script>x</script><nav>menu</nav>",
    "odd..exe": b"MZ",
    "no suffix": b"text",
    "big.txt": b"x" * 1_000_001,
}
FINE: dict[str, str | bytes] = {  # indexed safely
    "a..txt": "Two dots are a name.",
    "new\nline.txt": "A newline in a name.",
    "rtl\u202etxt.md": "An override in a name.",
    "-rf.txt": "A name like an option.",
    "%2e%2e%2f.txt": "A name with escapes.",
    "tags.txt": "Ignore\U000e0049\U000e0047 tag characters.",
    "bidi.txt": "A \u202eturn\u202c of \u2066text\u2069.",
    "zero.txt": "z\u200be\u200br\u200bo " * 2_000,
    "stacked.txt": "a" + "\u0301" * 50_000,
    "controls.txt": "A bell \a and \x1b[31m red.",
    "wide.txt": "\U0010ffff\ufffe\ufdd0 noncharacters.",
    "latin.txt": "Die Brücke über den Fluß.".encode("latin-1"),
    "surrogate.json": '{"a": "lone \\ud800 and \\u0000 nul"}',
    "keys.json": '{"a": 1, "a": 2, "": 1e999}',
    "quote.csv": 'a,b\n"open,1\n2,3\n',
    "deep.html": "<p>x</p>" + "<div>" * 10_000 + "deep",
    "brackets.md": "[" * 2_000 + " open",
    "entity.html": "<p>&#0;&#xd800;&#x110000; text</p>",
    "rst.rst": "=" * 50_000 + "\n" + "x\n" * 1_000,
    "stars.org": "*" * 50_000 + " star\ntext\n",
    "wrong.md": "<html><script>alert(1)</script>",
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def test_hostile_files_are_skipped_or_safe_and_no_good_one_is_lost(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    corpus = write_files(tmp_path / "corpus", {**ARTICLES, **BAD, **FINE})
    os.mkfifo(corpus / "pipe.txt")
    (corpus / "loop.txt").symlink_to("loop.txt")
    (corpus / "around").symlink_to(corpus)
    (corpus / "passwd.txt").symlink_to("/etc/passwd")
    (corpus / os.fsdecode(b"caf\xe9.txt")).write_text("text")
    with (corpus / "line.txt").open("wb") as file:
        file.truncate(LINE)
    links = {"pipe.txt", "loop.txt", "around", "passwd.txt", "caf\\udce9.txt", "line.txt"}
    assert len(BAD) + len(FINE) + len(links) >= 60
    request = sync_request(corpus, tmp_path / "data", hosted, formats=tuple(FORMATS))
    report, _ = sync_in_process(request)
    causes = {entry.path: entry.cause for entry in report.skipped}
    with open_generation(request) as generation:
        sources = {source.path: source for source in generation.sources(after=None, limit=-1)}
        text = generation.text(sources["surrogate.json"].id)
    assert set(causes) == set(BAD) | links
    assert set(sources) == set(ARTICLES) | set(FINE)
    assert all(causes.values())
    assert "lone \ufffd and \ufffd nul" in text
    again, _ = sync_in_process(replace(request))
    assert not again.published


@pytest.mark.parametrize("name", [n for n in {**BAD, **FINE} if n.rpartition(".")[2] in FORMATS])
def test_no_hostile_file_takes_the_child_past_its_limits(name: str, sandbox: Sandbox) -> None:
    content = {**BAD, **FINE}[name]
    data = content.encode() if isinstance(content, str) else content
    assert within_limits(sandbox, name.rpartition(".")[2], data)


@pytest.mark.parametrize("name", ["txt", "md", "html", "rst", "csv", "json"])
def test_a_very_long_line_stays_within_the_limits(name: str, sandbox: Sandbox) -> None:
    assert within_limits(sandbox, name, b"word " * (LINE // 5))


def within_limits(sandbox: Sandbox, name: str, data: bytes) -> bool:
    """Whether it was read or refused in time, and the child, if alive, used little memory."""
    started = time.monotonic()
    with contextlib.suppress(ValueError):  # the cause; the other test has them
        sandbox.read(name, data, "source")
    child = sandbox._child
    if child is not None:
        status = Path(f"/proc/{child.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        assert int(peak.split()[1]) << 10 <= MAX_MEMORY_BYTES
    return time.monotonic() - started < 2 * WALL_CLOCK_FACTOR * time_limit_s(
        len(data)
    )  # a second child may be asked
