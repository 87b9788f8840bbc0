"""Word cover for questions in German, French, Spanish and Chinese, and the values they ask for.

The confidence was fitted on English questions, and the embedded model is an English one: in other
languages its cosines say little. Words of the question that the quoted unit has say more. Words of
European languages match by their beginning (inflection, compounds); Chinese, written without
spaces, by pairs of characters (bigrams, as in Lucene's CJKAnalyzer).
"""

import re
import unicodedata
from collections.abc import Iterator
from math import ceil
from typing import Literal, cast

from index.text.language import classify

Language = Literal["en", "de", "fr", "es", "zh"]

MIN_PREFIX, PREFIX_SHARE = 5, 0.7
"""Words match that share a beginning of so many letters, and of the longer word so much."""
MIN_PROBABILITY = 0.7
"""Of a language other than English: "sandbox max routes" is .65 French, "Que faire ?" .98."""
MAX_WORDS = 30
"""Content words of a question that are looked for: the first ones."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_OTHER_WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff]+")
_WORD = re.compile(r"[^\W_]+")
_CHINESE_FUNCTION = re.compile(
    "请问|请|告诉|一下|多少钱|多少|几点|几个|几时|几|什么时候|什么|何时|哪里|哪儿|哪些|哪个|哪年|哪天|哪"
    "|谁|怎么样|怎么办|怎么|怎样|如何|为什么|为何|是否|能否|可以|可不可以|能不能|需要|需|应该|必须|有没有"
    "|我们|你们|他们|它们|我|你|您|他|她|它|吗|呢|吧|啊|的|地|得|了|着|是|在|有|和|与|及|或|这|那|个|要|会|能|把"
    "|被|对|从|到|都|也|还|就|很|最"
)
_FUNCTION: dict[Language, frozenset[str]] = {
    "en": frozenset(
        "a an the of to in on at by for from with as is are was were be do does did has have had it"
        " this that and or not can could will would should may i we you my what when where who"
        " which how why much many there".split()
    ),
    "de": frozenset(
        "der die das den dem des ein eine einen einem einer eines und oder nicht ist sind war waren"
        " wird werden wurde hat haben hatte kann konnen darf muss mussen soll sollen ich wir ihr"
        " sie er es man mein meine unser unsere was wer wen wem wie wo wann warum wieso woher wohin"
        " welche welcher welches welchen viel viele lange hoch teuer kostet kosten gibt fur von vom"
        " zu zum zur mit bei im in am an auf aus nach uber unter vor um bis seit ab als auch noch"
        " denn mir mich dich bitte gilt brauche braucht brauchen benotige benotigt".split()
    ),
    "fr": frozenset(
        "le la les un une des du de d l et ou ne pas est sont etait a ont avoir etre peut peuvent"
        " dois doit faut je nous vous il elle ils elles on mon ma mes notre votre que qu qui quoi"
        " quel quelle quels quelles quand ou comment pourquoi combien coute coutent y au aux en"
        " dans sur sous avec pour par chez ce cette ces se s c est-ce t besoin ai".split()
    ),
    "es": frozenset(
        "el la los las un una unos unas del de y o no es son era esta estan fue ha han hay puede"
        " pueden debo debe se yo nosotros usted mi mis nuestro su sus que quien quienes cual cuales"
        " cuando donde como por para con en al a sobre cuanto cuanta cuantos cuantas cuesta cuestan"
        " lo le les tiene tienen necesito necesita".split()
    ),
}
_NUMERAL = "[0-9０-９〇零一二三四五六七八九十百千万亿两半]"
_MONEY = re.compile(
    r"[€$£¥]|\d ?(?:euros?|cents?|dollars?|francs?|franken|chf|eur|usd|pesos?|pfund)\b"
    r"|\b(?:kostenlos|kostenfrei|gratis|umsonst|gratuit\w*)\b"
    rf"|{_NUMERAL} ?(?:元|块|角|欧元|美元|英镑|日元)|免费",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d ?(?:uhr|h\b|:\d\d)|\b(?:1\d|20)\d\d\b|\d\. ?[^\W\d_]|\b\d{1,2} (?:de )?[^\W\d_]{3,}"
    r"|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo)s?\b"
    rf"|{_NUMERAL} ?(?:点|时|年|月|日|号|天|周|个|小时|分|秒)|星期|周[一二三四五六日]",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    rf"{_NUMERAL}|\b(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend"
    r"|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|douze|cent|mille"
    r"|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|cien|mil)\b",
    re.IGNORECASE,
)
_KINDS = (
    (
        re.compile(
            r"\b(?:was kostet|was kosten|wie teuer|wie viel kostet|wieviel kostet|preis|quel prix"
            r"|combien (?:coûte|ça)|prix|cuánto (?:cuesta|vale)|precio)\b"
            "|多少钱|几元|几块|价格|费用|票价|租金",
            re.IGNORECASE,
        ),
        _MONEY,
    ),
    (
        re.compile(
            r"\b(?:wann|um wie ?viel uhr|welche[sn]? (?:jahr|tag|datum)|quand|à quelle heure"
            r"|quelle (?:date|année)|cuándo|a qué hora|qué (?:día|año|fecha))\b"
            "|几点|什么时候|何时|几时|哪年|哪天|几月|几号|日期|多久|多长时间",
            re.IGNORECASE,
        ),
        _TIME,
    ),
    (
        re.compile(
            r"\b(?:wie ?viele?|wie lange|wie hoch|wie groß|wie oft|wie weit|combien|cuánt[oa]s?)\b"
            "|多少|几个|几[^乎]",
            re.IGNORECASE,
        ),
        _NUMBER,
    ),
)
"""What asks for a value, and what such a value looks like."""


def language_of(text: str) -> Language:
    """Returns the text's language by its characters and a classifier; English in doubt."""
    characters = len(_HAN.findall(text))
    if characters and characters >= len(_OTHER_WORD.findall(text)):
        return "zh"
    language, probability = classify(text)
    return cast(Language, language) if probability >= MIN_PROBABILITY else "en"


