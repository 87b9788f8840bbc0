"""Metadata filters: which sources a search is limited to, by path, tag and date.

Tags and dates come from an article's front matter.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from .types import Filters

_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?!\d)")


def matches(filters: Filters, path: str, metadata: Mapping[str, str]) -> bool:
    """Returns whether a source with this path and front matter passes all filters."""
    tags = _fold_tags(metadata.get("tags", "").split(","))
    return (
        (not filters.sources or any(_is_path_in(path, prefix) for prefix in filters.sources))
        and (not filters.tags or not tags.isdisjoint(_fold_tags(filters.tags)))
        and _is_date_in_range(filters, metadata)
    )


def _is_path_in(path: str, prefix: str) -> bool:
    return path.startswith(prefix) if prefix.endswith("/") else path == prefix


def _fold_tags(tags: Iterable[str]) -> set[str]:
    return {tag.strip().casefold() for tag in tags} - {""}


def _is_date_in_range(filters: Filters, metadata: Mapping[str, str]) -> bool:
    if filters.since is None and filters.until is None:
        return True
    day = parse_day(metadata.get("date", ""))
    if day is None:
        return False
    return (filters.since or date.min) <= day <= (filters.until or date.max)


def parse_day(text: str) -> date | None:
    """Returns the ISO date that a text begins with (`2026-11`: its first day), else None."""
    match = _ISO_DATE.match(text.strip())
    try:
        return date(*(int(part or 1) for part in match.groups())) if match else None
    except ValueError:
        return None
