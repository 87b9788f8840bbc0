"""Negation: what a sentence denies, and whether another text asserts it.

A negator denies the content words after it in its clause (a lexical rule, after NegEx, Chapman et
al. 2001). English only; in other languages no negation is found.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.text.analyzer import STOP_WORDS, terms

MAX_NEGATIONS = 20
"""Of one text, that are compared."""

NEGATORS = frozenset(
    "not no never without neither nor none nobody nothing nowhere cannot hardly rarely barely "
    "scarcely dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt wont cant couldnt "
    "wouldnt shouldnt".split()
)
_WEAK_NEGATORS = frozenset(
    "unable inability impossible fail fails failed failure lack lacks lacked refuse refuses "
    "refused prohibited forbidden except unless only nicht kein keine "
    "keinen pas jamais nunca".split()
)
"""They deny something, too, but are not added or left out by a word; some other languages'."""
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_CLAUSE_ENDS = frozenset(". ; : ! ? ( ) — – but although though while whereas because if".split())
_SKIPPED = frozenset(STOP_WORDS | set("longer later even yet actually really fully".split()))
_NOT_NEGATED = frozenset("only just merely simply solely least even".split())
"""After these "not" denies nothing."""
_SCOPE, _CLAUSE_TOKENS = 2, 16
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*|[.,;:!?()—–]")
_CONTRACTION = re.compile(r"n['’]t\b|(?<=\bcan)not\b")


@dataclass(frozen=True, slots=True)
class Negation:
    """The content terms of a negator's clause: those nearest before it, and its scope."""

    before: frozenset[str]
    scope: frozenset[str]


def negation_differs(sentence: str, cited: Sequence[str]) -> bool:
    """Whether the sentence negates what the cited texts assert, or asserts what they negate."""
    if any(adds_negator(sentence, text) or adds_negator(text, sentence) for text in cited):
        return True
    own, text = negations(sentence), " ".join(cited)
    if own:
        return negates_more(own, negations(text, weak=True), terms(text))
    words = set(terms(sentence))
    parts = (part for one in cited for part in _SENTENCE_END.split(one))
    nearest = max(parts, key=lambda part: len(words.intersection(terms(part))), default="")
    return negates_more(negations(nearest), negations(sentence, weak=True), words)


def negates_more(
    negated: Sequence[Negation], others: Sequence[Negation], other_terms: Collection[str]
) -> bool:
    """Whether a text with the other terms has what is negated here, and negates it nowhere."""
    words = set(other_terms)
    return any(
        (one.scope <= words or (one.scope & words and one.before & words))
        and one.scope
        and not any(one.scope & (other.scope | other.before) for other in others)
        for one in negated
    )


def adds_negator(sentence: str, other: str) -> bool:
    """Whether the other text has the same words around one of the negators, but not that."""
    tokens = _tokens_with_bounds(sentence)
    places = [
        place
        for place, token in enumerate(tokens)
        if token in NEGATORS and not _is_interjection(token, tokens[place + 1])
    ]
    if not places:
        return False
    own_phrases, other_phrases = _phrases(tokens), _phrases(_tokens_with_bounds(other))
    for place in places:
        before, after = tokens[max(0, place - 2) : place], tokens[place + 1 : place + 3]
        is_no = tokens[place] == "no"
        replacements = ("", "a", "an", "the", "some", "any") if is_no else ("",)
        for left, right in ((before, after[:1]), (before[-1:], after)):
            if len(left) + len(right) < 3:
                continue
            for word in replacements:
                phrase = (*left, *([word] if word else []), *right)
                is_denied = any((negator, *phrase[:3]) in other_phrases for negator in NEGATORS)
                if phrase in other_phrases and phrase not in own_phrases and not is_denied:
                    return True
    return False


def _phrases(tokens: Sequence[str]) -> set[tuple[str, ...]]:
    """The runs of three and of four tokens."""
    return {
        tuple(tokens[start : start + size])
        for size in (3, 4)
        for start in range(len(tokens) - size + 1)
    }


def _tokens_with_bounds(text: str) -> list[str]:
    text = _CONTRACTION.sub(" not", text.lower())
    return ["^", *(token for token in _TOKEN.findall(text) if token[0].isalnum()), "$"]


def negations(text: str, *, weak: bool = False) -> list[Negation]:
    """Returns the text's negations, at most MAX_NEGATIONS; `weak`: those by `unable`, too."""
    negators = NEGATORS | _WEAK_NEGATORS if weak else NEGATORS
    tokens = _TOKEN.findall(_CONTRACTION.sub(" not", text.lower()))
    found: list[Negation] = []
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else "."
        if token not in negators or following in _NOT_NEGATED:
            continue
        if _is_interjection(token, following):
            continue
        before = tokens[max(0, place - _CLAUSE_TOKENS) : place][::-1]
        scope = tokens[place + 1 : place + 1 + _CLAUSE_TOKENS]
        if "until" in scope or "till" in scope:
            continue
        found.append(Negation(_content(before), _content(scope)))
        if len(found) == MAX_NEGATIONS:
            break
    return found


def _is_interjection(token: str, following: str) -> bool:
    """Whether it is a bare "no", as an answer, a vote, or in "No. 5"."""
    return token == "no" and (not following[0].isalpha() or following in STOP_WORDS - {"more"})


def _content(tokens: Sequence[str]) -> frozenset[str]:
    """The first content terms of the clause; a comma ends it once it has some."""
    content: list[str] = []
    for token in tokens:
        if len(content) >= _SCOPE or token in _CLAUSE_ENDS or (token == "," and content):
            break
        if token[0].isalnum() and token not in _SKIPPED:
            content += _terms(token)
    return frozenset(content)


@lru_cache(maxsize=4096)
def _terms(word: str) -> tuple[str, ...]:
    return tuple(terms(word[:64]))
