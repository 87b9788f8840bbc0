"""Questions that the articles may answer, made from the passages nearest to one that they do not.

By rules, from what passages say of themselves: headings that are questions or instructions, names
that a sentence defines, other headings by their words. Whether a question is answered is for the
caller to find out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..language.definition import ROLE
from ..language.plain_text import plain_text
from ..language.word_cover import Language, language_of
from ..types import Hit

NEAR = 0.3
"""Score of a passage that is about something like what was asked."""
MAX_CHARS = 100
MAX_TOPIC_WORDS = 6

_ABOUT: dict[Language, str] = {
    "en": "What is said about “{}”?",
    "de": "Was steht da über „{}“?",
    "fr": "Que dit-on sur « {} » ?",
    "es": "¿Qué se dice sobre «{}»?",
    "zh": "关于“{}”有什么内容？",
}
_INSTRUCTION = re.compile(
    r"(?:add|apply|approve|ask|book|build|buy|cancel|change|check|choose|claim|close|configure"
    r"|connect|contact|copy|create|delete|deploy|disable|download|edit|enable|export|find|fix|get"
    r"|import|install|invite|join|make|manage|migrate|move|open|order|pay|prepare|print|publish"
    r"|read|remove|rename|renew|replace|report|request|reset|restart|restore|return|run|save"
    r"|schedule|search|send|set|share|sign|start|stop|store|submit|switch|transfer|troubleshoot"
    r"|turn|uninstall|update|upgrade|upload|use|verify|view|write) [a-z]",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"(?:The |An? )?(?P<name>[A-Z][\w.&-]*(?: [A-Z0-9][\w.&-]*){0,3}) (?:is|was) "
    r"(?:an?|the) (?P<what>\w+)"
)
_PERSON = re.compile(ROLE, re.IGNORECASE)
_NUMBERING = re.compile(r"^(?:\d+(?:\.\d+)*[.):]?|[A-Z][.)])\s+")
_PUNCTUATION = re.compile(r"[?!:;,.？！：；，。“”\"«»]")
_NOT_NAMES = frozenset(
    "a all any each every he her here his how if in it its most no one our she some such that the"
    " their there these they this those we what when where which who why you your".split()
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question, and the source that should answer it."""

    question: str
    source_id: str


def suggested_questions(hits: Sequence[Hit]) -> Iterator[Suggestion]:
    """Yields what could be asked instead, the most natural questions first, each once."""
    seen, near = set[str](), [hit for hit in hits if hit.score >= NEAR]
    for kind in (_asked, _defined, _about):
        for hit in near:
            for question in kind(hit):
                key = question.casefold()
                if len(question) <= MAX_CHARS and key not in seen:
                    seen.add(key)
                    yield Suggestion(question, hit.source.id)


def _headings(hit: Hit) -> list[str]:
    levels = (hit.chunk.heading or "").split(" › ")[-1:]
    own = [unit.text for unit in hit.units if unit.kind == "heading"]
    texts = [plain_text(text, "heading") for text in (*levels, *own)]
    return [_NUMBERING.sub("", text.lstrip("# ")).strip() for text in texts if text.strip()]


def _asked(hit: Hit) -> Iterator[str]:
    """Yields headings that are questions, and "How do I …?" of those that tell what to do."""
    for heading in _headings(hit):
        if heading.endswith(("?", "？")):
            yield heading
        elif _INSTRUCTION.match(heading) and language_of(heading) == "en":
            yield f"How do I {heading[0].lower()}{heading[1:].rstrip('.:!')}?"


def _defined(hit: Hit) -> Iterator[str]:
    """Yields "Who is …?" and "What is …?" for names that a sentence defines."""
    for unit in hit.units:
        match = _DEFINED.match(unit.text) if unit.kind == "sentence" else None
        if match and _is_name(match["name"]):
            yield f"{'Who' if _PERSON.fullmatch(match['what']) else 'What'} is {match['name']}?"


def _is_name(name: str) -> bool:
    words = name.split()
    if words[0].lower() in _NOT_NAMES:
        return False
    return len(words) > 1 or any(c.isdigit() or c.isupper() for c in name[1:])


def _about(hit: Hit) -> Iterator[str]:
    for heading in _headings(hit):
        is_short = len(heading.split()) <= MAX_TOPIC_WORDS
        if is_short and not _PUNCTUATION.search(heading) and not _INSTRUCTION.match(heading):
            yield _ABOUT[language_of(hit.text)].format(heading)
