"""Negation: whether a sentence denies what the cited text asserts, or the other way round.

A negator's scope is the content words after it in its clause (a lexical rule, after NegEx, Chapman
et al. 2001). English only; in other languages no negation is found.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from index.text.analyzer import STOP_WORDS, terms

MAX_COMPARED = 5
"""Cited sentences that are compared: those that share most words with the sentence."""

MAX_NEGATIONS = 20
"""Of one text, that are compared."""

NEGATORS = frozenset(
    "not no never without neither nor none nobody nothing nowhere cannot hardly rarely barely "
    "scarcely dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt wont cant couldnt "
    "wouldnt shouldnt".split()
)
_NEGATIVE_WORDS = (
    "lack fail failed failure unable inability refuse deny denied prevent avoid absent absence "
    "false prohibit forbid forbidden ban impossible unlikely instead except reject illegal exclude "
    "lose lost unlike incorrect wrong unknown unclear stop cease rather opposite "
    "contrary loss missing minus zero disagree closed abolish uncommon"
)
_CLAUSE_ENDS = frozenset("but although though while whereas because which who that if".split())
_SKIPPED = frozenset(STOP_WORDS | set("longer later even yet actually really fully".split()))
_NOT_NEGATED = frozenset("only just merely simply solely least".split())
"""After these "not" denies nothing."""
_SCOPE, _NEAR_SCOPE, _CLAUSE_TOKENS = 5, 2, 16
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*|[.,;:!?()—–]")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_CONTRACTION = re.compile(r"n['’]t\b|(?<=\bcan)not\b")


@dataclass(frozen=True, slots=True)
class _Negation:
    """The content terms of a negator's clause: those before it, nearest first, and its scope."""

    before: tuple[str, ...]
    scope: tuple[str, ...]


@cache
def _negative_terms() -> frozenset[str]:
    return frozenset(terms(_NEGATIVE_WORDS))


def negation_differs(sentence: str, cited: Sequence[str]) -> bool:
    """Whether the sentence negates what the cited texts assert, or asserts what they negate."""
    if any(_adds_negator(sentence, text) or _adds_negator(text, sentence) for text in cited):
        return True
    sentence_terms = set(terms(" ".join(_content_words(sentence))))
    nearest = _nearest(sentence_terms, cited)
    if negations := _negations(sentence):
        cited_terms = {term for text in nearest for term in terms(text)}
        cited_negations = [
            negation for text in nearest for negation in _negations(text, _negative_terms())
        ]
        return any(not _is_cited(one, cited_negations, cited_terms) for one in negations)
    if sentence_terms & _negative_terms():
        return False
    return any(_is_dropped(one, sentence_terms) for text in nearest for one in _negations(text))


def _adds_negator(sentence: str, other: str) -> bool:
    """Whether the other text has the same words around one of the negators, but not that."""
    tokens = _tokens_with_bounds(sentence)
    places = [place for place, token in enumerate(tokens) if token in NEGATORS]
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
                if phrase in other_phrases and phrase not in own_phrases:
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


def _nearest(sentence_terms: set[str], cited: Sequence[str]) -> list[str]:
    """The cited sentences that share most terms with the sentence, or nearly as many."""
    parts = [part for text in cited for part in _SENTENCE_END.split(text)]
    shared = sorted(
        ((len(sentence_terms & set(terms(part))), part) for part in parts), reverse=True
    )
    return [part for count, part in shared[:MAX_COMPARED] if count >= 0.75 * shared[0][0]]


def _is_cited(
    negation: _Negation, cited_negations: Sequence[_Negation], cited_terms: set[str]
) -> bool:
    """Whether the cited texts negate the same terms; if they lack these, anything at all."""
    near = set(negation.scope[:_NEAR_SCOPE]) & cited_terms
    if not near:
        return bool(cited_negations)
    return any(near & {*other.before[:_NEAR_SCOPE], *other.scope} for other in cited_negations)


def _is_dropped(negation: _Negation, sentence_terms: set[str]) -> bool:
    """Whether the sentence has the terms that the cited text negates, and of the same subject."""
    if not sentence_terms.intersection(negation.scope[:_NEAR_SCOPE]):
        return False
    return not negation.before or bool(sentence_terms.intersection(negation.before))


def _negations(text: str, negative_terms: frozenset[str] = frozenset()) -> list[_Negation]:
    """The text's negations; words with one of these terms negate, too."""
    tokens = [token.lower() for token in _TOKEN.findall(text)]
    negations = []
    for place, token in enumerate(tokens):
        is_negator = _is_negator(token, tokens[place + 1] if place + 1 < len(tokens) else "")
        if is_negator or (negative_terms and negative_terms.intersection(terms(token))):
            scope = _clause(tokens[place + 1 : place + 1 + _CLAUSE_TOKENS])
            if "until" not in scope and "till" not in scope:
                before = _clause(tokens[max(0, place - _CLAUSE_TOKENS) : place][::-1])
                negations.append(_Negation(_content(before), _content(scope)))
        if len(negations) == MAX_NEGATIONS:
            break
    return negations


def _is_negator(token: str, following: str) -> bool:
    if token not in NEGATORS and not token.endswith(("n't", "n’t")):
        return False
    if token == "no" and (following in (".", ",", ":", "but", "") or following.isdigit()):
        return False  # an interjection, or "No. 5"
    return following not in _NOT_NEGATED


def _clause(tokens: Sequence[str]) -> list[str]:
    """The tokens up to the end of the clause; a comma ends it once it has content."""
    clause: list[str] = []
    for token in tokens:
        ends = token in _CLAUSE_ENDS or not token[0].isalnum()
        if ends and (token not in (",", "that", "who") or _content(clause)):
            break
        clause.append(token)
    return clause


def _content(tokens: Sequence[str]) -> tuple[str, ...]:
    return tuple(terms(" ".join(_content_words(" ".join(tokens)))))[:_SCOPE]


def _content_words(text: str) -> list[str]:
    tokens = (token.lower() for token in _TOKEN.findall(text))
    return [token for token in tokens if token[0].isalnum() and token not in _SKIPPED]
