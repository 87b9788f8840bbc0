"""Fetched pages ↔ files of the corpus: where a page goes, its bytes, and its sidecar."""

import codecs
import hashlib
import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from index.sidecar import read_sidecar

from ..errors import FetchFailed
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


def build_sidecar(
    page: Page, data: bytes, *, title: str | None = None, date: str | None = None
) -> bytes:
    """Returns the sidecar of a page whose file has the bytes `data`."""
    sidecar = {
        "url": page.url,
        "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        "etag": page.etag,
        "last_modified": page.last_modified,
        "title": title,
        "date": date,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return json.dumps(sidecar, ensure_ascii=False, indent=1).encode()
