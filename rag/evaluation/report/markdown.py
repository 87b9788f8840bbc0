"""The report as markdown: the headline first, then what failed, then every figure."""

from collections.abc import Sequence

from ..metrics.registry import HEADLINE, metric
from ..metrics.score import FAILURES, Scored
from ..run_store import Json
from ..summary import Results
from . import words

LISTED = 20
"""How many cases of each failure are named."""


def markdown(results: Results) -> str:
    """Returns the whole report."""
    summary = results.summary
    parts = [_head(summary), _failures(summary, results.scored), _metrics(summary)]
    if summary["by_tag"]:
        parts.append(_tags(summary))
    parts += [_timing(summary), _rules(summary)]
    return "\n\n".join(parts) + "\n"


def _head(summary: Json) -> str:
    lines = [f"# Evaluation of {words.target(summary['config'])}", ""]
    if headline := summary["metrics"].get(HEADLINE):
        lines.append(f"**{HEADLINE} {words.value(headline)}** over {headline['n']} cases")
    if summary["detectable"] is not None:
        lines[-1] += (
            f"; two systems whose errors are independent must differ by "
            f"{summary['detectable']:.3f} for this set to show it (80 % power)"
        )
    if summary["done"] < summary["cases"]:
        lines += ["", f"**Unfinished: {summary['done']} of {summary['cases']} cases.**"]
    if errors := summary["failures"]["error"]:
        lines += ["", f"**{len(errors)} cases failed with an error and count as wrong.**"]
    if lost := summary["unlocated"]:
        lines += [
            "",
            f"The evidence of {len(lost)} cases is not in the target's sources, so it counts as "
            f"missed: {_ids(lost)}",
        ]
    return "\n".join(lines)


def _ids(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - LISTED} more" if len(ids) > LISTED else ""
    return ", ".join(cell(name) for name in ids[:LISTED]) + more


def cell(text: str) -> str:
    """Returns a text that stays within its table cell and is not taken for markup."""
    plain = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~" else char for char in plain)


def _failures(summary: Json, scored: Sequence[Scored]) -> str:
    lines = ["## Failures", "", "| class | cases | what it means | which |", "|---|---:|---|---|"]
    for name, ids in summary["failures"].items():
        lines.append(f"| {name} | {len(ids)} | {FAILURES[name]} | {_ids(ids)} |")
    right = sum(s.failure is None for s in scored)
    return "\n".join([*lines, "", f"{right} of {len(scored)} cases are right."])


def _metrics(summary: Json) -> str:
    lines = [
        "## Metrics",
        "",
        "| metric | value | n | failed | interval |",
        "|---|---|---:|---:|---|",
    ]
    for name, figure in summary["metrics"].items():
        judged = f"; {words.judge(summary['judge'])}" if name.startswith("judge") else ""
        lines.append(
            f"| {name} | {words.value(figure)} | {figure['n']} | {figure['n_failed']} "
            f"| {words.beside(figure)}{cell(judged)} |"
        )
    return "\n".join(lines)


def _tags(summary: Json) -> str:
    names = list(next(iter(summary["by_tag"].values())))
    for held in summary["by_tag"].values():
        names += [name for name in held if name not in names]
    lines = [
        "## By tag",
        "",
        "| tag | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for tag, held in summary["by_tag"].items():
        cells = [f"{words.value(held[n])} (n {held[n]['n']})" if n in held else "–" for n in names]
        lines.append(f"| {cell(tag)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _timing(summary: Json) -> str:
    lines = ["## Time", "", "| stage | p50 ms | p95 ms | mean ms |", "|---|---:|---:|---:|"]
    for stage, held in summary["timing"].items():
        lines.append(f"| {cell(stage)} | {held['p50_ms']} | {held['p95_ms']} | {held['mean_ms']} |")
    return "\n".join(lines)


def _rules(summary: Json) -> str:
    lines = ["## Definitions", ""]
    lines += [f"- **{rule}**: {text}" for rule, text in summary["match_rules"].items()]
    lines += [f"- `{name}`: {metric(name).definition}" for name in summary["metrics"]]
    lines += ["", f"Configuration `{summary['config_sha256'][:12]}`, "]
    lines[-1] += f"cases `{summary['data_sha256'][:12]}`, made {summary['created_at']}."
    return "\n".join(lines)
