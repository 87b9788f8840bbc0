"""The day that "since May", "since last week" or "seit 1. März 2025" names."""

import re
from datetime import date, timedelta

from index.text.dates import first_day, parse_date

_LAST = (
    r"last|past|letzte\w*|vergangene\w*|vorige\w*|dernier\w*|derniere|passee?|pasad[oa]|ultim[oa]"
    r"|上"
)
_THIS = r"this|diese\w*|ce|cette|est[ea]|本|这"
_DAYS = {
    0: re.compile(r"today|heute|aujourd ?hui|hoy|今天"),
    1: re.compile(r"yesterday|gestern|hier|ayer|昨天"),
}
_WEEK = re.compile(r"week|woche|semaine|semana|周|星期|礼拜")
_MONTH = re.compile(r"month|monat|mois|mes|个?月")
_YEAR = re.compile(r"year|jahr\w*|annee|an|ano|年")
_PERIOD = re.compile(
    rf"(?P<last>{_LAST}) ?(?:{{unit}})|(?P<this>{_THIS}) ?(?:{{unit}})|(?:{{unit}}) (?:{_LAST})"
)


def since_day(words: str, original: str, today: date) -> date | None:
    """Returns the first day of the period named, not after today; None where none is.

    `words` are the original's in lower case and without accents.
    """
    for days, pattern in _DAYS.items():
        if pattern.fullmatch(words):
            return today - timedelta(days)
    for unit in (_WEEK, _MONTH, _YEAR):
        pattern = re.compile(_PERIOD.pattern.replace("{unit}", unit.pattern))
        if match := pattern.fullmatch(words):
            return _period_start(unit, is_this=bool(match["this"]), today=today)
    if words in ("去年", "今年"):
        return _period_start(_YEAR, is_this=words == "今年", today=today)
    if stated := parse_date(original):
        return first_day(stated)
    return _of_this_year(original, today)


def _period_start(unit: re.Pattern[str], *, is_this: bool, today: date) -> date:
    if unit is _WEEK:
        return today - timedelta(today.weekday() + (0 if is_this else 7))
    start = today.replace(day=1)
    if unit is _YEAR:
        return start.replace(month=1, year=start.year - (not is_this))
    return start if is_this else (start - timedelta(1)).replace(day=1)


def _of_this_year(original: str, today: date) -> date | None:
    """Returns the last such month or day before today: "May", "1. März", "March 3", "5月"."""
    for year in (today.year, today.year - 1):
        for stated in (f"{original} {year}", f"{original}, {year}", f"{year}年{original}"):
            iso = parse_date(stated)
            if iso and first_day(iso) <= today:
                return first_day(iso)
    return None
