"""The report as markdown and as JUnit XML, and the formats of values in every report."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from ..metrics.registry import HEADLINE, get_metric
from ..metrics.score import FAILURES, ScoredSample
from ..run import Json
from ..summary import RunResults

MAX_LISTED_IDS = 20
_XML_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AGREEMENTS = (("kappa", "kappa"), ("auc", "AUC"), ("auc_faithfulness", "AUC of faithfulness"))

MetricJson = Mapping[str, Any]  # Any: a metric in the summary's JSON


def format_value(metric: MetricJson) -> str:
    """Returns a value with its interval: `0.874 [0.851, 0.894]`."""
    if metric["value"] is None:
        return "–"
    digits = ".4g" if metric["unit"] in ("tokens", "currency") else ".3f"
    value, low, high = (format(metric[key], digits) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def format_method(metric: MetricJson) -> str:
    """Returns the interval's method, and the second interval if there is one."""
    text = str(metric["method"])
    for key, label in (("clustered", "by cluster"), ("by_case", "by case")):
        if other := metric.get(key):
            clusters = f" ({other['clusters']})" if other["clusters"] else ""
            text += f"; {label}{clusters} [{other['low']:.3f}, {other['high']:.3f}]"
    return text


def format_percent(share: float | None) -> str:
    """Returns a share as a percentage with one decimal."""
    return "–" if share is None else f"{share * 100:.1f} %"


def format_p(p: float) -> str:
    """Returns a p-value with two significant digits."""
    return "< .0001" if p < 0.0001 else f"{p:.2g}"


def format_target(config: Mapping[str, Any]) -> str:
    """Returns what was measured, in a few words."""
    kind = str(config.get("target", "?"))
    name = f" {config[kind]}" if kind in ("url", "attribute") and config.get(kind) else ""
    return f"{kind}{name}" + (f", answers by {model}" if (model := config.get("model")) else "")


def format_corpus(summary: Mapping[str, Any]) -> str:
    """Returns over which articles it was measured, as far as that is known."""
    state = summary["config"].get("sources_sha256")
    parts = [summary.get("about"), f"state {state[:12]}" if state else None]
    return ", ".join(filter(None, parts)) or "those of the target"


def format_judge(judge: Mapping[str, Any] | None) -> str:
    """Returns the judge and its agreement with people; empty without a judge."""
    if judge is None:
        return ""
    text = f"judged by {judge['model']} ({judge['prompts']})"
    agreement = judge["agreement"]
    if agreement is None:
        return f"{text}; agreement with people was not measured"
    values = [f"{agreement[k]:.2f} {label}" for k, label in _AGREEMENTS if agreement[k] is not None]
    return f"{text}; agreement with people: {', '.join(values)}, n {agreement['n']}"


def render_markdown(results: RunResults) -> str:
    """Returns the whole report: the headline, the failures, then every metric."""
    summary = results.summary
    sections = [_head(summary), _failures(summary, results.scored), _metrics(summary)]
    if summary["by_tag"]:
        sections.append(_tags(summary))
    sections += [_latency(summary), _definitions(summary)]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(summary: Json) -> Iterator[str]:
    yield f"# Evaluation of {format_target(summary['config'])}"
    yield ""
    if headline := summary["metrics"].get(HEADLINE):
        yield f"**{HEADLINE} {format_value(headline)}** over {headline['n']} cases."
    if summary["detectable"] is not None:
        yield (
            "Two systems with independent errors must differ by at least "
            f"{summary['detectable']:.3f} for these cases to show it (80 % power)."
        )
    if summary["done"] < summary["cases"]:
        yield f"\n**Incomplete: {summary['done']} of {summary['cases']} cases.**"
    if errors := summary["failures"]["error"]:
        yield f"\n**{len(errors)} cases failed with an error and count as wrong.**"
    if unlocated := summary["unlocated"]:
        yield (
            f"\nThe evidence of {len(unlocated)} cases is not in the target's sources and counts "
            f"as missed: {_id_list(unlocated)}"
        )


def _id_list(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_LISTED_IDS} more" if len(ids) > MAX_LISTED_IDS else ""
    return ", ".join(escape_cell(name) for name in ids[:MAX_LISTED_IDS]) + more


