"""The answer type of a question (number, date, person, …), and whether a sentence contains one.

Rules over the question's words, after the coarse classes of Li and Roth 2002. A measure (price,
speed, population) is written in digits or round words, where a number of things may be "five".
Also tells statements from questions.
"""

import re
from collections.abc import Iterator
from typing import Literal

from index.text.analyzer import STOP_WORDS

AnswerType = Literal["number", "measure", "date", "person", "place", "reason", "open"]


def _compile(patterns: dict[AnswerType, str]) -> dict[AnswerType, re.Pattern[str]]:
    return {name: re.compile(pattern, re.IGNORECASE) for name, pattern in patterns.items()}


MEASURE_WORDS = (
    "percent|percentage|share|number|amount|price|cost|population|capacity|revenue|distance|height"
    "|length|speed|size|weight|age|rate|temperature|area|sum|total|score|budget|salary|horsepower"
    "|range|ratio|proportion|fraction|quantity|depth|width|volume|frequency"
)
_QUESTION_PATTERNS = _compile(
    {
        "date": r"\b(?:when|(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade|season)s?"
        r"|since what time|how long ago)\b",
        "number": r"\bhow (?:many|much|long|old|far|tall|high|large|big|fast|deep|wide|often|heavy)"
        r"\b",
        "measure": r"\b(?:what|which)(?: (?:is|are|was|were))?(?: the)?(?: [\w'’-]+){0,2} "
        rf"(?:{MEASURE_WORDS})\b",
        "person": r"\b(?:who|whom|whose)\b",
        "place": r"\bwhere\b",
        "reason": r"\bwhy\b|\bwhat (?:is|was) the (?:reason|cause)\b",
    }
)
_LIST = re.compile(
    r"\b(?:list|enumerate|steps?|procedure|how (?:to|do|does|can|could|should|would|must)"
    r"|(?:what|which|who) (?:all )?(?:are|were)|all (?:of )?the"
    r"|(?:what|which) (?:\w+ ){0,2}?(?!is\b|was\b|does\b|has\b|this\b)\w{2,}(?<!s)s\b"
    r"|welche[rsnm]?|alle|wie (?:kann|können|muss|soll|mache?|geht)|schritte|was sind"
    r"|quel(?:le)?s|comment|étapes|tous les|toutes les|cuáles|cómo|pasos|todos los|todas las)\b"
    r"|哪些|如何|怎么|怎样|步骤|列出|所有",
    re.IGNORECASE,
)
MIN_SENTENCE_WORDS, MIN_TITLE_WORDS = 3, 5
"""A statement without a full stop is a title, and longer."""
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
_QUANTITIES = _compile(
    {
        "number": rf"\d|\b(?:{_NUMBER_WORDS})\b",
        "measure": r"\d|\b(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million"
        r"|billion|dozen|half|third|quarter|twice|double|zero)\b",
        "date": rf"\b(?:1\d|20)\d\d(?:s|\b)|\b\d{{1,4}} ?(?:BC|AD|BCE|CE)\b|\b(?:{_MONTHS})\b"
        r"|\bcentur(?:y|ies)\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
        r"|\b(?:spring|summer|autumn|fall|winter)\b|\b\d{1,3}0s\b"
        r"|\b(?:years?|months?|weeks?|days?|decades?|hours?) (?:ago|later|after|before)\b",
    }
)
_CAPITALIZED = re.compile(r"[^\W\d_a-zß-öø-ÿ][\w’'-]+")
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order|therefore|owing|reason|cause[sd]?|result|aim"
    r"|to|as|for)\b",
    re.IGNORECASE,
)


def is_statement(text: str) -> bool:
    """Whether this is a claim or a title, not a question, a request or a few keywords."""
    if _ASKS.search(text.strip()):
        return False
    words = _WORD.findall(text.lower())
    if text.rstrip().endswith((".", "!")):
        return len(words) >= MIN_SENTENCE_WORDS
    return len(words) >= MIN_TITLE_WORDS and any(word in STOP_WORDS for word in words)


def asks_for_list(question: str) -> bool:
    """Whether the question asks for a list or a procedure ("which sites", "how do I …")."""
    return bool(_LIST.search(question))


def expected_answer_type(question: str) -> AnswerType:
    """Returns the type of answer that the question asks for; "open" if no rule matches."""
    if is_statement(question):
        return "open"
    matches = (name for name, pattern in _QUESTION_PATTERNS.items() if pattern.search(question))
    return next(matches, "open")


def contains_answer_type(answer_type: AnswerType, sentence: str, question: str) -> bool:
    """Whether the sentence may contain such an answer, other than a value of the question's own."""
    if answer_type in _QUANTITIES:
        asked = question.lower()
        tokens = _tokens_of(_QUANTITIES[answer_type], sentence)
        return any(not _begins_word(token.lower(), asked) for token in tokens)
    if answer_type in ("person", "place"):
        question_words = {word.lower() for word in re.findall(r"[\w’'-]+", question)}
        names = [match.group().lower() for match in _CAPITALIZED.finditer(sentence)]
        candidates = names if answer_type == "person" else names[1:]
        return any(name not in question_words for name in candidates)
    return answer_type != "reason" or bool(_REASON.search(sentence))


def _tokens_of(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yields the whole words or numbers around the pattern's matches, each once."""
    tokens, end = set[str](), 0
    for match in pattern.finditer(text):
        if match.end() <= end:  # in the same token as the match before
            continue
        start, end = match.span()
        while start > 0 and not text[start - 1].isspace():
            start -= 1
        while end < len(text) and not text[end].isspace():
            end += 1
        token = text[start:end].strip(".,;:!?()[]\"'“”‘’")
        if token not in tokens:
            tokens.add(token)
            yield token


def _begins_word(token: str, text: str) -> bool:
    """Whether the text has the token at a word's beginning."""
    if not token:
        return bool(_WORD.search(text))
    at = text.find(token)
    while at >= 0:
        if _is_in_word(text, at) != _is_in_word(text, at - 1):
            return True
        at = text.find(token, at + 1)
    return False


def _is_in_word(text: str, at: int) -> bool:
    return at >= 0 and (text[at].isalnum() or text[at] == "_")
