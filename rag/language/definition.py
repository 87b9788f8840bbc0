"""Questions for what somebody or something is, and the sentences that say it.

"Who is Lei Jun?" is answered by the sentence that calls him the founder, not by another one in
which he acts: a copula ("X is a …"), an apposition ("X, the founder, …"), a role before the name,
a term with its text ("X: …").
"""

import re

MAX_SUBJECT_CHARS = 60
_ASKS = (
    re.compile(
        r"^¿?(?:(?:and|so|hi|hey|please|ok)\b[\s,]*)?(?:(?:can|could) you )?"
        r"(?:(?:tell me|explain|know) )?(?:who|what|wer|was|qui|quién|quien|qué|que)"
        r"(?: exactly)?(?:['’]s| is| are| was| were| ist| sind| war| est| sont| es| son) "
        r"(?:meant by )?(?P<subject>[^?!,;:]{1,60}?)(?: exactly| again| called)?\s*[?!.]*$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^what does (?P<subject>[^?!,;:]{1,60}?) (?:mean|stand for)\s*[?!.]*$", re.IGNORECASE
    ),
    re.compile(r"^(?:define|definition of|meaning of) (?P<subject>[^?!,;:]{1,60}?)[?!.]*$", re.I),
    re.compile(
        r"^(?:c['’]est quoi|qu['’]est[- ]ce que) (?P<subject>[^?!,;:]{1,60}?)\s*[?!.]*$", re.I
    ),
    re.compile(r"^(?P<subject>[^?!。？]{1,30}?)是(?:什么|谁)[。？?]*$"),
    re.compile(r"^(?:谁|什么)是(?P<subject>[^?!。？]{1,30}?)[。？?]*$"),
    re.compile(r"^(?P<subject>[^\W\d_][\w.+-]*(?: [A-Z0-9][\w.+-]*){0,3})[?.]?$"),
)
"""The last: a name or a word alone."""
_ARTICLE = re.compile(
    r"^(?:the|a|an|your|our|this|der|die|das|ein|eine|le|la|les|l['’]|un|une|el|los|las|una) ?\b",
    re.IGNORECASE,
)
_A = (
    r"(?:an?|the|one of|our|its|your|ein|eine|einer|der|die|das|un|une|le|la|l['’](?:un)?|una|el"
    r"|los|uno de)"
)
_IS = r"(?:is|are|was|were|means|refers to|stands for|ist|sind|war|bedeutet|est|sont|es|son|era)"
ROLE = (
    r"(?:(?:co-?)?founder|chair(?:man|woman|person)?|chief|ceo|cfo|cto|president|director|head"
    r"|manager|minister|mayor|owner|leader|editor|author|professor|secretary|engineer"
    r"|gründer(?:in)?|chef(?:in)?|leiter(?:in)?|fondat(?:eur|rice)|direct(?:eur|rice)"
    r"|fundador(?:a)?|director(?:a)?)"
)
"""What a person is called for what they do."""


def asked_subject(question: str) -> str | None:
    """Returns whom or what the question wants to be told of; None if it asks for something else."""
    text = question.strip()
    for pattern in _ASKS if len(text) <= 2 * MAX_SUBJECT_CHARS else ():
        if match := pattern.match(text):
            return _ARTICLE.sub("", match["subject"].strip()).strip() or None
    return None


def defining(subject: str) -> re.Pattern[str]:
    """Returns the pattern of a sentence that says who or what the subject is."""
    name = rf"(?<!\w){re.escape(subject)}(?!\w)(?: \([^()]{{1,40}}\))?"
    return re.compile(
        rf"{name},? {_IS} {_A}\b|{name}, (?:{_A}|who|which|{ROLE})\b"
        rf"|{ROLE}(?: of [^.,;:]{{1,30}})?,? {name}"
        rf"|^\W*(?:the |an? )?{name}\W{{0,3}}(?:[:–—]|{_IS})(?!\w)"
        rf"|(?:called|named|known as|namens|genannt|appelée?|llamad[oa]) (?:the )?{name}"
        rf"|{re.escape(subject)}(?:是|，)",
        re.IGNORECASE,
    )
