"""Analyzes a question for an index: its vectors, its terms with their idf, and its term pairs.

Corrects spelling: a term that the corpus lacks is replaced by one that it has a single edit away
(Damerau 1964: four of five misspellings are one letter wrong, too many, missing, or two swapped).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from index.embed.protocol import Embedder, QuestionVectors, Vectors
from index.errors import EmbedderMismatch
from index.store.opened import OpenGeneration
from index.text.analyzer import content_terms, terms
from index.text.sanitize import sanitize

from ..language.answer_type import is_statement
from ..language.word_cover import Language, language_of, without_function_words
from .article_language import other_language

MIN_CORRECTED_CHARS, MAX_CORRECTED_CHARS = 5, 20
"""Too many other words are a single edit away from a shorter one."""
MAX_CORRECTED_TERMS = 8
"""Terms of one question that are corrected; each costs a look-up of a thousand."""
_WORD = re.compile(r"[^\W_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Vocabulary = Mapping[str, tuple[int, int]]
"""Term → its id and its document frequency (in chunks)."""


@dataclass(frozen=True, slots=True)
class Query:
    """An analyzed question.

    `terms` are its content terms, those that the corpus has first; `term_ids` (k,) are the ids of
    these. `idf` has an entry per term, as if a term that no chunk has were in one. `pairs` (p, 2)
    are ids of neighbouring terms, stop words included, and `pair_weights` (p,) the share of each in
    the idf of all pairs, unknown ones included. `word_vectors` (t, w) are the vectors of its words
    (the question's own without any), `word_weights` (t,) their shares of the idf. `is_translated`:
    is it in another language than the articles, and does the embedder find `across_languages`?
    """

    text: str
    vector: Vectors
    word_vectors: Vectors
    word_weights: Floats
    terms: tuple[str, ...]
    term_ids: Ints
    idf: Floats
    pairs: Ints
    pair_weights: Floats
    is_statement: bool
    is_english: bool
    is_translated: bool
    across_languages: bool

    @property
    def known_terms(self) -> tuple[str, ...]:
        """The content terms that the corpus has."""
        return self.terms[: len(self.term_ids)]

    @property
    def known_idf(self) -> Floats:
        """The idf of `known_terms`."""
        return self.idf[: len(self.term_ids)]

    @property
    def all_term_ids(self) -> Ints:
        """The ids of the content terms, then of those that are only in pairs, each once."""
        return np.concatenate([self.term_ids, np.setdiff1d(self.pairs, self.term_ids)])


def analyze_query(generation: OpenGeneration, embedder: Embedder, question: str) -> Query:
    """Returns the question analyzed for the generation; raises EmbedderMismatch."""
    if generation.info.complete and generation.embedder != embedder.fingerprint:
        raise EmbedderMismatch(generation.embedder, embedder.fingerprint)
    text = sanitize(question)
    language = language_of(text)
    is_foreign = other_language(generation, language) is not None
    asked = _content_of(text, language) if is_foreign else text
    typed_terms = terms(asked)
    corrections, vocabulary = _correct_spelling(generation, typed_terms)
    all_terms = [corrections.get(term, term) for term in typed_terms]
    content = content_terms(all_terms) or list(dict.fromkeys(all_terms))
    content.sort(key=lambda term: term not in vocabulary)
    idf = _idf(generation, content, vocabulary)
    pairs, pair_weights = _pairs(generation, all_terms, vocabulary)
    embedded = embedder.embed_question(text)
    idf_of = dict(zip(content, idf.tolist(), strict=True))
    idf_of |= {term: idf_of.get(corrected, 0.0) for term, corrected in corrections.items()}
    weights = _word_weights(embedded, asked, idf_of)
    return Query(
        text=text,
        vector=embedded.vector,
        word_vectors=embedded.words[weights > 0],
        word_weights=weights[weights > 0],
        terms=tuple(content),
        term_ids=np.array([vocabulary[t][0] for t in content if t in vocabulary], np.int64),
        idf=idf,
        pairs=pairs,
        pair_weights=pair_weights,
        is_statement=is_statement(text),
        is_english=language == "en",
        is_translated=is_foreign and embedder.across_languages is True,
        across_languages=embedder.across_languages is True,
    )


def _content_of(text: str, language: Language) -> str:
    """Returns the text with blanks for its function words; as it is if it has no other ones.

    In articles of its own language they are frequent, and so weigh little; in others they are rare.
    """
    content = without_function_words(text, language)
    return content if _WORD.search(content) else text


def _idf(generation: OpenGeneration, words: Sequence[str], vocabulary: Vocabulary) -> Floats:
    frequencies = [vocabulary[word][1] if word in vocabulary else 1 for word in words]
    return generation.idf(frequencies)


def _word_weights(embedded: QuestionVectors, text: str, idf: Mapping[str, float]) -> Floats:
    """The idf of each vector's word, split among its vectors; equal if no word has any."""
    starts = np.array([start for start, _ in embedded.spans])
    weights = np.zeros(len(starts), np.float32)
    if len(starts) > 1:
        for word in _WORD.finditer(text):
            inside = np.flatnonzero((starts >= word.start()) & (starts < word.end()))
            word_idf = sum(idf.get(term, 0.0) for term in terms(word.group()))
            weights[inside] = word_idf / max(len(inside), 1)
    if not weights.any():
        weights[:] = 1
    return np.asarray(weights / max(float(weights.sum()), 1e-6), np.float32)


def _pairs(
    generation: OpenGeneration, all_terms: Sequence[str], vocabulary: Vocabulary
) -> tuple[Ints, Floats]:
    """The distinct pairs of neighbours that the corpus may have, and their weights."""
    pairs = list(dict.fromkeys(pairwise(all_terms)))
    if not pairs:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    lefts, rights = zip(*pairs, strict=True)
    idf = _idf(generation, lefts, vocabulary) + _idf(generation, rights, vocabulary)
    weights = idf / (float(idf.sum()) or 1.0)
    known = [left in vocabulary and right in vocabulary for left, right in pairs]
    ids = [
        (vocabulary[a][0], vocabulary[b][0]) for (a, b), k in zip(pairs, known, strict=True) if k
    ]
    return np.array(ids, np.int64).reshape(-1, 2), weights[known].astype(np.float32)


def _correct_spelling(
    generation: OpenGeneration, typed_terms: Sequence[str]
) -> tuple[dict[str, str], Vocabulary]:
    """The corrections of misspelt terms, and the vocabulary of all terms, corrections included."""
    distinct = list(dict.fromkeys(typed_terms))
    vocabulary = dict(generation.vocabulary(distinct))
    unknown = [term for term in distinct if term not in vocabulary and _is_correctable(term)]
    edits = {term: single_edits(term) for term in unknown[:MAX_CORRECTED_TERMS]}
    near = generation.vocabulary([word for words in edits.values() for word in words])
    corrections = {}
    for term, words in edits.items():
        frequent = max((w for w in words if w in near), key=lambda w: near[w][1], default=None)
        if frequent is not None:
            corrections[term] = frequent
            vocabulary[frequent] = near[frequent]
    return corrections, vocabulary


def _is_correctable(term: str) -> bool:
    is_word = term.isascii() and term.isalpha()
    return is_word and MIN_CORRECTED_CHARS <= len(term) <= MAX_CORRECTED_CHARS


def single_edits(term: str) -> list[str]:
    """Returns the words a letter less, more, other or swapped away, with the same first letter.

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
