"""Recognises a refusal: the model says NO_ANSWER as told, or declines in its own words.

A stream cannot take words back, so an answer that begins like a refusal is held back for at most
HOLD_CHARS, unless it apologises or has by then begun to decline. Own words are recognised in
English only.
"""

import re

MAX_CHARS = 400
"""A longer text is an answer, whatever it begins with."""
HOLD_CHARS = 40
"""Of an answer that may be a refusal, held back without a negation that says so."""

_LABEL = re.compile(r"\A[\W_]*(?:(?:final|short) )?answer[*_ ]*:[*_]*\s*", re.IGNORECASE)
_LABELS = ("answer:", "final answer:", "short answer:")
_LEADING_PUNCTUATION = re.compile(r"\A[\W_]+")
_CONTROL = re.compile(r"[\W_]*NO\\?[_ ]ANSWER\b")
_CONTROL_LOOSE = re.compile(r"[\W_]*no\\?[_ ]answer[\W_]*", re.IGNORECASE)
_CONTROL_AT_END = re.compile(r"\bNO\\?_ANSWER[\W_]*\Z")
_MARKER = re.compile(r"[\[【(]\s*(?:p|passage |source )?\d", re.IGNORECASE)
_APOLOGIES = ("i ", "i'", "sorry", "unfortunately")
_OPENERS = (
    *(*_APOLOGIES, "based on", "there is no ", "there are no ", "none "),
    *("no ", "nothing ", "neither ", "it is not ", "this is not ", "this information "),
    *("the passage", "the provided ", "the given ", "the context", "the text", "the source"),
    *("the document", "the article", "the information "),
)
_NOT = (
    r"(?:(?:can|could|do|does|did|is|are|was|were)(?: not|n't)|cannot|unable|not|no|none|nothing)"
)
_STATE = (
    r"(?:answer|find|found|determine|contain|mention|provide|state|specif|include|information|say"
    r"|know|discuss|address|available|tell|cover|given)"
)
_DECLINES = re.compile(rf"\b{_NOT}\b[^.!?]{{0,80}}\b{_STATE}")
_DECLINING = re.compile(rf"\b{_NOT}\b[^.!?]{{0,20}}\Z")
_ABOUT = re.compile(
    r"\A(?:i\b|sorry|unfortunately)|\b(?:passage|source|context|text|document|article|information)"
)


def without_label(answer: str) -> str:
    """Returns the answer without a leading `Answer:`."""
    return _LABEL.sub("", answer)


def is_refusal(answer: str) -> bool:
    """Whether the whole answer says that the passages do not hold one."""
    text = without_label(answer)
    if _CONTROL.match(text) or _CONTROL_LOOSE.fullmatch(text):
        return True
    if _CONTROL_AT_END.search(text) and "[" not in text:
        return True
    words = _words(text)
    if len(words) > MAX_CHARS or _MARKER.search(words) or not words.startswith(_OPENERS):
        return False
    return bool(_DECLINES.search(words) and _ABOUT.search(words))


def may_be_refusal(beginning: str) -> bool:
    """Whether an answer that begins so must be held back, since it may be a refusal."""
    if len(beginning) > 2 * MAX_CHARS:  # of punctuation, mostly
        return False
    words = _words(beginning)
    if not words or any(label.startswith(words) for label in _LABELS):
        return True
    words = _words(without_label(beginning))
    if not words or "no answer".startswith(words.replace("_", " ")[:9]):
        return True
    if len(words) > MAX_CHARS or _MARKER.search(words):
        return False
    if not any(words.startswith(opener) or opener.startswith(words) for opener in _OPENERS):
        return False
    if len(beginning) < HOLD_CHARS or words.startswith(_APOLOGIES):
        return True
    return bool(_DECLINES.search(words) or _DECLINING.search(words))


def _words(text: str) -> str:
    """Returns the text in lower case from its first letter or digit on, apostrophes straight."""
    return _LEADING_PUNCTUATION.sub("", text.replace("\\", "")).replace("’", "'").lower()
