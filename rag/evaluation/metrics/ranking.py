"""Retrieval metrics against gold evidence: hit, recall, reciprocal rank (MRR), nDCG.

Each at three levels: `file`, in the order of each file's first passage; passage, which matches
evidence if they share half of either; `span`, the evidence's characters that the passages cover
together. Only evidence that no earlier rank contains is a gain, so duplicates gain nothing. nDCG
after Järvelin and Kekäläinen 2002, with log2.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.types import Span

from ..results import GoldEvidence, Passage
from .matching import covered_chars, matches_evidence

CUTOFFS = (1, 3, 5, 10)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Ranking:
    """The new evidence at each rank; `total` is all the evidence there is.

    `min_share` is the share of the total that counts as a hit: any at all (0), or half.
    """

    gains: tuple[float, ...]
    total: float
    min_share: float = 0.0

    def recall(self, k: int) -> float:
        """Returns the share of the evidence within the first k ranks, 0 to 1."""
        return min(1.0, sum(self.gains[:k]) / self.total) if self.total else 0.0

    def hit(self, k: int) -> bool:
        """Whether the first k ranks contain evidence."""
        recall = self.recall(k)
        return recall > 0 and recall >= self.min_share

    def reciprocal_rank(self, k: int) -> float:
        """Returns 1 / the first rank with evidence; 0 if none of the k has any."""
        return next((1 / rank for rank in range(1, k + 1) if self.hit(rank)), 0.0)

    def ndcg(self, k: int) -> float:
        """Returns the discounted gain of the first k ranks, relative to the best order's."""
        gain = _discount(self.gains[:k])
        best = _discount([1.0] * min(k, math.ceil(self.total)))
        return min(1.0, gain / best) if best else 0.0


def _discount(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def rank_files(passages: Sequence[Passage], gold: Sequence[GoldEvidence]) -> Ranking:
    """Returns the ranking of the files."""
    files = list(dict.fromkeys(p.path for p in passages))
    gold_files = {item.path for item in gold}
    return Ranking(tuple(float(file in gold_files) for file in files), len(gold_files))


def rank_passages(passages: Sequence[Passage], gold: Sequence[GoldEvidence]) -> Ranking:
    """Returns the ranking of the passages by the evidence that each contains first."""
    seen: set[int] = set()
    gains = []
    for passage in passages:
        new = {i for i, item in enumerate(gold) if matches_evidence(passage, item)} - seen
        seen |= new
        gains.append(float(len(new)))
    return Ranking(tuple(gains), len(gold))


def rank_spans(passages: Sequence[Passage], gold: Sequence[GoldEvidence]) -> Ranking:
    """Returns the ranking by the share of the evidence's characters that is new at each rank."""
    located = [(item.path, _best_span(item, passages)) for item in gold if item.spans]
    total = sum(end - start for _, (start, end) in located)
    if not total:
        return Ranking((), 1.0, min_share=0.5)
    covered, gains = 0, []
    for k in range(1, len(passages) + 1):
        now = sum(
            covered_chars([p.span for p in passages[:k] if p.path == path], [span])
            for path, span in located
        )
        gains.append((now - covered) / total * len(located) / len(gold))
        covered = now
    return Ranking(tuple(gains), 1.0, min_share=0.5)


def _best_span(item: GoldEvidence, passages: Sequence[Passage]) -> Span:
    """Returns the occurrence of the quote that the passages cover best."""
    spans = [p.span for p in passages if p.path == item.path]
    return max(item.spans, key=lambda span: covered_chars(spans, [span]))


@dataclass(frozen=True, slots=True)
class TokenOverlap:
    """Recall, precision and intersection over union of words (Smith 2024, Chroma), 0 to 1 each."""

    recall: float
    precision: float
    iou: float


def token_overlap(
    passages: Sequence[Passage], gold: Sequence[GoldEvidence], quotes: Sequence[str]
) -> TokenOverlap:
    """Returns the overlap of the evidence's words and those retrieved, duplicates included.

    `quotes` are the evidence's texts, one per item.
    """
    gold_words: set[tuple[str | None, int]] = set()
    unlocated = 0
    for item, quote in zip(gold, quotes, strict=True):
        if item.spans:
            start, _ = _best_span(item, passages)
            gold_words |= {(item.path, start + word.start()) for word in _WORD.finditer(quote)}
        else:
            unlocated += len(_WORD.findall(quote))
    retrieved = [
        (p.path, p.start + word.start()) for p in passages for word in _WORD.finditer(p.text)
    ]
    shared, gold_count = len(gold_words & set(retrieved)), len(gold_words) + unlocated
    return TokenOverlap(
        recall=shared / gold_count if gold_count else 0.0,
        precision=shared / len(retrieved) if retrieved else 0.0,
        iou=shared / union if (union := gold_count + len(retrieved) - shared) else 0.0,
    )
