"""How people ask for a summary of an article, by language.

Patterns for a whole normalized text (`normalized.py`); the group `title` names the article.
"""

from collections.abc import Iterator

from ..word_cover import Language

_TITLE = r"(?P<title>\w+(?: \w+){0,15}?)"

_SUMMARY: dict[Language, tuple[str, ...]] = {
    "en": (
        "(?:summari[sz]e|sum up|recap)(?: for me)? {title}",
        "(?:give me |show me |write |get )?(?:an? |the )?(?:short |brief |quick )*"
        "(?:summary|gist|tl ?dr|synopsis)(?: of| for)? {title}",
        "what (?:is|s) {title} about",
        "what does {title} say",
    ),
    "de": (
        "fasse?(?: mir| uns)?(?: bitte)?(?: mal)? {title} zusammen",
        "(?:eine |die )?(?:kurze )?zusammenfassung (?:von|des|der|zu|zum|uber) {title}",
        "{title} zusammenfassen",
        "(?:wovon|von was) handelt {title}",
        "worum geht (?:es|s) (?:in|im|bei) {title}",
        "was steht (?:in|im) {title}",
    ),
    "fr": (
        "resume(?:r|z)?(?: moi)? {title}",
        "(?:fais (?:moi )?)?(?:un |le )?(?:bref )?resume (?:de|du|des) {title}",
        "de quoi parle {title}",
        "que dit {title}",
    ),
    "es": (
        "resum(?:e|eme|ir|a) {title}",
        "(?:haz(?:me)? |dame )?(?:un |el )?(?:breve )?resumen (?:de|del|sobre) {title}",
        "de que trata {title}",
        "que dice {title}",
    ),
}
_CHINESE = (
    r"(?:总结|概括|概述|归纳)(?:一下)?(?P<title>\w{1,40})",
    r"(?P<title>\w{1,40})(?:讲|说)(?:的是|了)什么",
    r"(?P<title>\w{1,40})的(?:摘要|总结|概要)",
)


def summary_patterns(language: Language) -> Iterator[str]:
    """Yields the patterns of a request for a summary."""
    patterns = _CHINESE if language == "zh" else _SUMMARY[language]
    yield from (pattern.replace("{title}", _TITLE) for pattern in patterns)
