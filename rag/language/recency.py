"""What time a question asks about: the latest state, or that of a year ("in 2023")."""

import re
from collections.abc import Sequence
from datetime import date
from typing import TypeVar

LATEST = date.max
"""For "current", "latest", "now": whatever is newest."""

_LATEST = re.compile(
    r"\b(?:latest|newest|current(?:ly)?|most recent(?:ly)?|now|nowadays|today|these days|up.to.date"
    r"|aktuell\w*|neuest\w*|derzeit\w*|momentan|heute|jetzt|gegenwärtig\w*"
    r"|actuel\w*|dernier\w*|dernière\w*|récent\w*|aujourd'hui|maintenant"
    r"|actual(?:es|mente)?|últim[oa]s?|recientes?|hoy|ahora|vigentes?)\b"
    r"|最新|目前|当前|现在|现行|如今",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\w.,/-])((?:19|20)\d\d)(?:年|(?![\w/-]|[.,]\d))")

T = TypeVar("T")


def as_of(question: str) -> date | None:
    """Returns the day whose state is asked for: LATEST, the end of the year named, or None."""
    years = _YEAR.findall(question)
    if len(set(years)) == 1:
        return date(int(years[0]), 12, 31)
    return LATEST if _LATEST.search(question) else None


def newest_first(items: Sequence[tuple[str | None, T]], at: date | None = None) -> list[T]:
    """Returns the items by their ISO date, newest first, undated last.

    What is dated after `at` comes behind what is not.
    """
    limit = (at or LATEST).isoformat()

    def key(item: tuple[str | None, T]) -> tuple[bool, str]:
        day = item[0] or ""
        return day[: len(limit)] <= limit[: len(day)] if day else False, day

    return [item for _, item in sorted(items, key=key, reverse=True)]
