"""Fetched pages ↔ files of the corpus: where a page goes, its bytes, and its sidecar."""

import codecs
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from index.sidecar import read_sidecar, sidecar_name

from ..errors import FetchFailed
from ..service.corpus_files import Corpus, Upload
from .addresses import parse_url
from .fetch import Page
from .page_paths import page_paths, page_suffix

_TEXT_TYPES = {"text/html", "application/xhtml+xml", "text/plain"}


def find_page(root: Path, url: str, suffixes: Collection[str]) -> tuple[str, ...] | None:
    """Returns the path of the page that was fetched from a URL before; raises UrlRefused."""
    parsed = parse_url(url)
    for suffix in sorted(suffixes):
        for names in page_paths(parsed, suffix, suffixes):
            if read_sidecar(root, "/".join(names)).get("url") == str(parsed):
                return names
    return None


def choose_path(root: Path, page: Page, suffixes: Collection[str]) -> tuple[str, ...]:
    """Returns the path of a page: the one it has, else one that is free; raises UrlRefused."""
    url = parse_url(page.url)
    candidates = page_paths(url, page_suffix(url, page.media_type, suffixes), suffixes)
    for names in candidates:
        if read_sidecar(root, "/".join(names)).get("url") == page.url:
            return names
    return next((names for names in candidates if not _is_taken(root, names)), candidates[-1])


def _is_taken(root: Path, names: tuple[str, ...]) -> bool:
    """Whether a path, or one of its folders, is something else already."""
    place = root.joinpath(*names)
    parents = (root.joinpath(*names[:depth]) for depth in range(1, len(names)))
    is_blocked = any(parent.is_symlink() or parent.is_file() for parent in parents)
    return is_blocked or place.is_symlink() or place.exists()


def page_bytes(page: Page) -> bytes:
    """Returns the bytes to store; raises FetchFailed for an empty page.

    A text whose charset only the server's header said is stored as UTF-8 with a mark, since the
    file will be read without that header.
    """
    if not page.body.strip():
        raise FetchFailed(page.url, "is empty")
    if page.media_type not in _TEXT_TYPES or not page.charset:
        return page.body
    if page.body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return page.body
    try:
        return codecs.BOM_UTF8 + page.body.decode(page.charset).encode()
    except (LookupError, UnicodeError):
        return page.body


def write_sidecar(corpus: Corpus, names: tuple[str, ...], sidecar: dict[str, Any]) -> None:
    """Writes the sidecar of a page, before the page; raises RequestError, OSError."""
    data = json.dumps(sidecar, ensure_ascii=False, indent=1).encode()
    write_file(corpus, (*names[:-1], sidecar_name(names[-1])), data)


def write_file(corpus: Corpus, names: tuple[str, ...], data: bytes) -> None:
    """Writes a file atomically; raises RequestError, OSError."""
    upload = Upload(corpus, names, len(data), declared_bytes=len(data))
    try:
        upload.write(data)
        upload.commit()
    finally:
        upload.close()
