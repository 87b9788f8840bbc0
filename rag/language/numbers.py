"""Numbers and dates in a text, and the first that another text lacks.

`1.2 million`, `1,200,000` and `1 200 000` are one number, so are `40%` and `forty percent`. What
can be read in two ways (`1.200`, `3,5`) has both values, and one of them is enough.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .number_words import VALUES, alternation

_ORDINALS = (
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_NO_NUMBERS = ("once", "sept")
"""In English and as a month."""
_WORD_VALUES = {
    **{word: float(n) for word, n in VALUES.items() if "-" not in word and word not in _NO_NUMBERS},
    **{word: float(value) for value, word in enumerate(_ORDINALS.split(), start=3)},
    "dozen": 12.0,
}
_SCALE_WORDS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALES = {**_SCALE_WORDS, "k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "tn": 1e12}
_UNIT_TABLE = (
    "% 1 % percent pct prozent|$ 1 $ dollar usd|€ 1 € euro eur|£ 1 £ gbp"
    "|m 1 m metre meter|m 1e3 km kilometre kilometer|m 1e-2 cm centimetre centimeter"
    "|m 1e-3 mm millimetre millimeter|mi 1 mi mile|ft 1 ft foot feet"
    "|g 1 g gram|g 1e3 kg kilogram|g 1e6 tonne"
    "|s 1 second sekunde sekunden|s 60 minute minuten minuto|s 3600 hour stunde stunden heure hora"
    "|s 86400 day tag tage tagen jour día|s 604800 week woche wochen semaine semana"
    "|month 1 month monat monate monaten moi mese|month 12 year jahr jahre jahren an año"
    "|month 120 decade"
)
"""Base unit, factor, names."""
_UNITS = {
    name: (base, float(factor))
    for base, factor, *names in (row.split() for row in _UNIT_TABLE.split("|"))
    for name in names
}
_IMPLIED = {
    **{"both": (2.0,), "pair": (2.0,), "couple": (2.0,), "twice": (2.0,), "double": (2.0,)},
    **{"a": (1.0,), "an": (1.0,), "first": (1.0,), "second": (2.0,), "half": (0.5, 50.0)},
    **{"quarter": (0.25, 25.0), "viertel": (0.25, 25.0)},
    **{"hälfte": (0.5, 50.0), "dozens": (12.0,)},
}
_ARTICLES = ("a", "an")
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_WORDS = alternation([*_WORD_VALUES, *_SCALE_WORDS])
_SCALE_AND = "|".join(rf"(?<={word}) and" for word in _SCALE_WORDS)
_NUMBER = re.compile(
    r"(?P<literal>\d+(?:\.\d+){2,})"
    r"|(?P<digits>\d{1,3}(?:[,.'’\u00a0\u2009\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?P<fraction>[½¼¾])?(?:(?P<suffix>st|nd|rd|th|s)(?![^\W_]))?"
    rf"(?:(?:[ \u00a0-]?(?P<scale>{'|'.join(_SCALE_WORDS)}|bn|mn|tn)|(?P<letter>[kmb]))(?![^\W_]))?"
    rf"|(?<!\w)(?P<words>(?:{_WORDS})(?:(?:{_SCALE_AND})?(?: - |[ -])(?:{_WORDS})(?!\w))*)(?!\w)"
    rf"|(?<!\w)(?P<implied>{'|'.join(_IMPLIED)})(?!\w)",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:about|around|approximately|roughly|nearly|almost|over|some|circa|ca\.?|more than"
    r"|less than|under|up to|at least|close to) *[$€£]?\Z",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"[ \u00a0-]?(per ?cent|%|°[cf]|[^\W\d_]+)", re.IGNORECASE)
_ATTACHED = re.compile(r"[^\W\d_]-?\Z")
_NAME_AFTER = re.compile(r"[a-z]{4}")
_SHORT_YEAR = re.compile(r"(?<!\d)(\d\d)\d\d ?[-–—/] ?\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(
    r"\b(?P<unambiguous>january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?P<short>jan|feb|mar|march|apr|may|jun|jul|aug|sept?|oct|nov|dec)\b",
    re.IGNORECASE,
)
_DAY_BEFORE = re.compile(r"(?:\d|\d(?:st|nd|rd|th)) (?:of )?\Z")
_ISO_MONTH = re.compile(r"\b\d{4}-(\d\d)\b")


MAX_COMPARED = 50
"""Numbers of a sentence that the cited text writes otherwise; one more counts as missing."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, the values that it may have, and what it counts."""

    text: str
    values: frozenset[float]
    unit: tuple[str, float] | None = None
    """Base unit and factor."""
    counted: str = ""
    """The word after it, singular."""
    is_small: bool = False
    """In words, up to twenty: the cited text may list as many things without counting them."""
    rounded_digits: int = 0
    """Significant digits to which a more exact number may be rounded; 0: must be equal."""
    is_in_name: bool = False
    """Part of a name, as in `F-16`, or implied, as in `both`."""
    span_years: int = 0
    """A `1990s` spans 10 years from its value on, a `19th century` 100."""


def missing_number(sentence: str, cited: str) -> str | None:
    """Returns the first number or month of the sentence that the cited text lacks, or None."""
    cited_numbers = list(dict.fromkeys(find_numbers(cited)))
    equal, compared = set(cited_numbers), 0
    for number in dict.fromkeys(find_numbers(sentence)):
        if number.is_in_name or (number in equal and number.values):
            continue
        compared += 1
        if compared > MAX_COMPARED:
            return number.text
        if any(is_consistent(number, other) for other in cited_numbers):
            continue
        if not number.values:
            if number.text not in cited:
                return number.text
        elif not number.is_small or any(_count_the_same(number, other) for other in cited_numbers):
            return number.text
    return _missing_month(sentence, cited)


