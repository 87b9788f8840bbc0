"""Serves extractions in a process of its own, within limits: a file in, a document out.

A request is a line of JSON (`format`, `length`) and that many bytes; an answer is a line of JSON
and that many bytes of text. What a hostile file breaks here, it breaks here alone.
"""

import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import BinaryIO

from ..types import Document
from .table import Extractor, find_formats

MEMORY = 512 << 20
"""Bytes of address space, and so the most that can be resident."""
SECONDS = 30
"""Of processor time, and of a clock, for a file."""
TEXT = 64 << 20
"""Bytes of text that a file may hold."""
PARAGRAPHS = 1_000_000
"""Most paragraphs of a file."""

READY = b"ready\n"
"""The first line: whatever ends this process before it is no file's fault."""

_HARMLESS = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def main() -> None:
    """Answers requests on standard input until it closes, or memory has run out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the sync's parent decides
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    _limit_memory()
    answers.write(READY)
    answers.flush()
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        if not _answer(request["format"], requests.read(request["length"]), answers):
            return


def _answer(name: str, data: bytes, answers: BinaryIO) -> bool:
    """Writes the document or the cause; returns whether this process may go on."""
    _limit_time()
    text, goes_on = b"", True
    answer: dict[str, object]
    try:
        document = _within_limits(find_formats([name])[name].extract, data)
        text = document.text.encode()
        answer = {**asdict(document), "metadata": dict(document.metadata), "text": len(text)}
    except MemoryError:
        answer, goes_on = {"memory": MEMORY}, False
    except RecursionError:
        answer = {"cause": "nests too deeply"}
    except ValueError as error:
        answer = {"cause": str(error)}
    except Exception as error:  # a library's own word for a file it cannot read, whatever it is
        answer = {"cause": f"cannot be read as {name}: {type(error).__name__}: {error}"[:300]}
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps(answer).encode() + b"\n" + text)
        answers.flush()
    return goes_on


def _within_limits(extract: Extractor, data: bytes) -> Document:
    document = extract(data)
    if len(document.blocks) > PARAGRAPHS:
        raise ValueError(f"has more than {PARAGRAPHS:,} paragraphs")
    if len(document.text) > TEXT or len(document.text.encode(errors="replace")) > TEXT:
        raise ValueError(f"holds more than {TEXT >> 20} MB of text")
    return cleaned(document)


def cleaned(document: Document) -> Document:
    """Returns the document with U+FFFD for each NUL and lone surrogate; offsets stay."""
    if document.text.isascii() and "\0" not in document.text:
        text = document.text
    else:
        text = document.text.translate(_HARMLESS)
    return Document(
        text=text,
        blocks=document.blocks,
        title=document.title and document.title.translate(_HARMLESS),
        headings=tuple(
            type(h)(h.start, h.end, h.level, h.text.translate(_HARMLESS)) for h in document.headings
        ),
        pages=document.pages,
        metadata={key: value.translate(_HARMLESS) for key, value in document.metadata.items()},
    )


def _limit_memory() -> None:
    """Sets what holds for the whole process; systems without such limits keep the clock alone."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_time() -> None:
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, hard))


if __name__ == "__main__":
    main()
