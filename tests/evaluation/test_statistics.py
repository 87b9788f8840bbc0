"""Intervals have their nominal coverage, tests their nominal error rate; full counts in soak."""

import math
import os

import numpy as np
import pytest
from scipy import stats

from rag.evaluation.statistics import (
    aurc,
    aurc_interval,
    bootstrap_interval,
    detectable_difference,
    holm_adjust,
    mcnemar_p,
    permutation_p,
    wilson_interval,
)

SOAK = bool(os.environ.get("SOAK"))
TRIALS = 2_000 if SOAK else 200
SLACK = 0.0 if SOAK else 0.03  # a short simulation is itself this uncertain


def covers(coverage: float) -> bool:
    return 0.93 - SLACK <= coverage <= 0.97 + SLACK


def test_wilson_is_that_of_the_textbook() -> None:
    """10 of 20: centre .5, z = 1.96, by the formula of Wilson 1927."""
    z, n, p = stats.norm.ppf(0.975), 20, 0.5
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    interval = wilson_interval(10, 20)
    assert (interval.low, interval.high) == pytest.approx((0.5 - half, 0.5 + half))


@pytest.mark.parametrize("successes", [0, 1, 30])
def test_wilson_stays_within_0_and_1_and_is_never_empty(successes: int) -> None:
    interval = wilson_interval(successes, 30)
    assert 0 <= interval.low < interval.high <= 1


def test_a_constant_metric_has_a_narrow_interval_and_no_nan() -> None:
    interval = bootstrap_interval([0.5] * 40)
    assert (interval.low, interval.high) == (0.5, 0.5)
    assert bootstrap_interval([0.5]).low == 0.5


def test_the_same_values_give_the_same_interval() -> None:
    values = list(np.random.default_rng(1).random(50))
    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_few_clusters_are_not_resampled_and_the_method_says_so() -> None:
    interval = bootstrap_interval([0.0, 1.0] * 20, ["a", "b"] * 20)
    assert interval.clusters is None
    assert "only 2 clusters" in interval.method


def test_enough_clusters_widen_the_interval_of_cases_that_go_together() -> None:
    rng = np.random.default_rng(3)
    values = np.repeat(rng.random(24), 10)
    clusters = [str(number) for number in np.repeat(range(24), 10)]
    grouped, alone = bootstrap_interval(list(values), clusters), bootstrap_interval(list(values))
    assert grouped.clusters == 24
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


@pytest.mark.parametrize("p", [0.6, 0.8, 0.9])
@pytest.mark.parametrize("n", [60, 852])
def test_wilson_covers_95_percent(p: float, n: int) -> None:
    """Exactly: the binomial's mass where the interval holds p."""
    coverage = [stats.binom.pmf(k, n, p) for k in range(n + 1) if _covers(k, n, p)]
    assert 0.93 <= sum(coverage) <= 0.97


def _covers(k: int, n: int, p: float) -> bool:
    interval = wilson_interval(k, n)
    return interval.low <= p <= interval.high


def f1_scores(rng: np.random.Generator, n: int) -> np.ndarray:
    """Scores as token F1 has them: many zeros, many ones, the rest between."""
    kind = rng.choice(3, size=n, p=[0.25, 0.45, 0.3])
    return np.where(kind == 0, 0.0, np.where(kind == 1, 1.0, rng.beta(2, 2, size=n)))


F1_MEAN = 0.45 + 0.3 * 0.5


def test_the_bootstrap_by_case_covers_95_percent() -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(TRIALS):
        interval = bootstrap_interval(
            list(f1_scores(rng, 200)), resamples=10_000 if SOAK else 2_000
        )
        hits += interval.low <= F1_MEAN <= interval.high
    assert covers(hits / TRIALS)


def test_the_bootstrap_by_24_clusters_covers_about_95_percent() -> None:
    rng = np.random.default_rng(12)
    clusters = [str(number) for number in np.repeat(range(24), 10)]
    hits = 0
    for _ in range(TRIALS):
        chance = np.repeat(rng.beta(6, 3, size=24), 10)  # some articles are easier
        luck = rng.random(240)
        values = np.where(luck < 0.6 * chance, 1.0, np.where(luck < chance, 0.5, 0.0))
        interval = bootstrap_interval(list(values), clusters)
        hits += interval.low <= 6 / 9 * 0.8 <= interval.high
    assert covers(hits / TRIALS)


