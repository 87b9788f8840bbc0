"""Whether a run is good enough: floors under its figures, and no fall that chance cannot explain.

A gate that looked at the bare difference of two runs would alarm on 12 to 44 % of identical noisy
systems (measured November 2026), so it also wants a one-sided p below .05.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .compare import ALPHA, paired, values_of
from .errors import ConditionMalformed
from .metrics import registry as table
from .metrics.registry import HEADLINE
from .metrics.score import Scored
from .statistics import paired_p
from .summary import Figure

_CONDITION = re.compile(r"\s*([a-z0-9_@]+)\s*>=\s*(\d*\.?\d+)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a gate wants of one run: a metric's value, or its lower bound, to reach a floor."""

    metric: str
    floor: float
    bound: Literal["value", "low"]


@dataclass(frozen=True, slots=True)
class Breach:
    """A condition that does not hold, in words, and the cases to look at."""

    said: str
    cases: tuple[str, ...]


def condition(text: str, bound: Literal["value", "low"]) -> Condition:
    """Returns the condition of a text like `answer_cited>=0.8`; raises ConditionMalformed."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ConditionMalformed(f"{text!r} is no condition; write for example {HEADLINE}>=0.8")
    return Condition(match[1], float(match[2]), bound)


def breaches(
    wanted: Sequence[Condition], figures: Mapping[str, Figure], scored: Sequence[Scored]
) -> list[Breach]:
    """Returns the conditions that a run does not meet; raises ConditionMalformed on a metric."""
    found = []
    for one in wanted:
        figure = figures.get(one.metric)
        if figure is None:
            raise ConditionMalformed(f"the run has no metric {one.metric!r}")
        reached = figure.value if one.bound == "value" else figure.low
        if reached is None or reached < one.floor:
            which = "" if one.bound == "value" else "the lower bound of "
            said = f"{which}{one.metric} is {reached:.4f}, under {one.floor:g}"
            worst = [s.sample.case.id for s in scored if s.values.get(one.metric, 1.0) < 1.0]
            found.append(Breach(said, tuple(worst)))
    return found


def regression(
    before: Sequence[Scored],
    after: Sequence[Scored],
    *,
    metric: str,
    most: float,
    common: bool,
) -> Breach | None:
    """Returns what a gate objects to: a fall of more than `most` that chance does not explain."""
    pairs, _ = paired(before, after, common=common)
    old, new, _ = values_of(metric, pairs)
    if not old:
        raise ConditionMalformed(f"the runs have no metric {metric!r} in common")
    better = table.metric(metric).higher_is_better
    sign = 1.0 if better else -1.0
    fall = sign * float(np.mean(old) - np.mean(new))
    is_rate = table.metric(metric).unit == "rate"
    p, test = paired_p(old, new, is_rate=is_rate, side="less" if better else "greater")
    if not (fall > most and p < ALPHA):
        return None
    broken = [b.sample.case.id for a, b in pairs if _fell(a, b, metric, sign)]
    said = f"{metric} went from {np.mean(old):.4f} to {np.mean(new):.4f} (p = {p:.2g}, {test})"
    return Breach(said, tuple(broken))


def _fell(a: Scored, b: Scored, metric: str, sign: float) -> bool:
    both = metric in a.values and metric in b.values
    return both and sign * (b.values[metric] - a.values[metric]) < 0
