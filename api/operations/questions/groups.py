"""Groups questions that mean the same, by the cosine of their vectors.

Each question joins the nearest group whose first question is near enough, in the order of how often
they were asked: leader clustering (Hartigan 1975), one pass and no number of groups to guess.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from index.embed.protocol import Vectors

from ...state.bounded_table import Row

MAX_QUESTIONS = 1_000
"""The newest so many different questions are grouped."""
MAX_IDS = 20
MAX_KEPT = 4_000
"""Vectors kept between requests: 6 MB of 384 dimensions."""
MIN_COSINE = 0.8
"""Of MiniLM: 8 of 10 paraphrases have more, 9 of 10 other questions about the same subject less;
the tenth differed by its year alone, so questions of other numbers are never one."""
CROWDED_COSINE = 0.93
"""The same of models whose vectors lie close together, such as E5's, where 0.8 is any question."""

_NUMBER = re.compile(r"\d+")
_NOISE = re.compile(r"[\W_]+")
Embed = Callable[[str], Vectors]


class VectorCache:
    """The vectors of the questions that were grouped last; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()

    def vectors(self, texts: Sequence[str], embed: Embed, fingerprint: str) -> Vectors:
        """Returns the vectors (n, d) of texts, computed by `embed` where they are not known."""
        return np.stack([self._vector(text, embed, fingerprint) for text in texts])

    def _vector(self, text: str, embed: Embed, fingerprint: str) -> Vectors:
        key = fingerprint, text
        with self._lock:
            if (kept := self._vectors.get(key)) is not None:
                self._vectors.move_to_end(key)
                return kept
        vector = embed(text)
        with self._lock:
            self._vectors[key] = vector
            while len(self._vectors) > MAX_KEPT:
                self._vectors.popitem(last=False)
        return vector


@dataclass(slots=True)
class QuestionGroup:
    """Questions of one meaning; `question` is the one nearest to all of them."""

    question: str
    rows: list[Row] = field(default_factory=list)

    def count(self, state: str) -> int:
        """Returns how many of them ended so."""
        return sum(row.body["state"] == state for row in self.rows)

    @property
    def rated_down(self) -> int:
        """How many of them were rated down."""
        return sum(row.body["rating"] == "down" for row in self.rows)


def group_questions(
    rows: Iterable[Row], embed: Embed, *, fingerprint: str, cache: VectorCache
) -> list[QuestionGroup]:
    """Returns the groups of the rows, which are newest first: the most often unanswered first."""
    same: dict[str, list[Row]] = {}
    for row in rows:
        key = _NOISE.sub(" ", row.body["question"].casefold()).strip()
        if key in same or len(same) < MAX_QUESTIONS:
            same.setdefault(key, []).append(row)
    if not same:
        return []
    members = sorted(same.values(), key=len, reverse=True)
    texts = [rows_[0].body["question"] for rows_ in members]
    vectors = cache.vectors(texts, embed, fingerprint)
    groups = [
        _group(group, members, texts, vectors)
        for group in _cluster(vectors, texts, _min_cosine(vectors))
    ]
    return sorted(groups, key=_urgency)


def _min_cosine(vectors: Vectors) -> float:
    """Returns from which cosine on two questions count as one, by how close all vectors lie."""
    mean = vectors.mean(axis=0)
    others = (len(vectors) * float(mean @ mean) - 1) / max(len(vectors) - 1, 1)
    return CROWDED_COSINE if len(vectors) > 4 and others > 0.65 else MIN_COSINE


def _cluster(vectors: Vectors, texts: Sequence[str], min_cosine: float) -> list[list[int]]:
    """Returns the groups as indexes of the vectors; the texts of one have the same numbers."""
    numbers = [frozenset(_NUMBER.findall(text)) for text in texts]
    leaders: list[int] = []
    groups: list[list[int]] = []
    for number, vector in enumerate(vectors):
        cosines = vectors[leaders] @ vector if leaders else np.zeros(0, np.float32)
        cosines[[numbers[one] != numbers[number] for one in leaders]] = -1
        nearest = int(cosines.argmax()) if leaders else -1
        if leaders and cosines[nearest] >= min_cosine:
            groups[nearest].append(number)
        else:
            leaders.append(number)
            groups.append([number])
    return groups


def _group(
    group: list[int], members: Sequence[list[Row]], texts: Sequence[str], vectors: Vectors
) -> QuestionGroup:
    weights = np.array([len(members[one]) for one in group], np.float32)
    centre = weights @ vectors[group]
    typical = group[int((vectors[group] @ centre).argmax())]
    rows = sorted((row for one in group for row in members[one]), key=lambda row: -row.stored_s)
    return QuestionGroup(texts[typical], rows)


def _urgency(group: QuestionGroup) -> tuple[int, ...]:
    refused, tentative = group.count("refused"), group.count("tentative")
    return -refused, -group.rated_down, -tentative, -len(group.rows)
