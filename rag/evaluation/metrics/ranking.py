"""Where in a ranking the gold evidence turns up: hit, recall, reciprocal rank, nDCG.

The same four at three levels. `file`: the files in the order of their first passage; chunk: a
passage finds evidence when they share half of either; `span`: what the passages together cover of
the evidence's characters. Gains are for evidence that no earlier rank has found, so that a
repetition earns nothing. nDCG after Järvelin and Kekäläinen 2002, with log2.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..results import Gold, Passage
from .match import covered, overlaps

KS = (1, 3, 5, 10)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Ranking:
    """Per rank, how much evidence is found there for the first time; `total` is all there is.

    `enough` is the share of the total at which something counts as found: any at all (0), or half.
    """

    gains: tuple[float, ...]
    total: float
    enough: float = 0.0

    def recall(self, k: int) -> float:
        """Returns the share of the evidence within the first k ranks, 0 to 1."""
        return min(1.0, sum(self.gains[:k]) / self.total) if self.total else 0.0

    def hit(self, k: int) -> bool:
        """Returns whether evidence is found within the first k ranks."""
        share = self.recall(k)
        return share > 0 and share >= self.enough

    def reciprocal_rank(self, k: int) -> float:
        """Returns 1 / the first rank by which evidence is found; 0 where none of the k does."""
        return next((1 / rank for rank in range(1, k + 1) if self.hit(rank)), 0.0)

    def ndcg(self, k: int) -> float:
        """Returns the discounted gain of the first k ranks as a share of the best order's."""
        found = _discounted(gain for gain in self.gains[:k])
        best = _discounted([1.0] * min(k, math.ceil(self.total)))
        return min(1.0, found / best) if best else 0.0


def _discounted(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def files(passages: Sequence[Passage], gold: Sequence[Gold]) -> Ranking:
    """Returns the ranking of the files."""
    order = list(dict.fromkeys(p.source for p in passages))
    wanted = {item.source for item in gold}
    return Ranking(tuple(float(source in wanted) for source in order), len(wanted))


def chunks(passages: Sequence[Passage], gold: Sequence[Gold]) -> Ranking:
    """Returns the ranking of the passages by the evidence that each is the first to find."""
    found: set[int] = set()
    gains = []
    for passage in passages:
        new = {n for n, item in enumerate(gold) if finds(passage, item)} - found
        found |= new
        gains.append(float(len(new)))
    return Ranking(tuple(gains), len(gold))


def finds(place: Passage, item: Gold) -> bool:
    """Does the passage share half of either with the evidence?"""
    return place.source == item.source and any(overlaps(place.span, s) for s in item.spans)


def spans(passages: Sequence[Passage], gold: Sequence[Gold]) -> Ranking:
    """Returns the ranking by the share of the evidence's characters that is new at each rank."""
    placed = [(item.source, _place(item, passages)) for item in gold if item.spans]
    lost = sum(not item.spans for item in gold)
    total = sum(end - start for _, (start, end) in placed)
    if not total:
        return Ranking((), 1.0, enough=0.5)
    known, gains = 0, []
    for k in range(1, len(passages) + 1):
        now = sum(
            covered([p.span for p in passages[:k] if p.source == source], [span])
            for source, span in placed
        )
        gains.append((now - known) / total * len(placed) / (len(placed) + lost))
        known = now
    return Ranking(tuple(gains), 1.0, enough=0.5)


def _place(item: Gold, passages: Sequence[Passage]) -> tuple[int, int]:
    """Where the quote stands several times, the place that the passages cover best."""
    held = [p.span for p in passages if p.source == item.source]
    return max(item.spans, key=lambda span: covered(held, [span]))


@dataclass(frozen=True, slots=True)
class TokenOverlap:
    """Words of the evidence against words retrieved, repetitions included (Smith 2024, Chroma)."""

    shared: int
    gold: int
    retrieved: int

    @property
    def recall(self) -> float:
        """The share of the evidence's words that was retrieved."""
        return self.shared / self.gold if self.gold else 0.0

    @property
    def precision(self) -> float:
        """The share of the words retrieved that are evidence."""
        return self.shared / self.retrieved if self.retrieved else 0.0

    @property
    def iou(self) -> float:
        """Intersection over union."""
        union = self.gold + self.retrieved - self.shared
        return self.shared / union if union else 0.0


def tokens(
    passages: Sequence[Passage], gold: Sequence[Gold], quotes: Sequence[str]
) -> TokenOverlap:
    """Returns the overlap in words; `quotes` are the evidence's words, one text an item."""
    wanted: set[tuple[str, int]] = set()
    lost = 0
    for item, quote in zip(gold, quotes, strict=True):
        if item.spans:
            start, _ = _place(item, passages)
            wanted |= {(item.source, start + word.start()) for word in _WORD.finditer(quote)}
        else:
            lost += len(_WORD.findall(quote))
    retrieved = [
        (p.source, p.start + word.start()) for p in passages for word in _WORD.finditer(p.text)
    ]
    both = wanted & {(source, at) for source, at in retrieved if source is not None}
    return TokenOverlap(len(both), len(wanted) + lost, len(retrieved))