def escape_cell(text: str) -> str:
    """Returns the text on one line with markdown escaped, for a table cell."""
    plain = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~" else char for char in plain)


def _failures(summary: Json, scored: Sequence[ScoredSample]) -> Iterator[str]:
    yield "## Failures\n\n| class | cases | meaning | ids |\n|---|---:|---|---|"
    for name, ids in summary["failures"].items():
        yield f"| {name} | {len(ids)} | {FAILURES[name]} | {_id_list(ids)} |"
    correct = sum(s.failure is None for s in scored)
    yield f"\n{correct} of {len(scored)} cases are correct."


def _metrics(summary: Json) -> Iterator[str]:
    yield "## Metrics\n\n| metric | value | n | failed | interval |\n|---|---|---:|---:|---|"
    for name, metric in summary["metrics"].items():
        judge = f"; {format_judge(summary['judge'])}" if name.startswith("judge") else ""
        yield (
            f"| {name} | {format_value(metric)} | {metric['n']} | {metric['n_failed']} "
            f"| {format_method(metric)}{escape_cell(judge)} |"
        )


def _tags(summary: Json) -> Iterator[str]:
    by_tag: Mapping[str, Mapping[str, MetricJson]] = summary["by_tag"]
    names = list(dict.fromkeys(name for metrics in by_tag.values() for name in metrics))
    yield f"## By tag\n\n| tag | {' | '.join(names)} |\n|---|{'---|' * len(names)}"
    for tag, metrics in by_tag.items():
        cells = (
            f"{format_value(metrics[n])} (n {metrics[n]['n']})" if n in metrics else "–"
            for n in names
        )
        yield f"| {escape_cell(tag)} | {' | '.join(cells)} |"


def _latency(summary: Json) -> Iterator[str]:
    yield "## Latency\n\n| stage | p50 ms | p95 ms | mean ms |\n|---|---:|---:|---:|"
    for stage, ms in summary["timing"].items():
        yield f"| {escape_cell(stage)} | {ms['p50_ms']} | {ms['p95_ms']} | {ms['mean_ms']} |"


def _definitions(summary: Json) -> Iterator[str]:
    yield "## Definitions\n"
    yield from (f"- **{rule}**: {text}" for rule, text in summary["match_rules"].items())
    yield from (f"- `{name}`: {get_metric(name).definition}" for name in summary["metrics"])
    yield (
        f"\nConfiguration `{summary['config_sha256'][:12]}`, cases "
        f"`{summary['data_sha256'][:12]}`, created {summary['created_at']}."
    )


def render_junit(results: RunResults) -> str:
    """Returns JUnit XML with one test case per case, so that any CI shows the failures."""
    scored = results.scored
    errors = sum(s.failure == "error" for s in scored)
    suite = ElementTree.Element(
        "testsuite",
        name=f"footnote eval {results.summary['config_sha256'][:12]}",
        tests=str(len(scored)),
        failures=str(sum(s.failure is not None for s in scored) - errors),
        errors=str(errors),
        time=_seconds(scored),
    )
    for s in scored:
        _add_testcase(suite, s)
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_testcase(suite: ElementTree.Element, s: ScoredSample) -> None:
    case, response = s.sample.case, s.sample.response
    element = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_xml_safe(case.tags[0] if case.tags else "case"),
        name=_xml_safe(f"{case.id}: {case.question}"),
        time=_seconds([s]),
    )
    if s.failure is None:
        return
    kind = "error" if s.failure == "error" else "failure"
    child = ElementTree.SubElement(element, kind, type=s.failure, message=FAILURES[s.failure])
    actual = s.sample.error if response is None else response.answer
    expected = " | ".join(case.answers) if case.answerable else "a refusal"
    child.text = _xml_safe(f"expected: {expected}\nanswered: {actual}")


def _seconds(scored: Sequence[ScoredSample]) -> str:
    return f"{sum(s.sample.wall_ms for s in scored) / 1000:.3f}"


def _xml_safe(text: str) -> str:
    """Replaces the characters that XML does not allow."""
    return _XML_FORBIDDEN.sub("�", text)
