"""The figures of a text, dates among them, and the first that another text lacks.

`1.2 million`, `1,200,000` and `1 200 000` are one figure, so are `40%` and `forty percent`. What
can be read in two ways (`1.200`, `3,5`) has both values, and is there when one of them is.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NTH = (
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_NAMED = {
    **{word: float(value) for value, word in enumerate(_SMALL.split())},
    **{word: value * 10.0 for value, word in enumerate(_TENS.split(), start=2)},
    **{word: float(value) for value, word in enumerate(_NTH.split(), start=3)},
    "dozen": 12.0,
}
_SCALE_WORDS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALES = {**_SCALE_WORDS, "k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "tn": 1e12}
_UNITS = {
    alias: (base, factor)
    for base, factor, aliases in (
        ("%", 1.0, "% percent pct"),
        ("$", 1.0, "$ dollar usd"),
        ("€", 1.0, "€ euro eur"),
        ("£", 1.0, "£ gbp"),
        ("m", 1.0, "m metre meter"),
        ("m", 1e3, "km kilometre kilometer"),
        ("m", 1e-2, "cm centimetre centimeter"),
        ("m", 1e-3, "mm millimetre millimeter"),
        ("mi", 1.0, "mi mile"),
        ("ft", 1.0, "ft foot feet"),
        ("g", 1.0, "g gram"),
        ("g", 1e3, "kg kilogram"),
        ("g", 1e6, "tonne"),
        ("s", 1.0, "second"),
        ("s", 60.0, "minute"),
        ("s", 3600.0, "hour"),
        ("s", 86400.0, "day"),
        ("s", 604800.0, "week"),
        ("month", 1.0, "month"),
        ("month", 12.0, "year"),
        ("month", 120.0, "decade"),
    )
    for alias in aliases.split()
}
_IMPLIED = {
    **{"both": (2.0,), "pair": (2.0,), "couple": (2.0,), "twice": (2.0,), "double": (2.0,)},
    **{"a": (1.0,), "an": (1.0,), "first": (1.0,), "second": (2.0,), "half": (0.5, 50.0)},
    **{"quarter": (0.25, 25.0), "dozens": (12.0,)},
}
_ARTICLES = ("a", "an")
_PARTS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_WORDS = "|".join(sorted([*_NAMED, *_SCALE_WORDS], key=len, reverse=True))
_NUMBER = re.compile(
    r"(?P<literal>\d+(?:\.\d+){2,})"
    r"|(?P<digits>\d{1,3}(?:[,.'’\u00a0\u2009\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?P<part>[½¼¾])?(?:(?P<tail>st|nd|rd|th|s)(?![^\W_]))?"
    rf"(?:(?:[ \u00a0-]?(?P<scale>{'|'.join(_SCALE_WORDS)}|bn|mn|tn)|(?P<letter>[kmb]))(?![^\W_]))?"
    rf"|(?<!\w)(?P<words>(?:{_WORDS})(?:(?:[ -]and)?[ -](?:{_WORDS}))*)(?!\w)"
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
_SHORT_YEAR = re.compile(r"(?<!\d)(\d\d)\d\d ?[-–—/] ?\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(
    r"\b(?P<sure>january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?P<short>jan|feb|mar|march|apr|may|jun|jul|aug|sept?|oct|nov|dec)\b",
    re.IGNORECASE,
)
_BY_DIGIT = re.compile(r"(?:\d|\d(?:st|nd|rd|th)) (?:of )?\Z")
_ISO_MONTH = re.compile(r"\b\d{4}-(\d\d)\b")


@dataclass(frozen=True, slots=True)
class Number:
    """A figure as it stands in the text, the values it may have and the word behind it."""

    text: str
    values: frozenset[float]
    unit: tuple[str, float] | None = None
    counted: str = ""
    small: bool = False
    """A small number in words: an enumeration in the cited text may amount to it."""
    digits: int = 0
    """Significant digits to which an exacter figure may be rounded; 0: not at all."""
    attached: bool = False
    """Part of a name, as in `F-16`."""
    years: int = 0
    """`1990s` holds 10 years from its value on, `19th century` 100."""


def missing_number(sentence: str, cited: str) -> str | None:
    """Returns the first figure of the sentence that the cited text lacks, a month too, or None."""
    there = list(find_numbers(cited))
    for figure in find_numbers(sentence):
        if figure.attached or any(is_consistent(figure, other) for other in there):
            continue
        if not figure.values:
            if figure.text not in cited:
                return figure.text
        elif not figure.small or any(_rivals(figure, other) for other in there):
            return figure.text
    return _missing_month(sentence, cited)


def find_numbers(text: str) -> Iterator[Number]:
    """Yields the figures of a text in order, those in words and those implied, too."""
    for match in _NUMBER.finditer(text):
        before = text[max(0, match.start() - 16) : match.start()]
        following = _COUNTED.match(text, match.end())
        counted = following.group(1).lower().replace(" ", "") if following else ""
        counted = counted if counted.endswith("ss") else counted.removesuffix("s")
        if match["literal"]:
            yield Number(match.group(), frozenset())
        elif match["digits"]:
            yield _in_digits(match, before, counted)
        elif match["words"]:
            value = _spelled(match["words"].lower())
            small = value <= 20 or match["words"].lower() in _SCALE_WORDS
            unit = _UNITS.get(counted)
            yield Number(match.group(), frozenset({value}), unit, counted, small=small)
        else:
            values = frozenset(_IMPLIED[match["implied"].lower()])
            yield Number(match.group(), values, None, counted, attached=True)


def _in_digits(match: re.Match[str], before: str, counted: str) -> Number:
    money = before.rstrip()[-1:] if before.rstrip()[-1:] in tuple("$€£") else ""
    letter = match["letter"] or ""
    scale = (match["scale"] or letter).lower()
    unit = _UNITS.get(money or counted)
    if letter == "m" and not money:
        scale, unit = "", _UNITS["m"]
    factor = _SCALES.get(scale, 1.0)
    part = _PARTS.get(match["part"] or "", 0.0)
    values = {(value + part) * factor for value in _readings(match["digits"])}
    if len(match["digits"]) == 2 and (year := _SHORT_YEAR.search(before)):
        values.add(float(year.group(1) + match["digits"]))
    significant = re.sub(r"\D", "", match["digits"]).lstrip("0")
    if not re.search(r"[.,]\d{1,2}\Z", match["digits"]):
        significant = significant.rstrip("0")
    years = 10 if match["tail"] == "s" else 100 if counted == "century" else 0
    is_year = len(match["digits"]) == 4
    return Number(
        match.group(),
        frozenset((value - 1) * 100 for value in values) if years == 100 else frozenset(values),
        unit,
        counted,
        digits=(len(significant) or 1) if scale or _HEDGE.search(before) else 0,
        attached=bool(_ATTACHED.search(before)) and not is_year,
        years=years,
    )


def _readings(digits: str) -> set[float]:
    compact = re.sub(r"[^\d.,]", "", digits)
    marks = re.findall(r"[.,]", compact)
    if not marks:
        return {float(compact)}
    readings = set()
    if compact.count(marks[-1]) == 1:
        whole, _, rest = compact.rpartition(marks[-1])
        readings.add(float(f"{re.sub(r'[.,]', '', whole)}.{rest}"))
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", compact):
        readings.add(float(re.sub(r"[.,]", "", compact)))
    return readings or {float(re.sub(r"[.,]", "", compact))}


def _spelled(words: str) -> float:
    total = current = 0.0
    for word in re.split(r"[ -]", words):
        if word == "hundred":
            current = max(current, 1.0) * 100
        elif word in _SCALE_WORDS:
            total, current = total + max(current, 1.0) * _SCALE_WORDS[word], 0.0
        else:
            current += _NAMED.get(word, 0.0)
    return total + current


def is_consistent(figure: Number, other: Number) -> bool:
    """Returns whether a figure says no other thing than another does, which may be more exact."""
    if other.text.lower() in _ARTICLES and not figure.small and figure.counted != other.counted:
        return False
    factor = 1.0
    if figure.unit and other.unit:
        if figure.unit[0] != other.unit[0]:
            return False
        factor = other.unit[1] / figure.unit[1]
    return any(
        _equal(value, known * factor, figure) for value in figure.values for known in other.values
    )


def _equal(value: float, known: float, figure: Number) -> bool:
    if math.isclose(value, known, rel_tol=1e-9):
        return True
    if figure.years and value <= known < value + figure.years:
        return True
    if not figure.digits or not 1e-9 < known < 1e18:
        return False
    places = figure.digits - 1 - math.floor(math.log10(known))
    return math.isclose(round(known, places), value, rel_tol=1e-9)


def _rivals(figure: Number, other: Number) -> bool:
    """Whether the cited text counts the same thing otherwise."""
    return (
        bool(figure.counted)
        and figure.counted == other.counted
        and other.text.lower() not in _ARTICLES
    )


def _missing_month(sentence: str, cited: str) -> str | None:
    there = {match.group().lower()[:3] for match in _MONTH.finditer(cited)}
    there |= {
        _MONTHS[int(number) - 1] for number in _ISO_MONTH.findall(cited) if 0 < int(number) < 13
    }
    for match in _MONTH.finditer(sentence):
        by_digit = _BY_DIGIT.search(sentence[: match.start()]) or re.match(
            r"\.?,? \d", sentence[match.end() :]
        )
        if (match["sure"] or by_digit) and match.group().lower()[:3] not in there:
            return match.group()
    return None
