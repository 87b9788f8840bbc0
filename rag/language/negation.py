"""Negation: whether a sentence denies what the cited text asserts, or the other way round.

A negator reaches the content words after it up to the end of its clause (a lexical rule, after
NegEx, Chapman et al. 2001). English only; elsewhere nothing is found.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from index.text.analyzer import STOP_WORDS, terms

MAX_NEAREST = 5
"""So many of the cited sentences are compared, those that share most words."""

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*|[.,;:!?()—–]")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_CONTRACTED = re.compile(r"n['’]t\b|(?<=\bcan)not\b")
NEGATORS = frozenset(
    "not no never without neither nor none nobody nothing nowhere cannot hardly rarely barely "
    "scarcely dont doesnt didnt isnt arent wasnt werent hasnt havent hadnt wont cant couldnt "
    "wouldnt shouldnt".split()
)
_DENIAL_WORDS = (
    "lack fail failed failure unable inability refuse deny denied prevent avoid absent absence "
    "false prohibit forbid forbidden ban impossible unlikely instead except reject illegal exclude "
    "lose lost unlike incorrect wrong unknown unclear stop cease rather opposite "
    "contrary loss missing minus zero disagree closed abolish uncommon"
)
_CLAUSE_ENDS = frozenset("but although though while whereas because which who that if".split())
_LINKS = frozenset(STOP_WORDS | set("longer later even yet actually really fully".split()))
_NO_DENIAL = frozenset("only just merely simply solely least".split())
_FOR_NO = ("a", "an", "the", "some", "any")
_LEAST_AROUND = 2
_FAR = 5
_NEAR = 2


@dataclass(frozen=True, slots=True)
class _Denial:
    """A negator with the content words before it in its clause and those after it, as terms."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@cache
def _denial_terms() -> frozenset[str]:
    return frozenset(terms(_DENIAL_WORDS))


def negation_differs(sentence: str, cited: Sequence[str]) -> bool:
    """Whether something is denied in the sentence and asserted in the cited texts, or reversed."""
    said = set(terms(" ".join(_words(sentence))))
    if any(_is_spliced(sentence, text) or _is_spliced(text, sentence) for text in cited):
        return True
    near = _nearest(said, cited)
    known = {term for text in near for term in terms(text)}
    if in_sentence := _denials(sentence, frozenset()):
        in_cited = [one for text in near for one in _denials(text, _denial_terms())]
        return any(_is_news(one, in_cited, known) for one in in_sentence)
    if said & _denial_terms():
        return False
    return any(_is_lost(one, said) for text in near for one in _denials(text, frozenset()))


def _is_spliced(denying: str, other: str) -> bool:
    """Whether the other text has the very words around a negator, without it, and only so."""
    tokens = _spelled_out(denying)
    own, others = f" {' '.join(tokens)} ", f" {' '.join(_spelled_out(other))} "
    for place, token in enumerate(tokens):
        if token in NEGATORS:
            before, after = tokens[max(0, place - 2) : place], tokens[place + 1 : place + 3]
            instead = ("", *_FOR_NO) if token == "no" else ("",)
            spliced = (
                f" {' '.join([*left, *filter(None, [word]), *right])} "
                for word in instead
                for left, right in ((before, after[:1]), (before[-1:], after))
                if len(left) + len(right) > _LEAST_AROUND
            )
            if any(words in others and words not in own for words in spliced):
                return True
    return False


def _spelled_out(text: str) -> list[str]:
    """The text's words, between marks for where it begins and ends."""
    text = _CONTRACTED.sub(" not", text.lower())
    return ["^", *(token for token in _TOKEN.findall(text) if token[0].isalnum()), "$"]


def _nearest(said: set[str], cited: Sequence[str]) -> list[str]:
    """The cited sentences that share most words with what is said, and those that share as much."""
    parts = [part for text in cited for part in _SENTENCE_END.split(text)]
    shared = sorted(((len(said & set(terms(part))), part) for part in parts), reverse=True)
    least = 0.75 * shared[0][0]
    return [part for count, part in shared[:MAX_NEAREST] if count >= least]


def _is_news(denial: _Denial, in_cited: Sequence[_Denial], known: set[str]) -> bool:
    """The cited texts assert the very words the sentence denies, or deny nothing."""
    near = set(denial.after[:_NEAR]) & known
    if not near:
        return not in_cited
    return not any(near & {*other.before[:_NEAR], *other.after} for other in in_cited)


def _is_lost(denial: _Denial, said: set[str]) -> bool:
    """The sentence has the very word that is denied in the cited text, of the same subject."""
    if not said.intersection(denial.after[:_NEAR]):
        return False
    return not denial.before or bool(said & set(denial.before))


def _denials(text: str, also: frozenset[str]) -> list[_Denial]:
    """The text's negators; words whose term is in `also` count as such."""
    tokens = [token.lower() for token in _TOKEN.findall(text)]
    found = []
    for place, token in enumerate(tokens):
        if _is_negator(tokens, place, token) or (also and also.intersection(terms(token))):
            after = _clause(tokens[place + 1 :])
            if "until" not in after and "till" not in after:
                before = _clause(tokens[:place][::-1])
                found.append(_Denial(_content(before), _content(after)))
    return found


def _is_negator(tokens: Sequence[str], place: int, token: str) -> bool:
    if token not in NEGATORS and not token.endswith(("n't", "n’t")):
        return False
    follows = tokens[place + 1] if place + 1 < len(tokens) else ""
    if token == "no" and (follows in (".", ",", ":", "but", "") or follows.isdigit()):
        return False  # an interjection, or "No. 5"
    return follows not in _NO_DENIAL


def _clause(tokens: Sequence[str]) -> list[str]:
    """The tokens up to the end of the clause; a comma ends it once it holds content."""
    clause: list[str] = []
    for token in tokens[:16]:
        ends = token in _CLAUSE_ENDS or not token[0].isalnum()
        if ends and (token not in (",", "that", "who") or _content(clause)):
            break
        clause.append(token)
    return clause


def _content(tokens: Sequence[str]) -> tuple[str, ...]:
    return tuple(terms(" ".join(_words(" ".join(tokens)))))[:_FAR]


def _words(text: str) -> list[str]:
    tokens = (token.lower() for token in _TOKEN.findall(text))
    return [token for token in tokens if token[0].isalnum() and token not in _LINKS]
