"""The two sides of a question that compares ("Compare A and B")."""

import re
from functools import cache

from .intent import MAX_CHARS
from .normalized import normalize

_A, _B = r"(?P<a>\w+(?: \w+){0,5}?)", r"(?P<b>\w+(?: \w+){0,5}?)"
_ARTICLE = "(?:(?:the|an?|der|die|das|den|dem|le|la|les|l|el|los|las) )?"
_PATTERNS = (
    "(?:please |can you |could you )?compare {a} (?:and|with|to|versus|vs) {b}",
    "(?:(?:what (?:is|are|s) )?the )?differences? between {a} and {b}",
    "how (?:is|are|do|does) {a} differ(?:ent)? from {b}",
    r"(?P<a>\w+(?: \w+)?) (?:versus|vs) (?P<b>\w+(?: \w+)?)",
    "(?:bitte )?vergleiche? {a} (?:und|mit) {b}",
    "(?:(?:was ist |worin besteht )?der )?unterschied zwischen {a} und {b}",
    "compare[rz]? {a} (?:et|avec|a) {b}",
    "(?:(?:quelle est )?la )?difference entre {a} et {b}",
    "(?:cual es )?(?:la )?diferencia entre {a} y {b}",
    "compara(?:r)? {a} (?:y|con) {b}",
    r"(?:比较|对比)(?P<a>\w{1,20}?)[和与跟](?P<b>\w{1,20})",
    r"(?P<a>\w{1,20}?)[和与跟](?P<b>\w{1,20}?)(?:有什么|有何|之间)?的?(?:区别|不同|差别)(?:是什么)?",
)


def compared(question: str) -> tuple[str, str] | None:
    """Returns the two sides, as they were typed; None where no two are named."""
    if len(question) > MAX_CHARS:
        return None
    text = normalize(question)
    for pattern in _patterns():
        if match := pattern.fullmatch(text.text):
            return text.source_of(*match.span("a")), text.source_of(*match.span("b"))
    return None


@cache
def _patterns() -> list[re.Pattern[str]]:
    return [
        re.compile(pattern.replace("{a}", _ARTICLE + _A).replace("{b}", _ARTICLE + _B))
        for pattern in _PATTERNS
    ]
