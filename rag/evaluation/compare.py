"""Two runs over the same cases: what changed, how sure that is, which cases flipped.

Differences are paired by case; intervals and tests as in `statistics`, Holm over all metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .errors import CasesDiffer, ConditionMalformed
from .metrics import registry as table
from .metrics.score import Failure, Scored
from .statistics import Interval, bootstrap, detectable, holm, paired_p

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """One metric in both runs, paired by case; `delta` is after minus before.

    `p_holm` is adjusted for all metrics looked at; `by_case` stands beside a clustered interval;
    `detectable` is the smallest difference that these pairs show at 80 % power.
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
    def is_sure(self) -> bool:
        """Whether the change stands after the adjustment."""
        return self.p_holm < ALPHA


@dataclass(frozen=True, slots=True)
class Flip:
    """A case that is right in one run and not in the other, with its class where it is not."""

    id: str
    question: str
    before: Failure | None
    after: Failure | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, the headline first, and the cases that flipped or stayed wrong."""

    changes: tuple[Change, ...]
    fixed: tuple[Flip, ...]
    broken: tuple[Flip, ...]
    still_broken: tuple[Flip, ...]
    left_out: int

    def change(self, name: str) -> Change:
        """Returns the change of one metric; raises KeyError."""
        return {change.metric: change for change in self.changes}[name]


Pair = tuple[Scored, Scored]


def paired(
    before: Sequence[Scored], after: Sequence[Scored], *, common: bool
) -> tuple[list[Pair], int]:
    """Returns the cases that both runs have, and how many only one has.

    Raises CasesDiffer where the runs were not asked the same, unless the common cases will do.
    """
    known = {s.sample.case.id: s for s in before}
    pairs = [(known[i], s) for s in after if (i := s.sample.case.id) in known]
    same = [(a, b) for a, b in pairs if a.sample.case == b.sample.case]
    left_out = len(before) + len(after) - 2 * len(same)
    if left_out and not common:
        raise CasesDiffer(
            f"the runs were not asked the same cases: {len(before)} and {len(after)}, "
            f"{len(same)} of them the same; --common compares those"
        )
    if not same:
        raise CasesDiffer("the runs have no case in common")
    return same, left_out


def compare(
    before: Sequence[Scored],
    after: Sequence[Scored],
    *,
    common: bool = False,
    only: Sequence[str] = (),
) -> Comparison:
    """Returns what changed; `only` names the metrics to look at, else all that both runs have."""
    pairs, left_out = paired(before, after, common=common)
    names = {name for a, b in pairs for name in a.values.keys() & b.values.keys()}
    if lacking := set(only) - names:
        raise ConditionMalformed(f"no metric of both runs is called {' or '.join(sorted(lacking))}")
    looked_at = sorted(set(only) or names, key=table.order)
    rows = [_change(name, pairs) for name in looked_at]
    adjusted = holm([row.p for row in rows])
    flips = [Flip(a.sample.case.id, a.sample.case.question, a.failure, b.failure) for a, b in pairs]
    return Comparison(
        changes=tuple(replace(row, p_holm=p) for row, p in zip(rows, adjusted, strict=True)),
        fixed=tuple(f for f in flips if f.before and not f.after),
        broken=tuple(f for f in flips if f.after and not f.before),
        still_broken=tuple(f for f in flips if f.before and f.after),
        left_out=left_out,
    )


def values_of(name: str, pairs: Sequence[Pair]) -> tuple[list[float], list[float], list[str]]:
    """Returns a metric's values before and after and the clusters, of the cases where both are."""
    having = [(a, b) for a, b in pairs if name in a.values and name in b.values]
    return (
        [a.values[name] for a, _ in having],
        [b.values[name] for _, b in having],
        [a.sample.case.cluster for a, _ in having],
    )


def _change(name: str, pairs: Sequence[Pair]) -> Change:
    old, new, clusters = values_of(name, pairs)
    differences = [b - a for a, b in zip(old, new, strict=True)]
    p, test = paired_p(old, new, is_rate=table.metric(name).unit == "rate")
    around = bootstrap(differences, clusters)
    return Change(
        metric=name,
        before=float(np.mean(old)),
        after=float(np.mean(new)),
        delta=float(np.mean(differences)),
        interval=around,
        by_case=bootstrap(differences) if around.clusters else None,
        n=len(differences),
        p=p,
        p_holm=p,
        test=test,
        detectable=detectable(float(np.std(differences)), len(differences)),
    )
