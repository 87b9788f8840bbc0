"""Word cover for questions in Chinese characters, where vectors of an English model say little.

Written without spaces, words are compared as pairs of characters (bigrams, as Lucene's
CJKAnalyzer); what only asks, and particles, are left out.
"""

import re

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_OTHER_WORD = re.compile(r"[^\W\d_\u3400-\u4dbf\u4e00-\u9fff]+")
_FUNCTION = re.compile(
    "请问|请|告诉|一下|多少钱|多少|几点|几个|几时|几|什么时候|什么|何时|哪里|哪儿|哪些|哪个|哪年|哪天|哪"
    "|谁|怎么样|怎么办|怎么|怎样|如何|为什么|为何|是否|能否|可以|可不可以|能不能|需要|需|应该|必须|有没有"
    "|我们|你们|他们|它们|我|你|您|他|她|它|吗|呢|吧|啊|的|地|得|了|着|是|在|有|和|与|及|或|这|那|个|要|会|能|把"
    "|被|对|从|到|都|也|还|就|很|最"
)
_WORDS = re.compile(r"[A-Za-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]+")
_NUMERAL = "[0-9０-９〇零一二三四五六七八九十百千万亿两半]"
_KINDS = (
    (
        re.compile("多少钱|几元|几块|价格|费用|票价|租金"),
        re.compile(rf"{_NUMERAL} ?(?:元|块|角|欧元|美元|英镑|日元|%)|[€$£¥]|免费"),
    ),
    (
        re.compile("几点|什么时候|何时|几时|哪年|哪天|几月|几号|日期|多久|多长时间"),
        re.compile(
            rf"{_NUMERAL} ?(?:点|时|年|月|日|号|天|周|个|小时|分|秒)|星期|周[一二三四五六日末]"
        ),
    ),
    (re.compile("多少|几个|几[^乎]"), re.compile(_NUMERAL)),
)
"""What asks for a value, and what such a value looks like."""


def is_chinese(text: str) -> bool:
    """Whether the text has Chinese characters, at least as many as words in other scripts."""
    characters = len(_HAN.findall(text))
    return characters > 0 and characters >= len(_OTHER_WORD.findall(text))


def cover(question: str, text: str) -> float:
    """Returns the share of the question's words (bigrams) that a text has, 0 to 1."""
    asked = _units(question)
    lower = text.lower()
    return sum(unit in lower for unit in asked) / len(asked) if asked else 0.0


def holds_value(question: str, text: str) -> bool:
    """Whether the text has a value such as the question asks for; true where it asks for none."""
    kinds = (value for asks, value in _KINDS if asks.search(question))
    value = next(kinds, None)
    return value is None or bool(value.search(text))


def _units(text: str) -> list[str]:
    units: list[str] = []
    for word in _WORDS.findall(_FUNCTION.sub(" ", text.lower())):
        is_single = len(word) == 1 or not _HAN.match(word)
        units += [word] if is_single else [word[n : n + 2] for n in range(len(word) - 1)]
    return list(dict.fromkeys(units))