def find_numbers(text: str) -> Iterator[Number]:
    """Yields the numbers of a text in order, in digits, in words and implied."""
    for match in _NUMBER.finditer(text):
        before = text[max(0, match.start() - 16) : match.start()]
        following = _COUNTED.match(text, match.end())
        counted = following.group(1).lower().replace(" ", "") if following else ""
        counted = counted if counted.endswith("ss") else counted.removesuffix("s")
        if match["literal"]:
            yield Number(match.group(), frozenset())
        elif match["digits"]:
            yield _in_digits(match, before, text[match.end() : match.end() + 4], counted)
        elif match["words"]:
            value = _parse_words(match["words"].lower())
            yield Number(
                match.group(),
                frozenset({value}),
                _UNITS.get(counted),
                counted,
                is_small=value <= 20 or match["words"].lower() in _SCALE_WORDS,
            )
        else:
            values = frozenset(_IMPLIED[match["implied"].lower()])
            yield Number(match.group(), values, None, counted, is_in_name=True)


def _in_digits(match: re.Match[str], before: str, after: str, counted: str) -> Number:
    digits, letter = match["digits"], match["letter"] or ""
    currency = before.rstrip()[-1:] if before.rstrip()[-1:] in tuple("$€£") else ""
    scale, unit = (match["scale"] or letter).lower(), _UNITS.get(currency or counted)
    if letter == "m" and not currency:
        scale, unit = "", _UNITS["m"]
    fraction = _FRACTIONS.get(match["fraction"] or "", 0.0)
    values = {(value + fraction) * _SCALES.get(scale, 1.0) for value in _readings(digits)}
    if len(digits) == 2 and (year := _SHORT_YEAR.search(before)):
        values.add(float(year.group(1) + digits))
    significant = re.sub(r"\D", "", digits).lstrip("0")
    if not re.search(r"[.,]\d{1,2}\Z", digits):
        significant = significant.rstrip("0")
    span_years = 10 if match["suffix"] == "s" else 100 if counted == "century" else 0
    if span_years == 100:
        values = {(value - 1) * 100 for value in values}
    return Number(
        match.group(),
        frozenset(values),
        unit,
        counted,
        rounded_digits=(len(significant) or 1) if scale or _HEDGE.search(before) else 0,
        is_in_name=len(digits) != 4 and bool(_ATTACHED.search(before) or _NAME_AFTER.match(after)),
        span_years=span_years,
    )


def _readings(digits: str) -> set[float]:
    """The values that the digits may have, with the last mark as decimal or thousands separator."""
    compact = re.sub(r"[^\d.,]", "", digits)
    whole = float(re.sub(r"[.,]", "", compact))
    marks = re.findall(r"[.,]", compact)
    readings = set()
    if marks and compact.count(marks[-1]) == 1:
        integer, _, decimals = compact.rpartition(marks[-1])
        readings.add(float(f"{re.sub(r'[.,]', '', integer)}.{decimals}"))
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", compact):
        readings.add(whole)
    return readings or {whole}


def _parse_words(words: str) -> float:
    total = current = 0.0
    for word in re.split(r"[ -]+", words):
        if word == "hundred":
            current = max(current, 1.0) * 100
        elif word in _SCALE_WORDS:
            total, current = total + max(current, 1.0) * _SCALE_WORDS[word], 0.0
        else:
            current += _WORD_VALUES.get(word, 0.0)
    return total + current


def is_consistent(number: Number, other: Number) -> bool:
    """Whether a number may be the other one, which may be more exact."""
    is_article = other.text.lower() in _ARTICLES
    if is_article and not number.is_small and number.counted != other.counted:
        return False
    factor = 1.0
    if number.unit and other.unit:
        if number.unit[0] != other.unit[0]:
            return False
        factor = other.unit[1] / number.unit[1]
    return any(
        _is_equal(value, exact * factor, number)
        for value in number.values
        for exact in other.values
    )


def _is_equal(value: float, exact: float, number: Number) -> bool:
    if math.isclose(value, exact, rel_tol=1e-9) or value <= exact < value + number.span_years:
        return True
    if not number.rounded_digits or not 1e-9 < exact < 1e18:
        return False
    places = number.rounded_digits - 1 - math.floor(math.log10(exact))
    return math.isclose(round(exact, places), value, rel_tol=1e-9)


def _count_the_same(number: Number, other: Number) -> bool:
    has_number = other.text.lower() not in _ARTICLES
    return bool(number.counted) and number.counted == other.counted and has_number


def _missing_month(sentence: str, cited: str) -> str | None:
    months = {match.group().lower()[:3] for match in _MONTH.finditer(cited)}
    months |= {_MONTHS[int(n) - 1] for n in _ISO_MONTH.findall(cited) if 0 < int(n) < 13}
    for match in _MONTH.finditer(sentence):
        is_month = (
            match["unambiguous"]
            or _DAY_BEFORE.search(sentence[: match.start()])
            or re.match(r"\.?,? \d", sentence[match.end() :])
        )
        if is_month and match.group().lower()[:3] not in months:
            return match.group()
    return None
