"""Confidence intervals, paired significance tests, and the detectable difference of a case set.

Wilson 1927 for rates; percentile bootstrap otherwise, over clusters if there are at least 20
(fewer cover far less than 95 %: 84 % with 5, 91 % with 10). McNemar's exact test or a paired
permutation test for differences, Holm 1979 for several. All from scipy, seeded.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import import_extra

RESAMPLES = 10_000
MIN_CLUSTERS = 20
SEED = 20_260
LEVEL = 0.95
BATCH = 500

Floats = npt.NDArray[np.float64]
Side = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval and its method; `clusters` is None if cases were resampled one by one."""

    low: float
    high: float
    method: str
    clusters: int | None = None


@cache
def _stats() -> Any:  # Any: scipy ships no types
    return import_extra("scipy.stats")


def wilson_interval(successes: int, n: int) -> Interval:
    """Returns Wilson's interval of a rate; n must be 1 or more."""
    ci = _stats().binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    return Interval(float(ci.low), float(ci.high), "wilson")


def bootstrap_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
) -> Interval:
    """Returns the percentile interval of the mean, resampling clusters if there are 20 or more.

    With fewer it resamples cases, and its method says so.
    """
    index = {name: number for number, name in enumerate(dict.fromkeys(clusters or ()))}
    groups: Sequence[int] = range(len(values))
    is_clustered = clusters is not None and MIN_CLUSTERS <= len(index) < len(values)
    method = "bootstrap by cluster" if is_clustered else "bootstrap by case"
    if clusters is not None and len(index) < MIN_CLUSTERS:
        method += f" (only {len(index)} clusters)"
    elif clusters is not None and is_clustered:
        groups = [index[name] for name in clusters]
    sums = np.asarray(np.bincount(groups, weights=values), np.float64)
    counts = np.asarray(np.bincount(groups), np.float64)
    if len(sums) < 2:  # nothing to resample
        mean = float(sums.sum() / counts.sum())
        return Interval(mean, mean, "one case only")
    result = _stats().bootstrap(
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
    ci = result.confidence_interval
    return Interval(float(ci.low), float(ci.high), method, len(index) if is_clustered else None)


def metric_interval(
    values: Sequence[float], clusters: Sequence[Hashable] | None, *, is_rate: bool
) -> Interval:
    """Returns a metric's reported interval: Wilson's for a rate, else the bootstrap's."""
    if is_rate:
        return wilson_interval(round(sum(values)), len(values))
    return bootstrap_interval(values, clusters)


def mcnemar_p(before: Sequence[float], after: Sequence[float], side: Side = "two-sided") -> float:
    """Returns the exact p-value of a change in 0/1 pairs; `less` tests that `after` is lower."""
    gained = sum(b > a for a, b in zip(before, after, strict=True))
    lost = sum(b < a for a, b in zip(before, after, strict=True))
    if gained + lost == 0:
        return 1.0
    return float(_stats().binomtest(gained, gained + lost, alternative=side).pvalue)


def permutation_p(
    before: Sequence[float],
    after: Sequence[float],
    side: Side = "two-sided",
    *,
    resamples: int = RESAMPLES,
) -> float:
    """Returns the p-value of a change in the mean, by flipping the signs of the differences."""
    differences = np.asarray(after, float) - np.asarray(before, float)
    if not differences.any():
        return 1.0
    nonzero = differences[differences != 0]  # flipping the sign of a zero changes nothing
    if len(nonzero) == 1:
        nonzero = np.append(nonzero, 0.0)  # scipy requires two
    result = _stats().permutation_test(
        (nonzero,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples - 1,
        batch=BATCH,
        alternative=side,
        rng=np.random.default_rng(SEED),
    )
    return float(result.pvalue)


def paired_p(
    before: Sequence[float], after: Sequence[float], *, is_rate: bool, side: Side = "two-sided"
) -> tuple[float, str]:
    """Returns the p-value of a change by case, and the name of the test."""
    if is_rate:
        return mcnemar_p(before, after, side), "McNemar, exact"
    return permutation_p(before, after, side), "permutation by case"


def holm_adjust(p_values: Sequence[float]) -> list[float]:
    """Returns the p-values adjusted for multiple comparisons (Holm), in the given order."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def detectable_difference(
    deviation: float, n: int, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Returns the smallest mean difference that n pairs detect with this power, two-sided.

    `deviation` is the standard deviation of the pairs' differences; normal approximation.
    """
    normal = _stats().norm
    return float((normal.ppf(1 - alpha / 2) + normal.ppf(power)) * deviation / math.sqrt(n))


def roc_auc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Returns the probability that a positive scores above a negative; None without both."""
    if not positive or not negative:
        return None
    u = _stats().mannwhitneyu(positive, negative).statistic
    return float(u) / (len(positive) * len(negative))


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Returns Cohen's kappa (1960), -1 to 1; 1 if both always give the same single label."""
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    counts, other_counts = Counter(first), Counter(second)
    expected = sum(counts[label] * other_counts[label] for label in counts) / n**2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def aurc(confidences: Sequence[float], errors: Sequence[float]) -> float:
    """Returns the area under the risk-coverage curve; equal confidences share their risk.

    Geifman and El-Yaniv 2017; `errors` has 0 or 1 per case.
    """
    return float(_areas(*_by_confidence(confidences, errors))[0])


def aurc_interval(confidences: Sequence[float], errors: Sequence[float]) -> Interval:
    """Returns its percentile interval, by case."""
    risks, groups = _by_confidence(confidences, errors)
    rng, n = np.random.default_rng(SEED), len(risks)
    areas = [
        _areas(risks, groups, rng.multinomial(n, [1 / n] * n, size=BATCH).astype(float))
        for _ in range(RESAMPLES // BATCH)
    ]
    low, high = np.percentile(np.concatenate(areas), [2.5, 97.5])
    return Interval(float(low), float(high), "bootstrap by case")


def _by_confidence(
    confidences: Sequence[float], errors: Sequence[float]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Returns the errors, most confident first, and the group of equal confidence of each."""
    confidence = np.asarray(confidences, float)
    order = np.argsort(-confidence, kind="stable")
    _, groups = np.unique(-confidence[order], return_inverse=True)
    return np.asarray(errors, float)[order], groups.astype(np.int64)


def _areas(risks: Floats, groups: npt.NDArray[np.int64], weights: Floats | None = None) -> Floats:
    """Returns the area for each row of weights (r, n); without weights, that of the cases."""
    rows = np.ones((1, len(risks))) if weights is None else weights
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    counts = np.add.reduceat(rows, starts, axis=1)
    errors = np.add.reduceat(rows * risks, starts, axis=1)
    reached = np.cumsum(counts, axis=1)
    risk = np.divide(
        np.cumsum(errors, axis=1), reached, out=np.zeros_like(reached), where=reached > 0
    )
    return np.asarray((risk * counts).sum(axis=1) / counts.sum(axis=1))
