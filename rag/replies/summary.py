"""A summary of one article: the article that a question names, and its most central sentences.

The article is found by the words of its title. A sentence is the more central the nearer the mean
of its word vectors is to that of the whole article (after Radev et al. 2004, centroid); of two
that say the same one is taken (MMR, Carbonell and Goldstein 1998). The first paragraph of an
article often says what it is about, and is favoured.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.embed.quantize import dequantize
from index.filters import matches
from index.store.opened import OpenGeneration
from index.text.analyzer import STOP_WORDS, content_terms, terms
from index.types import Chunk, Filters, Source

from ..answering.extractive import Pick, is_fragment
from ..language.kind.intent import Intent
from ..language.word_cover import Language, cover
from ..retrieval.sections import unscored
from ..types import Hit, ScoredUnit, Scores
from .catalogue import title_of

MIN_COVER = 2 / 3
"""Share of the words that name an article which its title must have; all where they do not call it
one."""
MIN_LEAD = 0.2
"""How much more of them than any other title."""
BEGINNING = 3
"""Letters of a word that a title has to have before it is looked at."""
MAX_CHUNKS = 400
"""Of an article that are read, from its beginning."""
FEW, MANY, MANY_FROM = 3, 5, 20
"""Sentences of a summary, and of an article of that many."""
MIN_CHARS, MAX_CHARS, MAX_TOTAL_CHARS = 40, 400, 1_200
FIRST = 0.08
"""Bonus of the first paragraph, in cosines."""
REPETITION = 0.5
"""Share of the cosine with the nearest sentence taken so far that counts against one."""

_ARTICLE_WORD = re.compile(
    r"\b(?:articles?|documents?|docs?|files?|pages?|texts?|called|titled|named|artikels?"
    r"|dokuments?|datei|seite|fichier|texte|articulo|artículo|documento|archivo)\b"
    r"|这篇|这份|文章|文档|文件",
    re.IGNORECASE,
)
_ORDINALS = ("first", "second", "third", "fourth")
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile("[\u0300-\u036f]+")
_QUARTER = re.compile(r"\bq([1-4])\b", re.IGNORECASE)
_DEPENDENT = re.compile(
    r"(?:this|these|that|those|he|she|it|they|his|her|its|their|but|and|or|yet|so|however|also|both"
    r"|dies\w*|er|sie|es|aber|und|doch|auch|il|elle|ils|elles|mais|et|cela|este|esta|esto|pero|y)\b"
    r"|[这那他她它]|但|而",
    re.IGNORECASE,
)
"""What a sentence begins with that needs the one before."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Summary:
    """The passages of an article in its order, and which of their units sum it up."""

    hits: tuple[Hit, ...]
    picks: tuple[Pick, ...]
    cover: float
    """Share of the words naming the article that its title has."""


def summarize(
    intent: Intent,
    generation: OpenGeneration,
    filters: Filters,
    *,
    max_passages: int,
    is_whole: bool,
) -> Summary | None:
    """Returns the article that the words name, with its most central sentences.

    These are of at most `max_passages` passages. If `is_whole`, all passages of the article are
    `hits`, else those of the sentences. None without a clear article or a fit sentence. Blocks.
    """
    if named := _named_article(intent, generation, filters):
        return _summary(*named, generation, max_passages=max_passages, is_whole=is_whole)
    return None


def summarize_source(
    source: Source, generation: OpenGeneration, *, max_passages: int, is_whole: bool
) -> Summary | None:
    """Returns the most central sentences of one article, as `summarize` does; blocks."""
    return _summary(source, 1.0, generation, max_passages=max_passages, is_whole=is_whole)


def _named_article(
    intent: Intent, generation: OpenGeneration, filters: Filters
) -> tuple[Source, float] | None:
    """Returns the article that the words name and how much of them its title has; None in doubt."""
    words = _ARTICLE_WORD.sub(" ", _quarters(intent.subject))
    best, second = (0.0, 0.0), (0.0, 0.0)
    named: Source | None = None
    asked = _WORD.findall(_fold(words))
    beginnings = [word[:BEGINNING] for word in asked if word not in STOP_WORDS]
    for source in generation.sources():
        title = _quarters(title_of(source))
        folded = _fold(title)
        if intent.language != "zh" and not any(word in folded for word in beginnings):
            continue  # the rest costs ten times as much
        if not matches(filters, source.path, source.metadata):
            continue
        covers = _cover(words, title, intent.language), _cover(title, words, intent.language)
        if covers > best:
            named, best, second = source, covers, best
        else:
            second = max(second, covers)
    least = MIN_COVER if intent.is_article else 1.0
    is_clear = best[0] - second[0] >= MIN_LEAD or (best[1] == 1.0 and second[1] < 1.0)
    return (named, best[0]) if named and best[0] >= least and is_clear else None