def without_function_words(text: str, language: Language) -> str:
    """Returns the text with blanks for the function words of its language, offsets unchanged."""
    if language == "zh":
        return _CHINESE_FUNCTION.sub(_blank, text)
    function = _FUNCTION[language]
    return _WORD.sub(lambda m: _blank(m) if set(_fold(m.group())) <= function else m.group(), text)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def cover(question: str, text: str) -> float:
    """Returns the share of the question's content words that a text has, 0 to 1."""
    language = language_of(question)
    if language == "zh":
        asked, lower = _bigrams(question), text.lower()
        found = [pair in lower for pair in asked[:MAX_WORDS]]
    else:
        asked = list(
            dict.fromkeys(word for word in _fold(question) if word not in _FUNCTION[language])
        )
        words = set(_fold(text))
        found = [
            word in words or any(_match(word, other) for other in words)
            for word in asked[:MAX_WORDS]
        ]
    return sum(found) / len(found) if found else 0.0


def holds_value(question: str, text: str) -> bool:
    """Whether the text has a value such as the question asks for; true where it asks for none."""
    value = next((value for asks, value in _KINDS if asks.search(question)), None)
    return value is None or bool(value.search(text))


def _match(word: str, other: str) -> bool:
    """Whether one is an inflection of the other, or a compound's part at an end of it."""
    short, long = sorted((word, other), key=len)
    if len(short) < MIN_PREFIX:
        return False
    prefix = max(MIN_PREFIX, ceil(PREFIX_SHARE * len(long)))
    is_inflected = len(short) >= prefix and short[:prefix] == long[:prefix]
    return is_inflected or long.endswith(short)


def _fold(text: str) -> list[str]:
    """Returns the words in lower case and without accents."""
    decomposed = unicodedata.normalize("NFD", text.lower().replace("ß", "ss"))
    return _WORD.findall("".join(c for c in decomposed if not unicodedata.combining(c)))


def _bigrams(text: str) -> list[str]:
    return list(dict.fromkeys(_pairs(_CHINESE_FUNCTION.sub(" ", text.lower()))))


def _pairs(text: str) -> Iterator[str]:
    for word in re.findall(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]+", text):
        if len(word) == 1 or not _HAN.match(word):
            yield word
        else:
            yield from (word[n : n + 2] for n in range(len(word) - 1))
