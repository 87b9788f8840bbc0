"""The process that extracts files: its limits, its end, and the formats of other packages."""

import sys
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.embed.minilm import count_tokens
from index.errors import SyncFailed
from index.formats import FORMATS
from index.formats.markdown import extract_markdown
from index.sync import sandbox as limits
from index.sync.sandbox import Sandbox
from index.text.chunk import chunk
from tests.support.corpus_builder import (
    ARTICLES,
    source_paths,
    sync_in_process,
    sync_request,
    write_files,
)

BREAKER = """
import os, signal, time
from index.formats import Format
from index.types import Document

def extract(data):
    if data == b"memory": bytearray(1 << 30)
    if data == b"dies": os.kill(os.getpid(), signal.SIGSEGV)
    if data == b"exits": os._exit(3)
    if data == b"late": time.sleep(60)
    if data == b"busy":
        while True: pass
    if data == b"quotes": raise ValueError("quoted:\\n\\x1b[31m" + "x\\n" * 5_000_000)
    if data == b"prints": print("noise", flush=True)
    if data == b"odd": raise KeyError("odd")
    if data == b"deep": raise RecursionError("deep")
    if data == b"long": return Document("x" * (65 << 20), ((0, 1),))
    if data == b"bits": return Document("x", ((0, 1),) * 1_000_001)
    return Document(data.decode(), ((0, len(data)),))

breaker = Format((".brk",), extract)
"""


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With a package installed that adds the format `brk`."""
    (tmp_path / "breaker.py").write_text(BREAKER)
    info = tmp_path / "breaker-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: breaker\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[footnote.formats]\nbrk = breaker:breaker\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def test_the_child_returns_what_the_extractor_does(sandbox: Sandbox) -> None:
    data = "---\ndate: 2024\n---\n# Größe\n\nText.".encode()
    expected = extract_markdown(data)
    chunks = tuple(chunk(expected, "source", count_tokens=count_tokens))
    for _ in range(2):
        document = sandbox.read("md", data, "source")
        assert (document.text, document.title) == (expected.text, expected.title)
        assert (document.metadata, document.chunks) == (expected.metadata, chunks)


def test_an_installed_package_adds_a_format(sandbox: Sandbox) -> None:
    assert sandbox.read("brk", b"fine", "source").text == "fine"


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"memory", "needs more than 768 MB of memory to read"),
        (b"dies", r"killed the process that read it \(SIGSEGV\)"),
        (b"exits", r"ended the process that read it \(exit code 3\)"),
        (b"odd", "cannot be read as brk: KeyError: 'odd'"),
        (b"deep", "nests too deeply"),
        (b"long", "contains more than 64 MB of text"),
        (b"bits", "has more than 1,000,000 paragraphs"),
    ],
)
def test_a_file_that_breaks_the_child_is_reported_and_the_next_is_read(
    sandbox: Sandbox, data: bytes, cause: str
) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=cause):
            sandbox.read("brk", data, "source")
    assert sandbox.read("brk", b"fine", "source").text == "fine"


def test_a_file_that_takes_too_long_is_reported_and_the_next_is_read(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short:
        short.setattr(limits, "LIMIT_S", 1)
        short.setattr(limits, "LIMIT_S_PER_MB", 0)
        with pytest.raises(ValueError, match="took more than 6 s to read"):
            sandbox.read("brk", b"late", "source")
        short.setattr(limits, "WALL_CLOCK_FACTOR", 60)
        with pytest.raises(ValueError, match="took more than 1 s of processor time to read"):
            sandbox.read("brk", b"busy", "source")
    assert sandbox.read("brk", b"fine", "source").text == "fine"


def test_a_file_whose_chunking_takes_too_long_is_reported(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIMIT_S", 1)
    monkeypatch.setattr(limits, "LIMIT_S_PER_MB", 0)
    monkeypatch.setattr(limits, "WALL_CLOCK_FACTOR", 60)
    with pytest.raises(ValueError, match="took more than 1 s of processor time to read"):
        sandbox.read("txt", b"Words of a long paragraph. " * 400_000, "source")


def test_a_cause_that_quotes_the_file_is_short_and_of_one_line(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="quoted") as caught:
        sandbox.read("brk", b"quotes", "source")
    assert len(str(caught.value)) <= 300
    assert str(caught.value).isprintable()


def test_the_first_line_of_an_answer_has_a_limit(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_HEADER_BYTES", 50)
    with pytest.raises(ValueError, match="SIGKILL"):
        sandbox.read("brk", b"fine", "source")


def test_the_output_of_a_library_is_not_an_answer(sandbox: Sandbox) -> None:
    assert sandbox.read("brk", b"prints", "source").text == "prints"


def test_no_two_formats_share_a_suffix() -> None:
    suffixes = [suffix for entry in FORMATS.values() for suffix in entry.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in suffixes)
    assert "breaker" not in sys.modules


def test_a_child_that_cannot_start_fails_the_sync_and_no_file(
    tmp_path: Path, hosted: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = sync_request(write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", hosted)
    sync_in_process(request)
    write_files(request.corpus, {"lighthouse.txt": "The lighthouse is dark."})
    broken = write_files(tmp_path / "broken", {"json.py": "raise ImportError"})
    monkeypatch.setenv("PYTHONPATH", str(broken))
    with pytest.raises(SyncFailed, match="no file can be read"):
        sync_in_process(request)
    assert source_paths(request) == sorted(ARTICLES)
