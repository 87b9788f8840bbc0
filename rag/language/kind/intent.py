"""What a question wants, by rules over its whole text, in the languages of the interface.

Precision counts: what is taken for a greeting or for a question about the service or its articles
is not searched for. So a pattern has to match the whole text, and what none matches is a question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal, get_args

from ..answer_type import asks_for_list
from ..question import Question
from ..word_cover import Language, language_of
from .catalogue import DOCUMENTS, VERBS, catalogue_patterns
from .last_answer import LANGUAGE_NAMES, AnswerAct, last_answer_patterns
from .normalized import Normalized, normalize
from .since import since_day
from .smalltalk import GREETINGS, SERVICE, SERVICE_AT_FIRST
from .summary import summary_patterns

Kind = Literal[
    "greeting",
    "service",
    "catalogue",
    "summary",
    "list",
    "comparison",
    "yes_no",
    "question",
    "last_answer",
]
NOT_SEARCHED: frozenset[Kind] = frozenset({"greeting", "service", "catalogue"})
"""What is answered without a search for passages, and needs nothing of the conversation."""
Act = Literal["hello", "thanks", "bye"]
_ACTS: tuple[Act, ...] = ("bye", "thanks", "hello")
"""The one that counts first."""
MAX_CHARS = 200
"""A longer text is a question."""

_LANGUAGES: tuple[Language, ...] = get_args(Language)
_OPENING = re.compile(
    r"(?:(?:hi+|hello|hey+|hallo|moin|guten (?:tag|morgen|abend)|bonjour|bonsoir|salut|hola"
    r"|buen[oa]s (?:dias|tardes|noches)|good (?:morning|afternoon|evening)|ok(?:ay)?|thanks|danke"
    r"|merci|gracias|so|and|und|et|y)(?: (?:there|all|everyone|team|footnote|zusammen))? "
    r"|你好|您好|嗨|谢谢|请问)*+"
)
_POLITE = re.compile(
    r"(?:(?:please|pls|kindly|bitte|(?:can|could|would|will) (?:you|u)|tell me|i (?:would |d )?like"
    r"|i want|to (?:know|see)|(?:kannst|konntest) du|konnen sie|konnten sie|sag mir"
    r"|(?:peux|pourrais) tu|(?:pouvez|pourriez) vous|(?:me )?(?:puedes|podrias|puede|podria)"
    r"|por favor|dime|dis moi|dites moi) |请|能否|能不能)*+"
)
_CLOSING = re.compile(
    r"(?: (?:please|pls|thanks|thank you|bitte|danke|s il (?:te|vous) plait|svp|merci|por favor"
    r"|gracias)|谢谢)$"
)
_COMPARISON = re.compile(
    r"\b(?:compare[ds]?|comparison|differences? between|differ(?:s|ent)? from|versus|vs|better than"
    r"|vergleiche?|unterschiede?|comparez?|comparer|differences? entre|comparar?"
    r"|diferencias? entre)\b"
    r"|比较|区别|对比|还是|相比"
)
_ALTERNATIVES = re.compile(r"\b[A-Z0-9][\w-]*,? (?:or|oder|ou|o) (?:the |an? )?[A-Z0-9]")
"""Two names to choose from: "SU7 or YU7"."""

_REQUEST = re.compile(
    r"(?:can|could|would|will) (?:you|u) (?:please )?(?:tell|show|explain|describe|give|list"
    r"|name)\b"
    r"(?!.*\b(?:if|whether)\b)"
)
"""It begins like a question for yes or no, and is none."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a question wants; `subject` is what articles are to be about, or what names one.

    `act` is that of a greeting; `is_article`: the subject is said to be an article. `about` is what
    is asked of the last answer, in `language` where that is one of the interface's.
    """

    kind: Kind
    language: Language
    act: Act | None = None
    subject: str = ""
    since: date | None = None
    wants_newest: bool = False
    is_article: bool = False
    about: AnswerAct | None = None


def recognize(question: str, *, today: date | None = None, is_first: bool = True) -> Intent:
    """Returns what the question wants; `is_first`: nothing was said before it.

    A summary is one only if an article has the title; else the question is what `plain_kind` says.
    """
    if len(question) <= MAX_CHARS:
        text = normalize(question)
        core = _core(text)
        found = _greeting(text) or (None if is_first else _of_last_answer(core))
        if found := found or _request(core, today=today or date.today(), is_first=is_first):
            return found
    return Intent(plain_kind(question), language_of(question))


def plain_kind(question: str) -> Kind:
    """Returns the kind of a question that is answered from passages."""
    short = question[:MAX_CHARS]
    text = normalize(short)
    if _COMPARISON.search(text.text) or _ALTERNATIVES.search(short):
        return "comparison"
    if Question(question).is_yes_no and not _REQUEST.match(text.text):
        return "yes_no"
    return "list" if asks_for_list(question) else "question"


def _core(text: Normalized) -> Normalized:
    """Returns the text without a greeting and polite words around it, unless nothing is left."""
    start = 0
    for pattern in (_OPENING, _POLITE):
        match = pattern.match(text.text, start)
        start = match.end() if match else start
    closing = _CLOSING.search(text.text, start)
    end = closing.start() if closing else len(text.text)
    return text.cut(start, end) if start < end else text


def _greeting(text: Normalized) -> Intent | None:
    for language, (whole, acts) in _greetings().items():
        if whole.fullmatch(text.text):
            for act, pattern in acts.items():
                if pattern.search(text.text):
                    return Intent("greeting", language, act=act)
    return None


def _of_last_answer(text: Normalized) -> Intent | None:
    """Returns what the text asks of the last answer; None if nothing."""
    likely = language_of(text.original)
    for language in sorted(_LANGUAGES, key=lambda language: language != likely):
        for act, pattern in _last_answer(language).items():
            if match := pattern.fullmatch(text.text):
                names = [name for name in match.groupdict().values() if name]
                asked = LANGUAGE_NAMES.get(names[0]) if names else None
                return Intent("last_answer", asked or language, about=act)
    return None


def _request(text: Normalized, *, today: date, is_first: bool) -> Intent | None:
    """Returns what the text wants of the service, its catalogue or one article; None if nothing."""
    likely = language_of(text.original)
    languages = sorted(_LANGUAGES, key=lambda language: language != likely)
    for language in languages:
        if _service(language, is_first).fullmatch(text.text):
            return Intent("service", language)
    for language in languages:
        for pattern in _catalogue(language):
            match = pattern.fullmatch(text.text)
            if match and (found := _from_catalogue(language, text, match, today)):
                return found
    for language in languages:
        for pattern in _summary(language):
            if match := pattern.fullmatch(text.text):
                title = text.source_of(*match.span("title"))
                is_article = bool(_documents().search(match["title"]))
                return Intent("summary", language, subject=title, is_article=is_article)
    return None


def _from_catalogue(
    language: Language, text: Normalized, match: re.Match[str], today: date
) -> Intent | None:
    """Returns the question about the articles; None if its subject or its date is none."""
    groups = match.groupdict()
    subject, since = groups.get("subject"), groups.get("since")
    if subject and not VERBS[language].isdisjoint(subject.split()):
        return None
    day = since_day(since, text.source_of(*match.span("since")), today) if since else None
    if since and day is None:
        return None
    about = text.source_of(*match.span("subject")) if subject else ""
    newest = bool(groups.get("newest")) or day is not None
    return Intent("catalogue", language, subject=about, since=day, wants_newest=newest)


# --- the patterns, compiled when they are first needed


@cache
def _greetings() -> dict[Language, tuple[re.Pattern[str], dict[Act, re.Pattern[str]]]]:
    compiled = {}
    for language, said in GREETINGS.items():
        end = "" if language == "zh" else r"(?: |$)"
        words = "|".join(said.values())
        acts: dict[Act, re.Pattern[str]] = {
            act: re.compile(said[act] if language == "zh" else rf"\b(?:{said[act]})\b")
            for act in _ACTS
        }
        compiled[language] = re.compile(rf"(?:(?:{words}){end})++"), acts
    return compiled


@cache
def _service(language: Language, is_first: bool) -> re.Pattern[str]:
    at_first = f"|{SERVICE_AT_FIRST[language]}" if is_first else ""
    return re.compile(SERVICE[language] + at_first)


@cache
def _last_answer(language: Language) -> dict[AnswerAct, re.Pattern[str]]:
    return {act: re.compile(one) for act, one in last_answer_patterns(language).items()}


@cache
def _catalogue(language: Language) -> Sequence[re.Pattern[str]]:
    return [re.compile(pattern) for pattern in catalogue_patterns(language)]


@cache
def _summary(language: Language) -> Sequence[re.Pattern[str]]:
    return [re.compile(pattern) for pattern in summary_patterns(language)]


@cache
def _documents() -> re.Pattern[str]:
    words = "|".join(words for language, words in DOCUMENTS.items() if language != "zh")
    return re.compile(rf"\b(?:{words})\b|{DOCUMENTS['zh']}")
