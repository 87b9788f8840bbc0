"""What a page states of itself: title, date, canonical address, language.

The date is the last change where one is stated, since what the page says holds as of then; else
that of publication. The file's own time is never passed off as one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ...text.dates import parse_date

MAX_JSON_CHARS = 1_000_000
"""Of a JSON-LD block; a longer one is not read."""
MAX_JSON_NODES = 10_000

_MODIFIED = (
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "dc.date.modified",
    "last-modified",
    "lastmod",
    "revised",
)
_PUBLISHED = (
    "article:published_time",
    "og:published_time",
    "datepublished",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.issued",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "citation_publication_date",
    "citation_date",
    "parsely-pub-date",
    "pubdate",
    "publish-date",
    "publish_date",
    "date",
)
_PAGE_TYPES = re.compile(r"(?:Article|BlogPosting|Posting|Page|Report|Question|Guide|HowTo|Work)$")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")


def page_metadata(tree: Any) -> dict[str, str]:
    """Returns `date` (ISO 8601), `url` and `language` (BCP 47) of a Lexbor tree, where stated."""
    metas = _metas(tree)
    values = {
        "date": _date(tree, metas),
        "url": _address(tree, metas),
        "language": _language(tree, metas),
    }
    return {key: value for key, value in values.items() if value}


def _metas(tree: Any) -> dict[str, str]:
    """Returns the first content of each meta element by its lower-case name."""
    found: dict[str, str] = {}
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        for kind in ("property", "name", "itemprop", "http-equiv"):
            if (name := attributes.get(kind)) and (value := attributes.get("content")):
                found.setdefault(name.strip().lower(), value.strip())
    return found


def _date(tree: Any, metas: Mapping[str, str]) -> str | None:
    linked = dict(_linked_dates(tree))
    stated = [*(metas.get(name) for name in _MODIFIED), linked.get("dateModified")]
    stated += [_time(tree, "[itemprop=dateModified], .updated")]
    stated += [*(metas.get(name) for name in _PUBLISHED), linked.get("datePublished")]
    stated += [_time(tree, "[pubdate], [itemprop=datePublished], .published"), _header_time(tree)]
    return next((date for text in stated if text and (date := parse_date(text))), None)


def _time(tree: Any, selector: str) -> str | None:
    for node in tree.css(selector)[:5]:
        attributes = node.attributes
        if value := attributes.get("datetime") or attributes.get("content"):
            return str(value)
    return None


def _header_time(tree: Any) -> str | None:
    """Returns the one time in the head of the page's only article, or before its first heading."""
    if len(tree.css("article")) > 1:
        return None
    times = tree.css("article header time[datetime], main header time[datetime]")
    return str(times[0].attributes.get("datetime")) if len(times) == 1 else None


def _linked_dates(tree: Any) -> Iterator[tuple[str, str]]:
    """Yields the dates of the page itself in its JSON-LD, later ones first."""
    found: list[tuple[str, str]] = []
    for node in tree.css('script[type="application/ld+json"]'):
        text = node.text()
        if len(text) > MAX_JSON_CHARS:
            continue
        try:
            pending = [json.loads(text)]
        except (ValueError, RecursionError):
            continue
        for _ in range(MAX_JSON_NODES):
            if not pending:
                break
            value = pending.pop(0) if len(pending) < 100 else pending.pop()
            if isinstance(value, list):
                pending += value
            elif isinstance(value, dict):
                pending += [value[key] for key in ("@graph", "mainEntity") if key in value]
                if _is_page(value.get("@type")):
                    found += _dates_of(value)
    yield from reversed(found)


def _is_page(kind: object) -> bool:
    kinds = kind if isinstance(kind, list) else [kind]
    return any(isinstance(name, str) and _PAGE_TYPES.search(name) for name in kinds)


def _dates_of(value: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key in ("dateModified", "datePublished"):
        if isinstance(stated := value.get(key), str):
            yield key, stated


def _address(tree: Any, metas: Mapping[str, str]) -> str | None:
    link = tree.css_first("link[rel=canonical][href]")
    for address in (link.attributes.get("href") if link else None, metas.get("og:url")):
        if address and _is_web_address(address):
            return str(address)
    return None


def _is_web_address(address: str) -> bool:
    """Returns whether an address is absolute and of the web."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _language(tree: Any, metas: Mapping[str, str]) -> str | None:
    root = tree.root
    attributes = root.attributes if root is not None else {}
    names = (attributes.get("lang"), attributes.get("xml:lang"), metas.get("content-language"))
    for name in names:
        if name and _LANGUAGE.fullmatch(name.strip()):
            return str(name.strip())
    return None
