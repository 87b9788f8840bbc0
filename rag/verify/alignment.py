"""How a sentence aligns with the text it cites, as numbers for the scorer.

Words match by their terms; a word that the text lacks may still match by its letters (compounds,
derivations, cognates). From feature-based entailment (MacCartney et al. 2008) and ROUGE (Lin 2004).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby, pairwise
from math import log1p

from index.text.analyzer import STOP_WORDS, terms

from ..language.negation import adds_negator, negates_more, negations
from ..language.number_words import words_to_figures

MAX_SENTENCE_CHARS = 4_000
"""Of a sentence that are aligned."""
MAX_UNMATCHED = 40
"""Words without their term in the text whose letters are compared."""
_WINDOW, _RUN = 2, 4
"""Neighbouring sentences of the text, and words of the sentence, that are looked at together."""
_STOP_WEIGHT = 0.05
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n{2,}")
_FIRST_PERSON = frozenset(["i", "my", "me", "we", "you", "your", "our", "im", "myself"])
_OPENING = re.compile(r"\A\W*(?:yes|no|ja|nein|oui|non|sí)\b[,.:]", re.IGNORECASE)

Features = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A sentence's words, and those of the text: by sentence, and all of them."""

    own: Sequence[str]
    content: Sequence[str]
    parts: Sequence[Sequence[str]]
    words: set[str]

    def share(self, matched: Iterable[str]) -> float:
        return len(list(matched)) / (len(self.content) or 1)


def alignment(sentence: str, cited: Sequence[str], context: Sequence[str] = ()) -> Features:
    """Returns the features by name, most of them 0 to 1; `context` is what may be presupposed."""
    claim = _OPENING.sub("", sentence[:MAX_SENTENCE_CHARS])
    own = _terms(claim)
    content = [term for term in dict.fromkeys(own) if term not in _stop_terms()]
    parts = [_terms(part) for text in cited for part in _SENTENCE_END.split(text)]
    parts = [part for part in parts if part]
    pair = _Pair(own, content, parts, {term for part in parts for term in part})
    missing = [term for term in content if term not in pair.words]
    soft = _soft_matches(missing, pair.words)
    given = set(_terms(" ".join(context)))
    unmatched = [term for term in missing if term not in soft and term not in given]
    return {
        **_coverage(pair, soft),
        **_negation(claim, cited),
        "soft": pair.share(soft),
        "given": pair.share(term for term in missing if term in given),
        "unmatched": log1p(len(unmatched)),
        "speakers": float(sum(t in _FIRST_PERSON and t not in pair.words for t in own)),
    }


def _coverage(pair: _Pair, soft: Collection[str]) -> Features:
    content, words = pair.content, pair.words
    windows = [set().union(*pair.parts[at : at + _WINDOW]) for at in range(len(pair.parts))]
    function = [term for term in pair.own if term in _stop_terms()]
    runs = [content[at : at + _RUN] for at in range(0, len(content), _RUN)]
    is_covered = [term in words for term in content]
    gaps = [len(list(run)) for covered, run in groupby(is_covered) if not covered]
    return {
        "cover": pair.share(term for term in content if term in words),
        "near": max((pair.share(one.intersection(content)) for one in windows), default=0.0),
        "any_missing": float(not all(term in words for term in content)),
        "sequence": _share_in_sequence(pair),
        "worst": min(
            (sum(t in words or t in soft for t in run) / len(run) for run in runs), default=1.0
        ),
        "gap": log1p(max(gaps, default=0)),
        "function": sum(term in words for term in function) / (len(function) or 1),
    }


def _negation(claim: str, cited: Sequence[str]) -> Features:
    own, text = negations(claim), " ".join(cited)
    adds = any(adds_negator(claim, one) for one in cited)
    drops = any(adds_negator(one, claim) for one in cited)
    denied = negations(text, weak=True)
    negates = adds or bool(own and not denied) or negates_more(own, denied, terms(text))
    asserts = not own and negates_more(negations(text), negations(claim, weak=True), terms(claim))
    return {
        "opposite": float(adds or drops),
        "negates": float(negates),
        "asserts": float(asserts),
    }


def _share_in_sequence(pair: _Pair) -> float:
    def weight(pairs: Iterable[tuple[str, str]]) -> float:
        stop_terms = _stop_terms()
        return sum(_STOP_WEIGHT if t in stop_terms else 1.0 for two in pairs for t in two)

    cited_pairs = {two for part in pair.parts for two in pairwise(part)}
    pairs = list(pairwise(pair.own))
    return weight(two for two in pairs if two in cited_pairs) / (weight(pairs) or 1.0)


def _soft_matches(missing: Sequence[str], words: set[str]) -> list[str]:
    """The terms that share most of their letters with a word of the text."""
    if not missing:
        return []
    grams = {gram for word in words for gram in _grams(word)}
    matched = []
    for term in missing[:MAX_UNMATCHED]:
        own = _grams(term)
        if own and sum(gram in grams for gram in own) >= 0.75 * len(own):
            matched.append(term)
    return matched


@lru_cache(maxsize=8192)
def _grams(word: str) -> tuple[str, ...]:
    return tuple(word[at : at + 4] for at in range(len(word) - 3)) if len(word) > 3 else ()


@lru_cache(maxsize=512)
def _terms(text: str) -> tuple[str, ...]:
    words = _WORD.findall(words_to_figures(text))
    return tuple(term for word in words for term in _word_terms(word[:64]))


@lru_cache(maxsize=16384)
def _word_terms(word: str) -> tuple[str, ...]:
    return tuple(terms(word))


@cache
def _stop_terms() -> frozenset[str]:
    words = STOP_WORDS | set(_FOREIGN_STOP_WORDS.split())
    return frozenset(term for word in words for term in terms(word))


_FOREIGN_STOP_WORDS = (
    "der die das den dem des ein eine einen einem einer und oder ist sind war wird werden wurde "
    "hat haben kann man er sie es sich mit für von zu zum zur auf im in am an bei als auch nach "
    "wenn so wie aus dass dann noch nur nicht um bis über vor le la les un une de du et est sont "
    "que qui dans pour sur avec au aux el los las una y es son en por con para 的 了 是 在 和 也 就"
)
