"""Samples → the summary: every metric with its interval, by tag, the failures, what was run.

Everything but `timing` and `created_at` depends on the samples alone, so a run that was killed and
resumed has the same summary as one that was not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .judge import PROMPTS, agreement_of, judge_of, judged
from .metrics import registry as table
from .metrics.ranking import KS
from .metrics.registry import HEADLINE
from .metrics.score import FAILURES, Prices, Scored, score
from .run_store import SCHEMA, Json, Run
from .statistics import Interval, aurc, aurc_interval, bootstrap, detectable, interval

MATCH_RULES = {
    "answer": "SQuAD normalisation (lower case, no punctuation, no articles), whole words, best "
    "of the gold answers; citation markers removed",
    "span": "two spans match when they share half of either; offsets are Unicode code points",
    "evidence": "quotes are located verbatim in the target's text of the source, at every place "
    "they stand; one that is not there cannot be found and counts as missed",
    "error": "counts as wrong wherever the gold decides that the case counts",
}
_PACKAGES = ("footnote", "scipy", "numpy", "chromadb", "tantivy", "llama-index-core")


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric over some cases; `value` and the bounds are None where no case has it.

    `clustered` is the interval by cluster beside Wilson's, `by_case` the one by case beside the
    clustered one: both are said wherever they differ.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_failed: int
    method: str
    unit: str
    clustered: Interval | None = None
    by_case: Interval | None = None

    def as_json(self) -> Json:
        """Returns the JSON object, without what it does not have."""
        found = asdict(self)
        for name in ("clustered", "by_case"):
            if found[name] is None:
                del found[name]
        return found


@dataclass(frozen=True, slots=True)
class Results:
    """A run's samples, scored, and its summary as JSON."""

    scored: tuple[Scored, ...]
    summary: Json


def summarise(run: Run, *, prices: Prices | None = None) -> Results:
    """Returns the results of a run as far as it is."""
    scored, about = scored_of(run, prices=prices), run.about
    summary: Json = {
        "schema": SCHEMA,
        "headline": HEADLINE,
        "cases": len(about["cases"]),
        "done": len(scored),
        "metrics": {name: f.as_json() for name, f in figures(scored).items()},
        "detectable": _detectable(scored),
        "by_tag": {
            tag: {name: f.as_json() for name, f in figures(held, table.SHOWN_BY_TAG).items()}
            for tag, held in by_tag(scored).items()
        },
        "failures": {
            name: [s.sample.case.id for s in scored if s.failure == name] for name in FAILURES
        },
        "unlocated": [
            s.sample.case.id for s in scored if any(not item.spans for item in s.sample.gold)
        ],
        "match_rules": MATCH_RULES,
        "judge": _judge(run),
        "config": about["config"],
        "config_sha256": about["config_sha256"],
        "data_sha256": about["data_sha256"],
        "versions": dict(_versions()),
        "timing": timing(scored),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Results(scored, summary)


def _judge(run: Run) -> Json | None:
    """Who judged, by which prompts, and how far people agree; None where nobody did."""
    model = judge_of(run)
    if model is None:
        return None
    return {"model": model, "prompts": PROMPTS, "agreement": agreement_of(run)}


def scored_of(run: Run, *, prices: Prices | None = None) -> tuple[Scored, ...]:
    """Returns a run's samples with their figures, the judge's among them, in the cases' order."""
    ks = depths(run.about["config"])
    samples = run.samples()
    verdicts = judged(run, samples)
    return tuple(
        _with(score(sample, ks=ks, prices=prices), verdicts.get(sample.case.id, {}))
        for sample in samples
    )


def depths(config: Mapping[str, Any]) -> tuple[int, ...]:
    """Returns the depths of the ranking metrics: to 5, and to 10 where 10 passages are asked for.

    A target that returns fewer is not excused from the deeper ones.
    """
    deepest = max(5, config.get("top_k") or 5)
    return tuple(k for k in KS if k <= deepest)


def figures(scored: Sequence[Scored], names: Iterable[str] | None = None) -> dict[str, Figure]:
    """Returns each metric that some case has, with its interval, in the table's order."""
    held = {name for s in scored for name in s.values}
    wanted = held if names is None else held & set(names)
    found = {name: _figure(name, scored) for name in sorted(wanted, key=table.order)}
    return found | ({"aurc": area} if names is None and (area := _aurc(scored)) else {})


def _figure(name: str, scored: Sequence[Scored]) -> Figure:
    having = [s for s in scored if name in s.values]
    values = [s.values[name] for s in having]
    clusters = [s.sample.case.cluster for s in having]
    metric = table.metric(name)
    is_rate = metric.unit == "rate"
    main = interval(values, clusters, is_rate=is_rate)
    grouped = bootstrap(values, clusters) if is_rate else main
    return Figure(
        value=sum(values) / len(values),
        low=main.low,
        high=main.high,
        n=len(values),
        n_failed=sum(s.sample.response is None for s in having),
        method=main.method,
        unit=metric.unit,
        clustered=grouped if is_rate and grouped.clusters else None,
        by_case=bootstrap(values) if main.clusters else None,
    )


def _aurc(scored: Sequence[Scored]) -> Figure | None:
    pairs = confident(scored)
    if not pairs:
        return None
    sure, wrong = zip(*pairs, strict=True)
    around = aurc_interval(sure, wrong)
    value = aurc(sure, wrong)
    return Figure(value, around.low, around.high, len(pairs), 0, around.method, "score")


def confident(scored: Sequence[Scored]) -> list[tuple[float, float]]:
    """Returns (confidence, 1 if wrong) of each case that was answered with a confidence."""
    return [
        (r.confidence, float(s.failure is not None))
        for s in scored
        if (r := s.sample.response) and r.answered and r.confidence is not None
    ]


def by_tag(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Returns the cases of each tag, tags in the order of the alphabet."""
    tags = sorted({tag for s in scored for tag in s.sample.case.tags})
    return {tag: [s for s in scored if tag in s.sample.case.tags] for tag in tags}


def _detectable(scored: Sequence[Scored]) -> float | None:
    """The smallest difference of the headline that these cases show at 80 % power.

    For two systems that err independently of each other, which is the worst case.
    """
    values = [s.values[HEADLINE] for s in scored if HEADLINE in s.values]
    if not values:
        return None
    rate = sum(values) / len(values)
    return detectable((2 * rate * (1 - rate)) ** 0.5, len(values))


def timing(scored: Sequence[Scored]) -> Json:
    """Returns milliseconds by stage: median, 95th percentile and mean; `wall` is seen from here."""
    import numpy as np

    stages: dict[str, list[float]] = {}
    for s in scored:
        stages.setdefault("wall", []).append(s.sample.wall_ms)
        for stage, ms in (s.sample.response.timings_ms if s.sample.response else {}).items():
            stages.setdefault(stage, []).append(ms)
    return {
        stage: {
            "p50_ms": round(float(np.percentile(ms, 50)), 1),
            "p95_ms": round(float(np.percentile(ms, 95)), 1),
            "mean_ms": round(float(np.mean(ms)), 1),
            "n": len(ms),
        }
        for stage, ms in sorted(stages.items())
    }


def _versions() -> Iterable[tuple[str, str]]:
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _with(scored: Scored, more: Mapping[str, float]) -> Scored:
    return Scored(scored.sample, {**scored.values, **more}, scored.failure) if more else scored
