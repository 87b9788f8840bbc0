"""Quarters and half-years, by all their names: "Q2" is "second quarter" is "April to June".

Calendar periods; the articles' own words decide where a business year is another one.
"""

import re
from collections.abc import Iterator

from .word_cover import Language, language_of

_FORMS: dict[Language, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("Q1", "first quarter", "January to March"),
        ("Q2", "second quarter", "April to June"),
        ("Q3", "third quarter", "July to September"),
        ("Q4", "fourth quarter", "October to December"),
        ("H1", "first half", "first six months", "January to June"),
        ("H2", "second half", "last six months", "July to December"),
    ),
    "de": (
        ("Q1", "erste Quartal", "Januar bis März"),
        ("Q2", "zweite Quartal", "April bis Juni"),
        ("Q3", "dritte Quartal", "Juli bis September"),
        ("Q4", "vierte Quartal", "Oktober bis Dezember"),
        ("H1", "erste Halbjahr", "erste Jahreshälfte", "Januar bis Juni"),
        ("H2", "zweite Halbjahr", "zweite Jahreshälfte", "Juli bis Dezember"),
    ),
    "fr": (
        ("T1", "premier trimestre", "janvier à mars"),
        ("T2", "deuxième trimestre", "avril à juin"),
        ("T3", "troisième trimestre", "juillet à septembre"),
        ("T4", "quatrième trimestre", "octobre à décembre"),
        ("S1", "premier semestre", "janvier à juin"),
        ("S2", "second semestre", "juillet à décembre"),
    ),
    "es": (
        ("T1", "primer trimestre", "enero a marzo"),
        ("T2", "segundo trimestre", "abril a junio"),
        ("T3", "tercer trimestre", "julio a septiembre"),
        ("T4", "cuarto trimestre", "octubre a diciembre"),
        ("S1", "primer semestre", "enero a junio"),
        ("S2", "segundo semestre", "julio a diciembre"),
    ),
    "zh": (
        ("Q1", "第一季度", "1月至3月"),
        ("Q2", "第二季度", "4月至6月"),
        ("Q3", "第三季度", "7月至9月"),
        ("Q4", "第四季度", "10月至12月"),
        ("H1", "上半年", "1月至6月"),
        ("H2", "下半年", "7月至12月"),
    ),
}
"""The names of each period: a sign, words, and its months; the same six in each language."""
MAX_CHARS = 500
"""A longer question says enough."""
_SIGN = re.compile(r"(?<![\w-])(?:[QTHS][1-4]|[1-4][QT]|[12][HS])(?![\w-])", re.IGNORECASE)


def period_forms(word: str) -> tuple[str, ...]:
    """Returns a period's names in lower case, in all languages; the word alone if it is none."""
    if not _SIGN.fullmatch(word):
        return (word.lower(),)
    number = _number(word)
    names = (name for forms in _FORMS.values() for name in forms[number])
    return tuple(dict.fromkeys((word.lower(), *(name.lower() for name in names))))


def with_periods(question: str) -> str:
    """Returns the question with the other names of each quarter or half-year that it names."""
    if len(question) > MAX_CHARS:
        return question
    language = language_of(question)
    added = list(dict.fromkeys(_others(question, language)))
    return f"{question.rstrip()} ({'; '.join(added)})" if added else question


def _others(question: str, language: Language) -> Iterator[str]:
    lower, forms = question.lower(), _FORMS[language]
    numbers = {_number(sign.group()) for sign in _SIGN.finditer(question)}
    numbers |= {
        n for n, names in enumerate(forms) if any(one.lower() in lower for one in names[1:])
    }
    for number in sorted(numbers):
        yield from (name for name in forms[number] if name.lower() not in lower)


def _number(sign: str) -> int:
    """Returns a sign's place among the six periods; "2Q" is "Q2"."""
    digit = int(re.sub(r"\D", "", sign))
    return digit - 1 if re.search("[QT]", sign, re.IGNORECASE) else min(digit, 2) + 3
