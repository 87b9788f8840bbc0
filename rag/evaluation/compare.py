"""Two runs over the same cases: what changed, its significance, which cases flipped; the CI gate.

Differences are paired by case; intervals and tests as in `statistics`, Holm's adjustment over all
metrics. A gate on the bare difference of two runs would fail on 12 to 44 % of identical noisy
systems (measured November 2026), so it also requires a one-sided p below .05.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .errors import CasesDiffer, ConditionMalformed
from .metrics.registry import HEADLINE, get_metric, sort_key
from .metrics.score import Failure, ScoredSample
from .statistics import (
    Interval,
    bootstrap_interval,
    detectable_difference,
    holm_adjust,
    paired_p,
)
from .summary import MetricSummary

ALPHA = 0.05
_CONDITION = re.compile(r"\s*([a-z0-9_@]+)\s*>=\s*(\d*\.?\d+)\s*")

Pair = tuple[ScoredSample, ScoredSample]


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One metric in both runs, paired by case; `delta` is after minus before.

    `p_holm` is adjusted for all compared metrics; `by_case` accompanies a clustered interval;
    `detectable` is the smallest difference that these pairs detect at 80 % power.
    """

    metric: str
    before: float
    after: float
    delta: float
    interval: Interval
    by_case: Interval | None
    n: int
    p: float
    p_holm: float
    test: str
    detectable: float

    @property
    def is_significant(self) -> bool:
        """Whether the change is significant after the adjustment."""
        return self.p_holm < ALPHA


@dataclass(frozen=True, slots=True)
class CaseFlip:
    """A case with its failure class in both runs; None: correct."""

    id: str
    question: str
    before: Failure | None
    after: Failure | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, the headline first, and the cases that are not correct in both runs."""

    changes: tuple[MetricChange, ...]
    fixed: tuple[CaseFlip, ...]
    broken: tuple[CaseFlip, ...]
    still_broken: tuple[CaseFlip, ...]
    left_out: int

    def change(self, name: str) -> MetricChange:
        """Returns the change of one metric; raises KeyError."""
        return {change.metric: change for change in self.changes}[name]


def pair_samples(
    before: Sequence[ScoredSample], after: Sequence[ScoredSample], *, common: bool
) -> tuple[list[Pair], int]:
    """Returns the cases of both runs, and the number of cases that only one has.

    Raises CasesDiffer if the runs have different cases, unless `common`.
    """
    sample_by_id = {s.sample.case.id: s for s in before}
    pairs = [(sample_by_id[i], s) for s in after if (i := s.sample.case.id) in sample_by_id]
    same = [(a, b) for a, b in pairs if a.sample.case == b.sample.case]
    left_out = len(before) + len(after) - 2 * len(same)
    if left_out and not common:
        raise CasesDiffer(
            f"the runs have different cases ({len(before)} and {len(after)}, {len(same)} in "
            "common); add --common to compare those"
        )
    if not same:
        raise CasesDiffer("the runs have no case in common")
    return same, left_out


def compare_runs(
    before: Sequence[ScoredSample],
    after: Sequence[ScoredSample],
    *,
    common: bool = False,
    metrics: Sequence[str] = (),
) -> Comparison:
    """Returns what changed in the named metrics, or else in all that both runs have."""
    pairs, left_out = pair_samples(before, after, common=common)
    shared = {name for a, b in pairs for name in a.values.keys() & b.values.keys()}
    if unknown := set(metrics) - shared:
        raise ConditionMalformed(f"the runs share no metric {' or '.join(sorted(unknown))}")
    changes = [_change(name, pairs) for name in sorted(set(metrics) or shared, key=sort_key)]
    adjusted = holm_adjust([change.p for change in changes])
    flips = [
        CaseFlip(a.sample.case.id, a.sample.case.question, a.failure, b.failure) for a, b in pairs
    ]
    return Comparison(
        changes=tuple(replace(c, p_holm=p) for c, p in zip(changes, adjusted, strict=True)),
        fixed=tuple(f for f in flips if f.before and not f.after),
        broken=tuple(f for f in flips if f.after and not f.before),
        still_broken=tuple(f for f in flips if f.before and f.after),
        left_out=left_out,
    )


def _with_metric(name: str, pairs: Sequence[Pair]) -> list[Pair]:
    return [(a, b) for a, b in pairs if name in a.values and name in b.values]


def _change(name: str, pairs: Sequence[Pair]) -> MetricChange:
    applicable = _with_metric(name, pairs)
    old = [a.values[name] for a, _ in applicable]
    new = [b.values[name] for _, b in applicable]
    differences = [b - a for a, b in zip(old, new, strict=True)]
    p, test = paired_p(old, new, is_rate=get_metric(name).unit == "rate")
    interval = bootstrap_interval(differences, [a.sample.case.cluster for a, _ in applicable])
    return MetricChange(
        metric=name,
        before=float(np.mean(old)),
        after=float(np.mean(new)),
        delta=float(np.mean(differences)),
        interval=interval,
        by_case=bootstrap_interval(differences) if interval.clusters else None,
        n=len(differences),
        p=p,
        p_holm=p,
        test=test,
        detectable=detectable_difference(float(np.std(differences)), len(differences)),
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """A floor under a metric's value, or under the lower bound of its interval."""

    metric: str
    floor: float
    bound: Literal["value", "low"]


