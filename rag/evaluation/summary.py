"""A run's samples → its summary: every metric with its interval, by tag, and the failures.

Everything except `timing` and `created_at` depends only on the samples, so a run that was killed
and resumed has the same summary as an uninterrupted one.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from .judge import PROMPTS, judge_model, judged_values, stored_agreement
from .metrics.ranking import CUTOFFS
from .metrics.registry import HEADLINE, SHOWN_BY_TAG, get_metric, sort_key
from .metrics.score import FAILURES, ScoredSample, TokenPrices, score_sample
from .run import SCHEMA, Json, Run
from .statistics import (
    Interval,
    aurc,
    aurc_interval,
    bootstrap_interval,
    detectable_difference,
    metric_interval,
)

MATCH_RULES = {
    "answer": "SQuAD normalization (lower case, no punctuation, no articles), whole words, the "
    "best gold answer counts; citation markers are removed",
    "span": "two spans match if they share half of either; offsets are Unicode code points",
    "evidence": "quotes are located verbatim in the target's text of the source, at every "
    "occurrence; a quote that is not there counts as missed",
    "error": "counts as wrong wherever the gold decides that the case counts",
}
_PACKAGES = ("footnote", "scipy", "numpy", "chromadb", "tantivy", "llama-index-core")


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric over several cases; `value` and the bounds are None if it applies to none.

    `clustered` is the interval by cluster in addition to Wilson's, `by_case` the one by case in
    addition to the clustered one.
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

    def to_json(self) -> Json:
        """Returns the JSON object, without absent intervals."""
        optional = ("clustered", "by_case")
        return {k: v for k, v in asdict(self).items() if not (k in optional and v is None)}


@dataclass(frozen=True, slots=True)
class RunResults:
    """A run's scored samples, and its summary as JSON."""

    scored: tuple[ScoredSample, ...]
    summary: Json


def summarize(run: Run, *, prices: TokenPrices | None = None) -> RunResults:
    """Returns the results of a run, as far as it has completed."""
    scored, metadata, judge = score_run(run, prices=prices), run.metadata, judge_model(run)
    tags = sorted({tag for s in scored for tag in s.sample.case.tags})
    summary: Json = {
        "schema": SCHEMA,
        "headline": HEADLINE,
        "cases": len(metadata["cases"]),
        "done": len(scored),
        "metrics": _to_json(summarize_metrics(scored)),
        "detectable": _detectable(scored),
        "by_tag": {
            tag: _to_json(
                summarize_metrics([s for s in scored if tag in s.sample.case.tags], SHOWN_BY_TAG)
            )
            for tag in tags
        },
        "failures": {
            name: [s.sample.case.id for s in scored if s.failure == name] for name in FAILURES
        },
        "unlocated": [
            s.sample.case.id for s in scored if any(not item.spans for item in s.sample.gold)
        ],
        "match_rules": MATCH_RULES,
        "judge": judge and {"model": judge, "prompts": PROMPTS, "agreement": stored_agreement(run)},
        "about": metadata.get("about"),
        "config": metadata["config"],
        "config_sha256": metadata["config_sha256"],
        "data_sha256": metadata["data_sha256"],
        "versions": _versions(),
        "timing": _latency(scored),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return RunResults(scored, summary)


def _to_json(metrics: Mapping[str, MetricSummary]) -> Json:
    return {name: metric.to_json() for name, metric in metrics.items()}


def score_run(run: Run, *, prices: TokenPrices | None = None) -> tuple[ScoredSample, ...]:
    """Returns a run's samples with their metrics, the judge's included, in case order."""
    # To 5, and to 10 if 10 passages are requested: a target that returns fewer is not excused.
    max_k = max(5, run.metadata["config"].get("top_k") or 5)
    ks = [k for k in CUTOFFS if k <= max_k]
    samples = run.samples()
    judged = judged_values(run, samples)
    scored = [score_sample(sample, ks=ks, prices=prices) for sample in samples]
    return tuple(
        replace(s, values={**s.values, **judged.get(s.sample.case.id, {})}) for s in scored
    )


def summarize_metrics(
    scored: Sequence[ScoredSample], names: Iterable[str] | None = None
) -> dict[str, MetricSummary]:
    """Returns each metric that applies to some case, in report order."""
    available = {name for s in scored for name in s.values}
    selected = available if names is None else available & set(names)
    metrics = {name: _summarize(name, scored) for name in sorted(selected, key=sort_key)}
    if names is None and (area := _aurc(scored)):
        metrics["aurc"] = area
    return metrics


def _summarize(name: str, scored: Sequence[ScoredSample]) -> MetricSummary:
    applicable = [s for s in scored if name in s.values]
    values = [s.values[name] for s in applicable]
    clusters = [s.sample.case.cluster for s in applicable]
    unit = get_metric(name).unit
    is_rate = unit == "rate"
    interval = metric_interval(values, clusters, is_rate=is_rate)
    clustered = bootstrap_interval(values, clusters) if is_rate else interval
    return MetricSummary(
        value=sum(values) / len(values),
        low=interval.low,
        high=interval.high,
        n=len(values),
        n_failed=sum(s.sample.response is None for s in applicable),
        method=interval.method,
        unit=unit,
        clustered=clustered if is_rate and clustered.clusters else None,
        by_case=bootstrap_interval(values) if interval.clusters else None,
    )


def _aurc(scored: Sequence[ScoredSample]) -> MetricSummary | None:
    pairs = confidence_and_error(scored)
    if not pairs:
        return None
    confidences, errors = zip(*pairs, strict=True)
    interval = aurc_interval(confidences, errors)
    value = aurc(confidences, errors)
    return MetricSummary(
        value, interval.low, interval.high, len(pairs), 0, interval.method, "score"
    )


def confidence_and_error(scored: Sequence[ScoredSample]) -> list[tuple[float, float]]:
    """Returns (confidence, 1 if not correct) of each case that was answered with a confidence."""
    return [
        (r.confidence, float(s.failure is not None))
        for s in scored
        if (r := s.sample.response) and r.answered and r.confidence is not None
    ]


def _detectable(scored: Sequence[ScoredSample]) -> float | None:
    """Returns the smallest difference of the headline that these cases detect at 80 % power.

    For two systems with independent errors, which is the worst case.
    """
    values = [s.values[HEADLINE] for s in scored if HEADLINE in s.values]
    if not values:
        return None
    rate = sum(values) / len(values)
    return detectable_difference((2 * rate * (1 - rate)) ** 0.5, len(values))


def _latency(scored: Sequence[ScoredSample]) -> Json:
    """Returns milliseconds by stage: median, 95th percentile, mean; `wall` is the client's view."""
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


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