def _summary(
    source: Source, cover: float, generation: OpenGeneration, *, max_passages: int, is_whole: bool
) -> Summary | None:
    chunks = sorted(generation.source_chunks(source.id)[:MAX_CHUNKS], key=lambda one: one.row)
    text = generation.text(source.id)
    units = [[unscored(unit, text) for unit in chunk.units] for chunk in chunks]
    chosen = _choose(generation, chunks, units, max_passages)
    if not chosen:
        return None
    kept = range(len(chunks)) if is_whole else sorted({chunk for chunk, _ in chosen})
    hits = tuple(
        Hit(
            rank=rank,
            chunk=chunks[place],
            source=source,
            text=text[chunks[place].start : chunks[place].end],
            score=cover,
            scores=Scores(0.0, 0.0, 0.0),
            units=tuple(units[place]),
        )
        for rank, place in enumerate(kept, start=1)
    )
    rank_of = {place: number for number, place in enumerate(kept)}
    picks = tuple(Pick(rank_of[chunk], unit, cover, True) for chunk, unit in chosen)
    return Summary(hits, picks, cover)


def _choose(
    generation: OpenGeneration,
    chunks: Sequence[Chunk],
    units: Sequence[Sequence[ScoredUnit]],
    max_passages: int,
) -> list[tuple[int, int]]:
    """Returns (chunk, unit) of the sentences chosen, in the article's order."""
    places = [(c, u) for c, own in enumerate(units) for u in range(len(own))]
    fit = [n for n, (c, u) in enumerate(places) if _is_fit(units[c][u])]
    if not fit:
        return []
    vectors = _unit_vectors(generation, chunks, len(places))
    centre = vectors[fit].mean(axis=0)
    centre /= max(float(np.linalg.norm(centre)), 1e-6)
    scores = vectors @ centre
    scores[[n for n in fit if places[n][0] == places[fit[0]][0]]] += FIRST
    count = MANY if len(fit) >= MANY_FROM else FEW
    chosen, chars = list[int](), 0
    nearest = np.zeros(len(places), np.float32)
    for _ in range(count):
        passages = {places[n][0] for n in chosen}
        left = [
            n
            for n in fit
            if n not in chosen
            and chars + len(_text(units, places[n])) <= MAX_TOTAL_CHARS
            and (len(passages) < max_passages or places[n][0] in passages)
        ]
        if not left:
            break
        best = max(left, key=lambda n: float(scores[n] - REPETITION * nearest[n]))
        chosen.append(best)
        chars += len(_text(units, places[best]))
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return [places[n] for n in sorted(chosen)]


def _unit_vectors(generation: OpenGeneration, chunks: Sequence[Chunk], count: int) -> Floats:
    """Returns (count, w) the mean word vector of each unit, of length 1; zeros without vectors."""
    if not generation.info.complete:
        return np.zeros((count, 1), np.float32)
    words = generation.evidence(np.array([chunk.row for chunk in chunks])).vectors.words
    assert words is not None  # the generation is complete
    means = np.zeros((count, dequantize(words.rows[:1]).shape[1]), np.float32)
    with_words = np.flatnonzero(words.counts)
    starts = (np.cumsum(words.counts) - words.counts)[with_words]
    means[with_words] = np.add.reduceat(dequantize(words.rows), starts, axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(lengths, 1e-6), np.float32)


def _is_fit(unit: ScoredUnit) -> bool:
    text = " ".join(unit.text.split())
    return (
        unit.kind == "sentence"
        and MIN_CHARS <= len(text) <= MAX_CHARS
        and not text.endswith((":", "："))
        and not is_fragment(text)
        and not _DEPENDENT.match(text)
    )


def _cover(words: str, text: str, language: Language) -> float:
    """Returns the share of the content words that a text has, 0 to 1."""
    if language != "en":
        return cover(words, text)
    asked = set(content_terms(terms(words)))
    return len(asked & set(terms(text))) / len(asked) if asked else 0.0


def _fold(text: str) -> str:
    """Returns the text in lower case and without accents."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.lower().replace("ß", "ss")))


def _quarters(text: str) -> str:
    """Returns the text with "Q2" in words."""
    return _QUARTER.sub(lambda match: f"{_ORDINALS[int(match[1]) - 1]} quarter", text)


def _text(units: Sequence[Sequence[ScoredUnit]], place: tuple[int, int]) -> str:
    return units[place[0]][place[1]].text
