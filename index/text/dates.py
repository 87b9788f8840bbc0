"""Dates as people and programs write them → ISO 8601, cut to what is stated.

Only what can be read in one way is a date: `01/07/2025` is July in London and January in Boston,
so it is none; nor is a two-digit year. A time and a zone are ignored, the day is that as written.
Names of months are those of the five interface languages.
"""

import re
import unicodedata
from datetime import date

MAX_CHARS = 100
"""No date has more; a longer text is none."""

_MONTHS = (
    "january jan januar jänner janvier janv enero ene",
    "february feb februar feber février févr fevrier febrero",
    "march mar märz mrz maerz mars marzo",
    "april apr avril avr abril abr",
    "may mai mayo",
    "june jun juni juin junio",
    "july jul juli juillet juil julio",
    "august aug août aout agosto ago",
    "september sep sept septembre septiembre setiembre",
    "october oct oktober okt octobre octubre",
    "november nov novembre noviembre",
    "december dec dezember dez décembre déc decembre diciembre dic",
)
_MONTH_NUMBERS = {name: n for n, names in enumerate(_MONTHS, 1) for name in names.split()}
_YEAR, _DAY = r"(?P<year>[12][0-9]{3})", r"(?P<day>[0-9]{1,2})"
_MONTH, _NAME = r"(?P<month>[0-9]{1,2})", r"(?P<name>[^\W\d_]{3,10})\.?"
_OF = r"(?:\s(?:of|de|del))?\s"
_ORDINAL = r"(?:st|nd|rd|th|er|ª|º|\.)?"
_PATTERNS = [
    re.compile(pattern)
    for pattern in (
        rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?",
        rf"{_YEAR}([/.]){_MONTH}\2{_DAY}",
        rf"(?:d:)?{_YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})(?:[0-9]{{4,6}}.{{0,8}})?",
        rf"{_DAY}\.\s?{_MONTH}\.\s?{_YEAR}",
        rf"{_DAY}{_ORDINAL}{_OF}{_NAME},?{_OF}{_YEAR}",
        rf"{_DAY}-{_NAME}-{_YEAR}",
        rf"{_NAME}\s{_DAY}{_ORDINAL},?\s{_YEAR}",
        rf"{_NAME},?{_OF}{_YEAR}",
        rf"{_YEAR}\s?年(?:\s?{_MONTH}\s?月(?:\s?{_DAY}\s?[日号])?)?",
    )
]
_EITHER_ORDER = re.compile(rf"(?P<a>[0-9]{{1,2}})([/-])(?P<b>[0-9]{{1,2}})\2{_YEAR}")
_WEEKDAYS = (
    "monday mon montag mo lundi lun lunes tuesday tue tues dienstag di mardi martes wednesday wed"
    " mittwoch mi mercredi mer miércoles mié thursday thu thur thurs donnerstag do jeudi jeu jueves"
    " jue friday fri freitag fr vendredi ven viernes vie saturday sat samstag sonnabend sa samedi"
    " sam sábado sáb sunday sun sonntag so dimanche dim domingo dom"
).replace(" ", "|")
_WEEKDAY = re.compile(rf"^(?:(?:{_WEEKDAYS})\.?,?\s)?(?:(?:am|the|le|el|den)\s(?=\d))?")
_TIME = re.compile(
    r"(?<=[0-9])(?:t[0-9]{2}.*|z|[+-][0-9]{2}:[0-9]{2})$"
    r"|,?\s(?:at\s|um\s|à\s|a las\s)?[0-9]{1,2}(?:[:h.][0-9]{2}(?![0-9]).*|\s?[ap]\.?m\.?)$"
)
_WEEKDAY_AFTER = re.compile(rf"\s(?:{_WEEKDAYS})\.?$")


def parse_date(text: str) -> str | None:
    """Returns `YYYY-MM-DD`, `YYYY-MM` or `YYYY` for a text that is one date, else None."""
    if len(text) > MAX_CHARS:
        return None
    stated = unicodedata.normalize("NFKC", text).lower().strip(" \t\r\n<>[]\"'")
    stated = " ".join(stated.split())
    stated = _WEEKDAY_AFTER.sub("", _TIME.sub("", _WEEKDAY.sub("", stated)))
    for pattern in _PATTERNS:
        if (match := pattern.fullmatch(stated)) and (iso := _to_iso(match.groupdict())):
            return iso
    if match := _EITHER_ORDER.fullmatch(stated):
        orders = {
            _to_iso({"year": match["year"], "month": match[m], "day": match[d]})
            for m, d in ("ab", "ba")
        } - {None}
        return orders.pop() if len(orders) == 1 else None
    return None


def first_day(iso: str) -> date:
    """Returns the first day of a date that `parse_date` returned."""
    year, month, day = (*map(int, iso.split("-")), 1, 1)[:3]
    return date(year, month, day)


def _to_iso(parts: dict[str, str | None]) -> str | None:
    """Returns the date, None if no calendar has it."""
    year, month, day = parts["year"], parts.get("month"), parts.get("day")
    if name := parts.get("name"):
        month = str(_MONTH_NUMBERS.get(name, 0))
    iso = "-".join(part.zfill(2) for part in (year, month, day) if part)
    try:
        first_day(iso)
    except ValueError:
        return None
    return iso
