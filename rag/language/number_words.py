"""Numbers in words and amounts of money as figures, in the five languages of the interface.

`seven`, `sieben`, `sept`, `siete` and `七` become `7`; `€89` and `89 euros` become `89 EUR`. For
comparing a short answer with a gold one: articles that also mean one (`ein`, `un`, `una`) stay.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, product

_ENGLISH_ONES = "one two three four five six seven eight nine".split()
_ENGLISH_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_GERMAN_ONES = "ein zwei drei vier fünf sechs sieben acht neun".split()
_GERMAN_TEENS = (
    "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn".split()
)
_GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
_FRENCH = (
    "zéro _ deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf"
).split()
_FRENCH_TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante"}
_SPANISH = (
    "cero _ dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro "
    "veinticinco veintiséis veintisiete veintiocho veintinueve"
).split()
_SPANISH_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()


def _values() -> dict[str, int]:
    """Returns the words of the numbers below one hundred, with their values."""
    values = {"zero": 0, "eins": 1, "cien": 100, "hundert": 100}
    values |= {word: n for n, word in enumerate(_ENGLISH_ONES, 1)}
    values |= {word: n for n, word in enumerate(_ENGLISH_TEENS, 10)}
    values |= {word: n for n, word in enumerate(_GERMAN_ONES, 1) if n > 1}
    values |= {word: n for n, word in enumerate(_GERMAN_TEENS, 10)}
    for n, (english, german) in enumerate(zip(_ENGLISH_TENS, _GERMAN_TENS, strict=True), 2):
        values |= {english: n * 10, german: n * 10}
        values |= {f"{english}-{one}": n * 10 + k for k, one in enumerate(_ENGLISH_ONES, 1)}
        values |= {f"{one}und{german}": n * 10 + k for k, one in enumerate(_GERMAN_ONES, 1)}
    for words in (_FRENCH, _SPANISH):
        values |= {word: n for n, word in enumerate(words) if word != "_"}
    for n, word in _FRENCH_TENS.items():
        values[word] = n
        values |= {f"{word}-{one}": n + k for k, one in enumerate(_FRENCH[:10]) if k > 1}
        values[f"{word}-et-un"] = n + 1
    values |= {f"soixante-{word}": 60 + n for n, word in enumerate(_FRENCH) if n >= 10}
    values |= {"soixante-et-onze": 71, "quatre-vingts": 80, "quatre-vingt": 80}
    values |= {f"quatre-vingt-{word}": 80 + n for n, word in enumerate(_FRENCH) if n > 1}
    values["quatre-vingt-un"] = 81
    for (n, ten), (k, one) in product(enumerate(_SPANISH_TENS, 3), enumerate(_SPANISH[:10])):
        values |= {ten: n * 10} if k == 0 else {f"{ten}-y-{one if k > 1 else 'uno'}": n * 10 + k}
    return values


VALUES = _values()
"""Number words below one hundred → value."""
_HUNDRED = 100
_SCALES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}


def alternation(words: Iterable[str]) -> str:
    """Returns a pattern of any of the words, the longest that fits, grouped by first letter."""
    letters = sorted(words, key=lambda word: (word[0], -len(word)))
    return "|".join(
        f"{letter}(?:{'|'.join(re.escape(word[1:]) for word in group)})"
        for letter, group in groupby(letters, key=lambda word: word[0])
    )


_WORDS = alternation([*VALUES, "hundred", *_SCALES]).replace(r"\-", "[ -]")
_NUMBER_WORDS = re.compile(
    rf"(?<![\w-])(?:{_WORDS})(?!\w)(?:(?: and)?[ -](?:{_WORDS})(?!\w))*+", re.IGNORECASE
)
_PART = re.compile(rf"( and )?({_WORDS})", re.IGNORECASE)
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
_MAX_CHINESE_CHARS = 12
_CHINESE_DIGITS = {d: n for n, d in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CHINESE_SCALES = {"十": 10, "百": 100, "千": 1_000}
_FIGURE = r"(?<![\d.,])\d++(?:[.,]\d++)*+"
_CURRENCIES = {
    "EUR": "€|eur|euros?",
    "USD": r"\$|usd|us-?dollars?|dollars?",
    "GBP": "£|gbp|pounds? sterling|pounds?",
}
_MONEY = [
    (
        re.compile(
            rf"(?<!\w)(?:{names})[ \u00a0]?({_FIGURE})|({_FIGURE})[ \u00a0]?(?:{names})(?!\w)",
            re.IGNORECASE,
        ),
        code,
    )
    for code, names in _CURRENCIES.items()
]
_PERCENT_WORD = re.compile(r"\b(?:per cent|pour cent|por ciento|prozent)\b", re.IGNORECASE)
_PERCENT = re.compile(rf"({_FIGURE})[ \u00a0]?%")


def words_to_figures(text: str) -> str:
    """Returns the text with its numbers in figures, and money and percentages in one form."""
    text = _PERCENT.sub(r"\1 percent", _PERCENT_WORD.sub("percent", text))
    text = _CHINESE.sub(_chinese_figure, _NUMBER_WORDS.sub(_figures, text))
    for pattern, code in _MONEY:
        text = pattern.sub(rf"\1\2 {code}", text)
    return text


@dataclass(slots=True)
class _Number:
    """A number whose words are read one after the other."""

    total: int = 0
    below_scale: int = 0
    scale: int = 10**12
    may_take_and: bool = False

    def add(self, word: str, has_and: bool) -> bool:
        """Adds a word that goes on with the number; False where it begins another."""
        value, current = VALUES.get(word, 0), self.below_scale
        if has_and and not self.may_take_and:
            return False
        if word in _SCALES:
            if not current or _SCALES[word] >= self.scale:
                return False
            self.scale = _SCALES[word]
            self.total, self.below_scale = self.total + current * self.scale, 0
        elif word == "hundred":
            if not 0 < current < 10:
                return False
            self.below_scale = current * _HUNDRED
        elif current % _HUNDRED == 0 or (
            current % _HUNDRED >= 20 and value < 10 and not current % 10
        ):
            self.below_scale = current + value
        else:
            return False
        self.may_take_and = word == "hundred" or word in _SCALES
        return True

    def __str__(self) -> str:
        return str(self.total + self.below_scale)


def _figures(match: re.Match[str]) -> str:
    """Returns the numbers of a run of number words, which may be several."""
    parts: list[str] = []
    number: _Number | None = None
    for joint, words in _PART.findall(match.group()):
        word = words.lower().replace(" ", "-")
        if number is not None and number.add(word, bool(joint)):
            continue
        if number is not None:
            parts += (str(number), joint or " ")
        number = _Number(below_scale=int(word == "hundred" or word in _SCALES))
        number.add(word, has_and=False)
    return "".join((*parts, str(number)))


def _chinese_figure(match: re.Match[str]) -> str:
    text = match.group()
    if not set(text) & {*_CHINESE_SCALES, "万"}:
        return "".join(str(_CHINESE_DIGITS[digit]) for digit in text)
    if len(text) > _MAX_CHINESE_CHARS:
        return text
    total = section = digit = 0
    for mark in text:
        if mark == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        elif mark in _CHINESE_SCALES:
            section, digit = section + (digit or 1) * _CHINESE_SCALES[mark], 0
        else:
            digit = _CHINESE_DIGITS[mark]
    return str(total + section + digit)