def test_mcnemar_is_the_exact_binomial_of_the_pairs_that_differ() -> None:
    """5 lost, 1 gained: 2 · (1 + 6) / 64."""
    before = [1] * 5 + [0] + [1] * 10
    after = [0] * 5 + [1] + [1] * 10
    assert mcnemar_p(before, after) == pytest.approx(2 * 7 / 64)
    assert mcnemar_p(before, after, "less") == pytest.approx(7 / 64)
    assert mcnemar_p(before, before) == 1.0


def test_the_permutation_test_is_exact_for_few_pairs() -> None:
    """Four pairs, all higher: 2 of 16 sign patterns are as extreme."""
    assert permutation_p([0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]) == pytest.approx(2 / 16)


def test_the_permutation_test_agrees_with_scipys_t_test_on_many_pairs() -> None:
    rng = np.random.default_rng(5)
    before = rng.normal(0.5, 0.2, 300)
    after = before + rng.normal(0.02, 0.15, 300)
    assert permutation_p(before, after) == pytest.approx(
        stats.ttest_rel(after, before).pvalue, abs=0.02
    )


def test_holm_is_that_of_the_worked_example() -> None:
    """p = .01, .04, .03, .005 → .03, .06, .06, .02 (Holm's step-down with enforced order)."""
    assert holm_adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_adjust([]) == []
    assert holm_adjust([0.9, 0.8]) == [1.0, 1.0]


def test_the_detectable_difference_is_found_at_the_power_it_names() -> None:
    n, deviation = 200, 0.5
    size = detectable_difference(deviation, n)
    rng = np.random.default_rng(8)
    samples = rng.normal(size, deviation, (1_000, n))
    is_significant = stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05
    assert is_significant.mean() == pytest.approx(0.8, abs=0.04)


def test_risk_coverage_area_by_hand() -> None:
    """Surest right, then wrong, then right: risks 0, 1/2, 1/3."""
    assert aurc([0.9, 0.8, 0.7], [0, 1, 0]) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_equal_confidences_share_their_risk() -> None:
    assert aurc([0.5, 0.5, 0.5, 0.5], [0, 1, 1, 1]) == pytest.approx(0.75)
    assert aurc([0.5, 0.5], [1, 0]) == aurc([0.5, 0.5], [0, 1])


def test_a_better_order_of_confidences_has_a_smaller_area() -> None:
    wrong = [0] * 30 + [1] * 10
    sure = list(np.linspace(1, 0, 40))
    assert aurc(sure, wrong) < aurc(sure[::-1], wrong)
    around = aurc_interval(sure, wrong)
    assert around.low <= aurc(sure, wrong) <= around.high


@pytest.mark.parametrize("n", [32, 852])
@pytest.mark.parametrize("is_rate", [True, False])
def test_a_gate_on_identical_noisy_systems_alarms_in_5_percent_at_most(
    n: int, is_rate: bool
) -> None:
    """Both systems are right with the case's own probability, and differ by luck alone."""
    rng = np.random.default_rng(n + is_rate)
    trials = 2_000 if SOAK else 100
    alarms = 0
    for _ in range(trials):
        chance = rng.beta(2, 0.7, size=n)
        before = rng.random(n) < chance if is_rate else rng.normal(chance, 0.2)
        after = rng.random(n) < chance if is_rate else rng.normal(chance, 0.2)
        fall = float(np.mean(before, dtype=float) - np.mean(after, dtype=float))
        old, new = list(before.astype(float)), list(after.astype(float))
        p = (
            mcnemar_p(old, new, "less")
            if is_rate
            else permutation_p(old, new, "less", resamples=500)
        )
        alarms += fall > 0.02 and p < 0.05
    assert alarms / trials <= 0.05 + (0.0 if SOAK else 0.04)


def test_one_changed_pair_is_not_significant() -> None:
    assert permutation_p([0.5, 1.0, 0.0], [0.5, 0.5, 0.0]) == 1.0
    assert permutation_p([0.5, 1.0, 0.0], [0.5, 0.5, 0.0], "less") == 0.5
