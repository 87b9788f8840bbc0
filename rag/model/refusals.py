"""Has the model declined? As it was told to, or in words of its own, as small models do.

A stream cannot take words back, so an answer that begins like a refusal is held until a marker, or
more text than a refusal has, shows that it is none. Words of its own are recognised in English.
"""

import re

MAX_CHARS = 400
"""A longer text is an answer, whatever it begins with."""

_LABEL = re.compile(r"\A[\W_]*(?:(?:final|short) )?answer[*_ ]*:[*_]*\s*", re.IGNORECASE)
_LABELS = ("answer:", "final answer:", "short answer:")
_ADO = re.compile(r"\A[\W_]+")
_TOLD = re.compile(r"[\W_]*NO\\?[_ ]ANSWER\b")
_TOLD_LOOSELY = re.compile(r"[\W_]*no\\?[_ ]answer[\W_]*", re.IGNORECASE)
_TOLD_AT_LAST = re.compile(r"\bNO\\?_ANSWER[\W_]*\Z")
_MARKER = re.compile(r"[\[【(]\s*(?:p|passage |source )?\d", re.IGNORECASE)
_OPENERS = (
    *("i ", "i'", "sorry", "unfortunately", "based on", "there is no ", "there are no ", "none "),
    *("no ", "nothing ", "neither ", "it is not ", "this is not ", "this information "),
    *("the passage", "the provided ", "the given ", "the context", "the text", "the source"),
    *("the document", "the article", "the information "),
)
_NOT = (
    r"(?:(?:can|could|do|does|did|is|are|was|were)(?: not|n't)|cannot|unable|not|no|none|nothing)"
)
_SAID = (
    r"(?:answer|find|found|determine|contain|mention|provide|state|specif|include|information|say"
    r"|know|discuss|address|available|tell|cover|given)"
)
_REFUSES = re.compile(rf"\b{_NOT}\b[^.!?]{{0,80}}\b{_SAID}")
_ABOUT = re.compile(
    r"\A(?:i\b|sorry|unfortunately)|\b(?:passage|source|context|text|document|article|information)"
)


def unlabelled(answer: str) -> str:
    """Returns the answer without an `Answer:` before it."""
    return _LABEL.sub("", answer)


def is_declined(answer: str) -> bool:
    """Whether the model said that the passages do not hold the answer, with or without ado."""
    said = unlabelled(answer)
    if _TOLD.match(said) or _TOLD_LOOSELY.fullmatch(said):
        return True
    if _TOLD_AT_LAST.search(said) and "[" not in said:
        return True
    words = _words(said)
    if len(words) > MAX_CHARS or _MARKER.search(words) or not words.startswith(_OPENERS):
        return False
    return bool(_REFUSES.search(words) and _ABOUT.search(words))


def may_decline(beginning: str) -> bool:
    """Whether an answer that begins so may yet turn out to be a refusal; hold it back if so."""
    words = _words(beginning)
    if not words or any(label.startswith(words) for label in _LABELS):
        return True
    words = _words(unlabelled(beginning))
    if not words or "no answer".startswith(words.replace("_", " ")[:9]):
        return True
    if len(words) > MAX_CHARS or _MARKER.search(words):
        return False
    return any(words.startswith(opener) or opener.startswith(words) for opener in _OPENERS)


def _words(text: str) -> str:
    """The text in lower case from its first letter or digit on, its apostrophes straight."""
    return _ADO.sub("", text.replace("\\", "")).replace("’", "'").lower()
