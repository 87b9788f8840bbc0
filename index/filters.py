"""Metadata filters: which sources a search is limited to, by path, tag and date.

Paths are compared in Unicode's NFC: files copied from a Mac have decomposed names, and people type
composed ones. Tags and dates come from an article's front matter.
"""

import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from .text.dates import first_day, parse_date
from .types import Filters


def matches(filters: Filters, path: str, metadata: Mapping[str, str]) -> bool:
    """Returns whether a source with this path and front matter passes all filters."""
    return (
        (not filters.sources or _is_path_in(path, filters.sources))
        and (not filters.tags or _has_tag(metadata.get("tags", ""), filters.tags))
        and _is_date_in_range(filters, metadata)
    )


def normalize_path(path: str) -> str:
    """Returns a path as paths are compared; what is shown or opened stays the file's own."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def _is_path_in(path: str, sources: tuple[str, ...]) -> bool:
    path = normalize_path(path)
    paths, prefixes = _split_sources(sources)
    return path in paths or path.startswith(prefixes)


@lru_cache(16)  # the same for every source of a search
def _split_sources(sources: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Returns the paths, and the prefixes, which end in `/`."""
    sources = tuple(normalize_path(source) for source in sources)
    return frozenset(sources), tuple(source for source in sources if source.endswith("/"))


def _has_tag(tags: str, expected: tuple[str, ...]) -> bool:
    return not _fold_tags(expected).isdisjoint(_fold_tags(tuple(tags.split(","))))


@lru_cache(256)  # a search looks at each source's tags for the same expected ones
def _fold_tags(tags: tuple[str, ...]) -> frozenset[str]:
    return frozenset({tag.strip().casefold() for tag in tags} - {""})


def _is_date_in_range(filters: Filters, metadata: Mapping[str, str]) -> bool:
    if filters.since is None and filters.until is None:
        return True
    day = parse_day(metadata.get("date", ""))
    if day is None:
        return False
    return (filters.since or date.min) <= day <= (filters.until or date.max)


def parse_day(text: str) -> date | None:
    """Returns the first day of a date (`2026-11`: the first of November), None for other text."""
    iso = parse_date(text)
    return first_day(iso) if iso else None
