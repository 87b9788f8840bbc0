"""Reads files in a sandboxed process: the child's side (`sandbox.py` is the parent's).

Extraction and chunking, both of which a hostile file can make slow, run under the same limits.
"""

import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any, BinaryIO

from ..formats import load_formats
from ..text.chunk import CountTokens, chunk
from ..text.limits import MAX_CAUSE_CHARS, MAX_CHUNKS, MAX_SENTENCES, limit_document, shorten
from ..text.sanitize import escape_unsafe
from .sandbox import MAX_CHUNK_BYTES, MAX_MEMORY_BYTES, READY, chunks_to_json

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS")
"""Environment variables of libraries whose threads would use up the address space."""

_GC_THRESHOLD = 50_000
"""New objects between two searches for cycles: a file has many objects and few cycles."""


def main() -> None:
    """Answers requests on standard input until it closes or memory has run out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    for name in _ONE_THREAD:
        os.putenv(name, "1")
    from ..embed.minilm import count_tokens  # imports numpy, which reads them

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not mix in
    gc.freeze()  # what was imported stays
    gc.set_threshold(_GC_THRESHOLD)
    _limit_memory()
    answers.write(READY)
    answers.flush()
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        if not _answer(request, requests.read(request["length"]), answers, count_tokens):
            return


def _answer(
    request: dict[str, Any], data: bytes, answers: BinaryIO, count_tokens: CountTokens
) -> bool:
    """Writes the document or the cause; returns whether this process may continue."""
    _limit_time(request["limit_s"])
    text, chunks, may_continue = b"", b"", True
    answer: dict[str, object]
    try:
        answer, text, chunks = _read(request, data, count_tokens)
    except MemoryError:
        answer, may_continue = {"memory": MAX_MEMORY_BYTES}, False
    except RecursionError:
        answer = {"cause": "nests too deeply"}
    except ValueError as error:
        answer = {"cause": _describe(str(error))}
    except Exception as error:  # each library has its own errors for a file it cannot read
        description = f"{type(error).__name__}: {error}"
        answer = {"cause": _describe(f"cannot be read as {request['format']}: {description}")}
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps(answer).encode() + b"\n" + text + chunks)
        answers.flush()
    return may_continue


def _read(
    request: dict[str, Any], data: bytes, count_tokens: CountTokens
) -> tuple[dict[str, object], bytes, bytes]:
    """Returns the answer to a request with its text and chunks; raises ValueError."""
    name = request["format"]
    if "page" in request:
        from ..formats.pdf_picture import draw_page

        picture = draw_page(data, request["page"], request["quote"])
        return {"text": len(picture)}, picture, b""
    document = limit_document(load_formats([name])[name].extract(data))
    if not document.blocks:
        raise ValueError("contains no text")
    chunks = tuple(chunk(document, request["source_id"], count_tokens=count_tokens))
    if len(chunks) > MAX_CHUNKS:
        raise ValueError(f"has more than {MAX_CHUNKS:,} passages")
    if sum(len(c.units) for c in chunks) > MAX_SENTENCES:
        raise ValueError(f"has more than {MAX_SENTENCES:,} sentences")
    text, packed = document.text.encode(), chunks_to_json(chunks)
    if len(packed) > MAX_CHUNK_BYTES:
        raise ValueError(f"has passages and headings of more than {MAX_CHUNK_BYTES >> 20} MB")
    header: dict[str, object] = {
        "title": document.title,
        "metadata": dict(document.metadata),
        "notes": document.notes,
        "text": len(text),
        "chunks": len(packed),
    }
    return header, text, packed


def _describe(cause: str) -> str:
    """Returns the cause without line breaks and controls: it may quote the file."""
    return shorten(escape_unsafe(" ".join(cause[: 10 * MAX_CAUSE_CHARS].split())), MAX_CAUSE_CHARS)


def _limit_memory() -> None:
    """Limits the whole process; on systems without resource limits only the clock does."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_time(limit_s: int) -> None:
    with contextlib.suppress(ImportError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        used_s = int(usage.ru_utime + usage.ru_stime) + 1
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (used_s + limit_s, hard))


if __name__ == "__main__":
    main()
