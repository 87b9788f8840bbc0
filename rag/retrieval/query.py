"""A question as an index sees it: its vectors, its words, and which of them are neighbours.

A word that no article holds is led to the one it was probably meant to be, where a single slip of
the keyboard lies between them (Damerau 1964: four of five misspellings are one letter wrong, too
many, missing, or two swapped).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.embed.protocol import Embedder, QuestionVectors, Vectors
from index.errors import EmbedderMismatch
from index.store.generation import Generation
from index.text.analyzer import content_terms, terms
from index.text.sanitize import sanitize

from ..language.answer_type import is_statement

SHORTEST = 5
"""Letters: a shorter word is next to too many others."""
LONGEST = 20
MOST = 8
"""Words of one question that are tried: each costs a look-up of a thousand."""
_WORD = re.compile(r"[^\W_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Known = Mapping[str, tuple[int, int]]
"""Term → its number and in how many chunks it stands."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question's vectors, content terms with their idf, and pairs of neighbouring terms.

    `numbers` are the ids of the terms that the corpus holds, which come first in `terms`; `idf`
    has an entry a term, one that no chunk holds counting as if it stood in one. `pairs` (p, 2)
    are ids of terms, stop words too, that follow each other in the question; `shares` (p,) is
    each one's part of the idf of all pairs, those with an unknown term included. `parts` (t, w)
    are its words' vectors, or its own alone, and `weights` (t,) their shares of the idf.
    """

    text: str
    vector: Vectors
    parts: Vectors
    weights: Floats
    terms: tuple[str, ...]
    numbers: Ints
    idf: Floats
    pairs: Ints
    shares: Floats
    is_statement: bool

    @property
    def all_numbers(self) -> Ints:
        """The ids of the content terms, then of those that are in pairs alone, each once."""
        return np.concatenate([self.numbers, np.setdiff1d(self.pairs, self.numbers)])


def analyze_query(generation: Generation, embedder: Embedder, question: str) -> Query:
    """Returns what the generation makes of the question; raises EmbedderMismatch."""
    manifest = generation.manifest
    if generation.info.complete and manifest.embedder != embedder.fingerprint:
        raise EmbedderMismatch(manifest.embedder, embedder.fingerprint)
    text = sanitize(question)
    written = terms(text)
    meant, known = _spelled(generation, written)
    found = [meant.get(term, term) for term in written]
    wanted = content_terms(found) or list(dict.fromkeys(found))
    ordered = sorted(wanted, key=lambda term: term not in known)
    idf = _idf(generation, ordered, known)
    pairs, shares = _pairs(generation, found, known)
    embedded = embedder.embed_question(text)
    weights = _weights(embedded, text, dict(zip(ordered, idf.tolist(), strict=True)), meant)
    return Query(
        text=text,
        vector=embedded.vector,
        parts=embedded.words[weights > 0],
        weights=weights[weights > 0],
        terms=tuple(ordered),
        numbers=np.array([known[term][0] for term in ordered if term in known], np.int64),
        idf=idf,
        pairs=pairs,
        shares=shares,
        is_statement=is_statement(text),
    )


def _idf(generation: Generation, words: Sequence[str], known: Known) -> Floats:
    return generation.term_index.idf([known[word][1] if word in known else 1 for word in words])


def _weights(
    embedded: QuestionVectors, text: str, idf: Mapping[str, float], meant: Mapping[str, str]
) -> Floats:
    """Returns each part's share: the idf of its word, in equal shares; alike where none has any."""
    starts = np.array([start for start, _ in embedded.spans])
    weights = np.zeros(len(starts), np.float32)
    if len(starts) > 1:
        for word in _WORD.finditer(text):
            inside = np.flatnonzero((starts >= word.start()) & (starts < word.end()))
            worth = sum(idf.get(meant.get(term, term), 0.0) for term in terms(word.group()))
            weights[inside] = worth / max(len(inside), 1)
    if not weights.any():
        weights[:] = 1
    return np.asarray(weights / max(float(weights.sum()), 1e-6), np.float32)


def _pairs(generation: Generation, found: Sequence[str], known: Known) -> tuple[Ints, Floats]:
    """Returns the known pairs of neighbours, each once, and their shares."""
    pairs = list(dict.fromkeys(pairwise(found)))
    if not pairs:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    lefts, rights = zip(*pairs, strict=True)
    weights = _idf(generation, lefts, known) + _idf(generation, rights, known)
    shares = weights / (float(weights.sum()) or 1.0)
    held = [left in known and right in known for left, right in pairs]
    numbers = [(known[a][0], known[b][0]) for (a, b), both in zip(pairs, held, strict=True) if both]
    return np.array(numbers, np.int64).reshape(-1, 2), shares[held].astype(np.float32)


def _spelled(generation: Generation, found: Sequence[str]) -> tuple[dict[str, str], Known]:
    """Returns what misspelt terms were meant to be, and the terms that the corpus holds."""
    known = dict(generation.vocabulary(list(dict.fromkeys(found))))
    unknown = [term for term in dict.fromkeys(found) if term not in known and _may_be_slip(term)]
    slips = {term: single_edits(term) for term in unknown[:MOST]}
    near = generation.vocabulary([word for words in slips.values() for word in words])
    meant = {}
    for term, words in slips.items():
        likely = max((word for word in words if word in near), key=lambda w: near[w][1], default="")
        if likely:
            meant[term] = likely
            known[likely] = near[likely]
    return meant, known


def _may_be_slip(term: str) -> bool:
    return SHORTEST <= len(term) <= LONGEST and term.isascii() and term.isalpha()


def single_edits(term: str) -> list[str]:
    """Returns every word one slip away that begins alike: a letter less, more, other, or swapped.

    The first letter is seldom the wrong one (Pollock and Zamora 1984).
    """
    words: list[str] = []
    for place in range(1, len(term) + 1):
        before, after = term[:place], term[place:]
        words.extend(before + letter + after for letter in _LETTERS)
        if after:
            words.append(before + after[1:])
            words.extend(before + letter + after[1:] for letter in _LETTERS)
        if len(after) > 1:
            words.append(before + after[1] + after[0] + after[2:])
    return [word for word in dict.fromkeys(words) if word != term]
