"""Which sources a search is limited to: by path, by tag, by day.

Tags and dates are what an article's front matter says of it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from .types import Filters

_DAY = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?!\d)")


def lets_through(filters: Filters, path: str, metadata: Mapping[str, str]) -> bool:
    """Whether a source with this path and front matter is to be searched."""
    return (
        (not filters.sources or any(_lies_in(path, place) for place in filters.sources))
        and (not filters.tags or not _tags(metadata).isdisjoint(_folded(filters.tags)))
        and _is_within(filters, metadata)
    )


def _lies_in(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place


def _tags(metadata: Mapping[str, str]) -> set[str]:
    return _folded(metadata.get("tags", "").split(","))


def _folded(tags: Iterable[str]) -> set[str]:
    return {tag.strip().casefold() for tag in tags} - {""}


def _is_within(filters: Filters, metadata: Mapping[str, str]) -> bool:
    if filters.since is None and filters.until is None:
        return True
    day = day_of(metadata.get("date", ""))
    if day is None:
        return False
    return (filters.since or date.min) <= day <= (filters.until or date.max)


def day_of(text: str) -> date | None:
    """Returns the day that an ISO date begins with (`2026-11`: its first day); None without one."""
    found = _DAY.match(text.strip())
    try:
        return date(*(int(part or 1) for part in found.groups())) if found else None
    except ValueError:
        return None
