"""Whether something is asked at all, for what kind of answer, and whether a sentence holds one.

Rules over the question's words, after the coarse classes of Li and Roth 2002: number, measure,
date, person, place, reason; anything else is open. A measure (a price, a speed, a population) is
written in figures or round words, where a number of things may be "five".
"""

import re
from typing import Literal

from index.text.analyzer import STOP_WORDS

AnswerType = Literal["number", "measure", "date", "person", "place", "reason", "open"]

MEASURE_WORDS = (
    "percent|percentage|share|number|amount|price|cost|population|capacity|revenue|distance|height"
    "|length|speed|size|weight|age|rate|temperature|area|sum|total|score|budget|salary|horsepower"
    "|range|ratio|proportion|fraction|quantity|area|depth|width|volume|frequency"
)
_QUESTION: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "date",
        re.compile(
            r"\b(?:when|(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade|season)s?"
            r"|since what time|how long ago)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|long|old|far|tall|high|large|big|fast|deep|wide|often|heavy)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "measure",
        re.compile(
            rf"\b(?:what|which)(?: (?:is|are|was|were))?(?: the)?(?: [\w'’-]+){{0,2}} "
            rf"(?:{MEASURE_WORDS})\b",
            re.IGNORECASE,
        ),
    ),
    ("person", re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)),
    ("place", re.compile(r"\bwhere\b", re.IGNORECASE)),
    ("reason", re.compile(r"\bwhy\b|\bwhat (?:is|was) the (?:reason|cause)\b", re.IGNORECASE)),
)
SHORTEST_SENTENCE, SHORTEST_TITLE = 3, 5
"""Words: less is a phrase."""
_ASKS = re.compile(
    r"[?？]|\bwhat\b|\bhow (?:many|much)\b|^(?:(?:and|but|so|or|also|then|please)\b[\s,]*)*"
    r"(?:(?:about|at|by|during|for|from|in|of|on|since|through|to|under|until|with) )?"
    r"(?:wh(?:at|ich|o|om|ose|en|ere|y)|how|is|are|was|were|does|do|did|has|have|had|can|could|will"
    r"|would|should|may|might|must|i|we|you|compare|define|describe|discuss|explain|find|give|help"
    r"|let|list|look|name|outline|search|show|summari[sz]e|tell|translate|write)(?:['’]\w+)?\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    "|hundred|thousand|million|billion|dozen|half|third|quarter|twice|once|double|no|none|several"
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_NUMBER = re.compile(rf"\d|\b(?:{_NUMBER_WORDS})\b", re.IGNORECASE)
_MEASURE = re.compile(
    r"\d|\b(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|billion|dozen"
    r"|half|third|quarter|twice|double|zero)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    rf"\b(?:1\d|20)\d\d(?:s|\b)|\b\d{{1,4}} ?(?:BC|AD|BCE|CE)\b|\b(?:{_MONTHS})\b"
    r"|\bcentur(?:y|ies)\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:spring|summer|autumn|fall|winter)\b"
    r"|\b\d{1,3}0s\b"
    r"|\b(?:years?|months?|weeks?|days?|decades?|hours?) (?:ago|later|after|before)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_a-zß-öø-ÿ][\w’'-]+")
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order|therefore|owing|reason|cause[sd]?|result|aim"
    r"|to|as|for)\b",
    re.IGNORECASE,
)


def is_statement(text: str) -> bool:
    """Is this a claim or a title rather than a question, a request or a few key words?"""
    if _ASKS.search(text.strip()):
        return False
    words = _WORD.findall(text.lower())
    if text.rstrip().endswith((".", "!")):
        return len(words) >= SHORTEST_SENTENCE
    return len(words) >= SHORTEST_TITLE and any(word in STOP_WORDS for word in words)


def expected_answer_type(question: str) -> AnswerType:
    """Returns the kind of answer that the question asks for; "open" for what is none."""
    if is_statement(question):
        return "open"
    for kind, pattern in _QUESTION:
        if pattern.search(question):
            return kind
    return "open"


def contains_answer_type(kind: AnswerType, sentence: str, question: str) -> bool:
    """Could this sentence hold an answer of the kind? A figure or name of the question is none."""
    if kind in ("number", "measure", "date"):
        pattern = {"number": _NUMBER, "measure": _MEASURE, "date": _DATE}[kind]
        asked = question.lower()
        return any(
            not re.search(rf"\b{re.escape(_token(sentence, match).lower())}", asked)
            for match in pattern.finditer(sentence)
        )
    if kind in ("person", "place"):
        asked_names = {word.lower() for word in re.findall(r"[\w’'-]+", question)}
        names = [match.group().lower() for match in _NAME.finditer(sentence)]
        return any(name not in asked_names for name in names[0:1] * (kind == "person") + names[1:])
    if kind == "reason":
        return bool(_REASON.search(sentence))
    return True


def _token(text: str, match: re.Match[str]) -> str:
    """Returns the whole word or figure that a match lies in."""
    start, end = match.span()
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end].strip(".,;:!?()[]\"'“”‘’")