@dataclass(frozen=True, slots=True)
class Breach:
    """A condition that does not hold: a message, and the ids of the cases to look at."""

    message: str
    cases: tuple[str, ...]


def parse_condition(text: str, bound: Literal["value", "low"]) -> Condition:
    """Returns the condition of a text like `answer_cited>=0.8`; raises ConditionMalformed."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ConditionMalformed(f"invalid condition {text!r}; write for example {HEADLINE}>=0.8")
    return Condition(match[1], float(match[2]), bound)


def check_floors(
    conditions: Sequence[Condition],
    metrics: Mapping[str, MetricSummary],
    scored: Sequence[ScoredSample],
) -> list[Breach]:
    """Returns the conditions that a run violates; raises ConditionMalformed on a metric."""
    breaches = []
    for condition in conditions:
        name = condition.metric
        metric = metrics.get(name)
        if metric is None:
            raise ConditionMalformed(f"the run has no metric {name!r}")
        actual = metric.value if condition.bound == "value" else metric.low
        if actual is None or actual < condition.floor:
            subject = name if condition.bound == "value" else f"the lower bound of {name}"
            message = f"{subject} is {actual:.4f}, below {condition.floor:g}"
            ids = [s.sample.case.id for s in scored if s.values.get(name, 1.0) < 1.0]
            breaches.append(Breach(message, tuple(ids)))
    return breaches


def check_regression(
    before: Sequence[ScoredSample],
    after: Sequence[ScoredSample],
    *,
    metric: str,
    max_regression: float,
    common: bool,
) -> Breach | None:
    """Returns a breach if the metric fell by more than allowed and the fall is significant."""
    pairs = _with_metric(metric, pair_samples(before, after, common=common)[0])
    if not pairs:
        raise ConditionMalformed(f"the runs share no metric {metric!r}")
    old, new = [a.values[metric] for a, _ in pairs], [b.values[metric] for _, b in pairs]
    definition = get_metric(metric)
    sign, verb = (1.0, "fell") if definition.higher_is_better else (-1.0, "rose")
    p, test = paired_p(
        old,
        new,
        is_rate=definition.unit == "rate",
        side="less" if definition.higher_is_better else "greater",
    )
    if not (sign * float(np.mean(old) - np.mean(new)) > max_regression and p < ALPHA):
        return None
    worse = [b for a, b in pairs if sign * (b.values[metric] - a.values[metric]) < 0]
    message = f"{metric} {verb} from {np.mean(old):.4f} to {np.mean(new):.4f} (p = {p:.2g}, {test})"
    return Breach(message, tuple(b.sample.case.id for b in worse))
