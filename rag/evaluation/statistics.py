"""How sure a figure is: intervals, paired tests, and what a set of cases could show at all.

Wilson 1927 for rates; percentile bootstrap otherwise, over clusters where there are enough of
them (fewer than 20 cover far less than they promise: 84 % with 5, 91 % with 10), its percentiles
expanded for small samples after Hesterberg 2015. McNemar's exact test or a paired permutation
test for differences, Holm 1979 over several. All from scipy, seeded.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .extra import needed

RESAMPLES = 10_000
MIN_CLUSTERS = 20
SEED = 20_260
LEVEL = 0.95
BATCH = 500

Floats = npt.NDArray[np.float64]
Side = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval and how it was made; `clusters` is None where cases count by themselves."""

    low: float
    high: float
    method: str
    clusters: int | None = None


@cache
def _stats() -> Any:  # Any: scipy ships no types
    return needed("scipy.stats")


def wilson(successes: int, n: int) -> Interval:
    """Returns Wilson's interval of a rate; n must be 1 or more."""
    found = _stats().binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    return Interval(float(found.low), float(found.high), "wilson")


def bootstrap(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
) -> Interval:
    """Returns the percentile interval of the mean, resampling clusters where there are 20 or more.

    Below that it resamples cases, and its method says so.
    """
    names = _names(clusters)
    if clusters is None or len(names) < MIN_CLUSTERS or len(names) == len(values):
        few = clusters is not None and len(names) < MIN_CLUSTERS
        method = "bootstrap by case" + (f" (only {len(names)} clusters)" if few else "")
        ones = np.ones(len(values))
        return _percentile(np.asarray(values, float), ones, method, None, resamples)
    places = [names[name] for name in clusters]
    sums = np.asarray(np.bincount(places, weights=values), np.float64)
    counts = np.asarray(np.bincount(places), np.float64)
    return _percentile(sums, counts, "bootstrap by cluster", len(names), resamples)


def _names(clusters: Sequence[Hashable] | None) -> dict[Hashable, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(clusters or ()))}


def _percentile(
    sums: Floats, counts: Floats, method: str, clusters: int | None, resamples: int
) -> Interval:
    if len(sums) < 2:  # nothing to resample
        mean = float(sums.sum() / counts.sum())
        return Interval(mean, mean, "one case only", clusters)
    found = (
        _stats()
        .bootstrap(
            (sums, counts),
            lambda s, c, axis: s.sum(axis=axis) / c.sum(axis=axis),
            paired=True,
            vectorized=True,
            n_resamples=resamples,
            batch=BATCH,
            method="percentile",
            confidence_level=LEVEL,
            rng=np.random.default_rng(SEED),
        )
        .confidence_interval
    )
    return Interval(float(found.low), float(found.high), method, clusters)


@cache
def _expanded(n: int) -> float:
    """Returns the level at which n values' percentiles cover as Student's t would; 24: .962."""
    t = math.sqrt(n / (n - 1)) * _stats().t.ppf((1 + LEVEL) / 2, n - 1)
    return float(1 - 2 * _stats().norm.cdf(-t))


def interval(
    values: Sequence[float], clusters: Sequence[Hashable] | None, *, is_rate: bool
) -> Interval:
    """Returns the interval that a metric is reported with: Wilson's for a rate of 0s and 1s."""
    return wilson(round(sum(values)), len(values)) if is_rate else bootstrap(values, clusters)


def mcnemar(before: Sequence[float], after: Sequence[float], side: Side = "two-sided") -> float:
    """Returns the exact p-value of a change in 0/1 pairs; `less`: of `after` being lower."""
    gained = sum(b > a for a, b in zip(before, after, strict=True))
    lost = sum(b < a for a, b in zip(before, after, strict=True))
    if gained + lost == 0:
        return 1.0
    return float(_stats().binomtest(gained, gained + lost, alternative=side).pvalue)


def permutation(
    before: Sequence[float],
    after: Sequence[float],
    side: Side = "two-sided",
    *,
    resamples: int = RESAMPLES,
) -> float:
    """Returns the p-value of a mean change, by flipping the signs of the pairs' differences."""
    differences = np.asarray(after, float) - np.asarray(before, float)
    if not differences.any():
        return 1.0
    moved = differences[differences != 0]  # a zero keeps its place whatever its sign
    if len(moved) == 1:
        moved = np.append(moved, 0.0)  # scipy wants two
    found = _stats().permutation_test(
        (moved,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples - 1,
        batch=BATCH,
        alternative=side,
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def paired_p(
    before: Sequence[float], after: Sequence[float], *, is_rate: bool, side: Side = "two-sided"
) -> tuple[float, str]:
    """Returns the p-value of a change by case, and the test it is from."""
    if is_rate:
        return mcnemar(before, after, side), "McNemar, exact"
    return permutation(before, after, side), "permutation by case"


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns the p-values adjusted for having looked at all of them, in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def detectable(deviation: float, n: int, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Returns the smallest mean difference that n pairs show with this power, two-sided.

    `deviation` is the standard deviation of the pairs' differences; normal approximation.
    """
    normal = _stats().norm
    return float((normal.ppf(1 - alpha / 2) + normal.ppf(power)) * deviation / math.sqrt(n))


def rank_auc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Returns the chance that a positive scores above a negative, ties half; None without both."""
    if not positive or not negative:
        return None
    found = _stats().mannwhitneyu(positive, negative).statistic
    return float(found) / (len(positive) * len(negative))


def aurc(confidences: Sequence[float], wrong: Sequence[float]) -> float:
    """Returns the area under risk–coverage: the mean risk over every coverage; ties share theirs.

    Geifman and El-Yaniv 2017; `wrong` holds 0 or 1 for each case.
    """
    return float(_areas(*_by_confidence(confidences, wrong))[0])


def aurc_interval(confidences: Sequence[float], wrong: Sequence[float]) -> Interval:
    """Returns its percentile interval, by case."""
    order, groups = _by_confidence(confidences, wrong)
    rng, n = np.random.default_rng(SEED), len(order)
    areas = [
        _areas(order, groups, rng.multinomial(n, [1 / n] * n, size=BATCH).astype(float))
        for _ in range(RESAMPLES // BATCH)
    ]
    low, high = np.percentile(np.concatenate(areas), [2.5, 97.5])
    return Interval(float(low), float(high), "bootstrap by case")


def _by_confidence(
    confidences: Sequence[float], wrong: Sequence[float]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Returns what is wrong, surest first, and which of them are equally sure (0, 0, 1, …)."""
    sure = np.asarray(confidences, float)
    order = np.argsort(-sure, kind="stable")
    _, groups = np.unique(-sure[order], return_inverse=True)
    return np.asarray(wrong, float)[order], groups.astype(np.int64)


def _areas(risks: Floats, groups: npt.NDArray[np.int64], weights: Floats | None = None) -> Floats:
    """Returns the area of each row of weights (r, n): of the cases as they are without any."""
    weighed = np.ones((1, len(risks))) if weights is None else weights
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    held = np.add.reduceat(weighed, starts, axis=1)
    failed = np.add.reduceat(weighed * risks, starts, axis=1)
    reached = np.cumsum(held, axis=1)
    risk = np.divide(
        np.cumsum(failed, axis=1), reached, out=np.zeros_like(reached), where=reached > 0
    )
    return np.asarray((risk * held).sum(axis=1) / held.sum(axis=1))
