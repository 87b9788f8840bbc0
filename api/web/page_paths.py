"""A page's URL and media type → its file below the corpus, such as `example.org/docs/page.html`.

A name that says less than the URL (of a query, of characters that file names do not have, of a
name that tools read) has a hash of the URL added, and so has one whose file belongs to another
page. The suffix is that of the media type, or of the URL where the type is a general one.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

import httpx

from ..errors import RequestInvalid, UrlRefused
from ..service.upload_paths import parse_path

MAX_NAME_BYTES = 100
"""Of a name without its suffix; a longer one is cut, and its hash added."""
MAX_FOLDERS = 8
"""Deeper pages are in the last of these, with a hash."""
HASH_CHARS = 12

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/markdown": ".md",
    "text/x-rst": ".rst",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "message/rfc822": ".eml",
}
_GENERAL_TYPES = {"", "text/plain", "application/octet-stream", "binary/octet-stream"}
_NOT_PLAIN = re.compile(r'[^\w.,+()\[\]=@~ -]|[<>:"|?*]')


def page_suffix(url: httpx.URL, media_type: str, suffixes: Collection[str]) -> str:
    """Returns the suffix of a page's file, one of `suffixes`; raises UrlRefused."""
    suffix = _SUFFIXES.get(media_type)
    if media_type in _GENERAL_TYPES:
        of_url = PurePosixPath(url.path).suffix.lower()
        suffix = of_url if of_url in suffixes else ".txt" if media_type == "text/plain" else None
    if suffix is None or suffix not in suffixes:
        kind = media_type[:100] or "no media type"
        raise UrlRefused(str(url), f"its kind ({kind}) is not among the enabled formats")
    return suffix


def page_paths(url: httpx.URL, suffix: str, suffixes: Collection[str]) -> list[tuple[str, ...]]:
    """Returns the paths that a page may have, best first; at least one, its own."""
    digest = hashlib.sha256(str(url).encode()).hexdigest()[:HASH_CHARS]
    host = re.sub(r"[^a-z0-9.-]", "-", url.netloc.decode("ascii").lower()).strip(".-")
    host = host[:MAX_NAME_BYTES] or "host"
    *folders, last = url.path.strip("/").split("/")
    stem = last[: -len(PurePosixPath(last).suffix)] if _has_suffix(last, suffixes) else last
    names = [*folders, stem or "home"]
    plain = [_plain_name(name) for name in names]
    deep = len(plain) > MAX_FOLDERS + 1
    is_whole = plain == names and not url.query and not deep
    is_whole = is_whole and not any(_has_suffix(name, suffixes) for name in plain[:-1])
    shown = [*plain[:MAX_FOLDERS], plain[-1]] if deep else plain
    candidates = [(host, *shown[:-1], f"{shown[-1]}{suffix}")] if is_whole else []
    candidates.append((host, *shown[:-1], f"{shown[-1]}-{digest}{suffix}"))
    candidates += [(host, f"{digest}{suffix}"), (f"web-{host}", f"{digest}{suffix}")]
    return [path for path in candidates if _is_allowed(path, suffixes)]


def _has_suffix(name: str, suffixes: Collection[str]) -> bool:
    return PurePosixPath(name).suffix.lower() in suffixes


def _plain_name(segment: str) -> str:
    """Returns a segment of a URL's path as part of a file name; the same if it is one."""
    name = unicodedata.normalize("NFC", segment)
    name = _NOT_PLAIN.sub("-", name).strip(" .")
    while len(name.encode()) > MAX_NAME_BYTES:
        name = name[:-1]
    return name.strip(" .") or "-"


def _is_allowed(path: tuple[str, ...], suffixes: Collection[str]) -> bool:
    try:
        parse_path("/".join(path), suffixes)
    except RequestInvalid:
        return False
    return True
