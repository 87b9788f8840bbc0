"""The report as one HTML file that needs nothing else: figures, charts, a drawer for each case.

Everything from cases and answers is escaped by jinja2, and what could hide or steer is shown as
an escape. Passages of right answers are cut short so that hundreds of cases stay a few megabytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Any

from index.text.sanitize import escape_unsafe
from index.types import Span

from ..compare import Comparison
from ..extra import needed
from ..metrics.match import merged
from ..metrics.ranking import finds
from ..metrics.registry import HEADLINE, metric
from ..metrics.score import FAILURES, Scored
from ..results import Passage, Sample
from ..summary import Results, confident
from . import charts, words

FULL_CHARS = 900
SHORT_CHARS = 180
BUDGET = 3_600_000
"""Characters that all passages together may take, so that the page stays under 5 MB."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage: plain, gold evidence, cited, or both."""

    text: str
    is_gold: bool
    is_cited: bool


def html(results: Results, comparison: Comparison | None = None) -> str:
    """Returns the page; with a comparison it begins with what broke and what was fixed."""
    jinja2 = needed("jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.finalize = lambda value: (
        escape_unsafe(value) if type(value) is str else value  # not markup, which is ours
    )
    template = environment.from_string(
        files(__package__).joinpath("report.html.j2").read_text("utf-8")
    )
    return str(template.render(**_context(results, comparison, jinja2)))


def _context(results: Results, comparison: Comparison | None, jinja2: Any) -> dict[str, Any]:
    markup = jinja2.utils.markupsafe.Markup
    summary, scored = results.summary, results.scored
    names = list(dict.fromkeys(n for held in summary["by_tag"].values() for n in held))
    scale = _scale(scored)
    return {
        "summary": summary,
        "title": words.target(summary["config"]),
        "headline": summary["metrics"].get(HEADLINE),
        "headline_name": HEADLINE,
        "comparison": comparison,
        "failures": FAILURES,
        "right": sum(s.failure is None for s in scored),
        "words": words,
        "metric": metric,
        "tag_metrics": names,
        "charts": [(name, markup(svg)) for name, svg in _charts(results)],
        "drawers": [(s, list(_passages(s, scale))) for s in _ordered(scored)],
    }


def _ordered(scored: Sequence[Scored]) -> list[Scored]:
    """The failures first, class by class, then what is right."""
    order = [*FAILURES, None]
    return sorted(scored, key=lambda s: order.index(s.failure))


def _scale(scored: Sequence[Scored]) -> float:
    """Returns the share of the lengths at which all passages keep to the budget."""
    wanted = sum(min(len(p.text), _longest(s, p)) for s in scored for p in _found(s.sample))
    return min(1.0, BUDGET / wanted) if wanted else 1.0


def _longest(s: Scored, passage: Passage) -> int:
    return FULL_CHARS if s.failure and passage.rank <= 5 else SHORT_CHARS


def _found(sample: Sample) -> tuple[Passage, ...]:
    return (sample.response.passages or ()) if sample.response else ()


def _passages(s: Scored, scale: float) -> Iterator[tuple[Passage, bool, list[Piece]]]:
    for passage in _found(s.sample):
        is_gold = any(finds(passage, item) for item in s.sample.gold)
        yield passage, is_gold, pieces(s.sample, passage, int(_longest(s, passage) * scale))


def pieces(sample: Sample, passage: Passage, chars: int) -> list[Piece]:
    """Returns the passage in stretches, cut to so many characters around what is marked."""
    gold = [span for g in sample.gold if g.source == passage.source for span in g.spans]
    citations = (sample.response.citations or ()) if sample.response else ()
    cited = [c.span for c in citations if c.source == passage.source]
    marked = [span for span in merged([*gold, *cited]) if _meets(span, passage.span)]
    first = max(passage.start, marked[0][0] - chars // 6) if marked else passage.start
    last = min(passage.end, first + max(chars, 40))
    edges = {first, last}
    edges |= {at for span in (*gold, *cited) for at in span if first < at < last}
    ordered = sorted(edges)
    found = [
        Piece(
            passage.text[start - passage.start : end - passage.start],
            any(_holds(span, start, end) for span in gold),
            any(_holds(span, start, end) for span in cited),
        )
        for start, end in pairwise(ordered)
    ]
    before = [Piece("… ", False, False)] if first > passage.start else []
    after = [Piece(" …", False, False)] if last < passage.end else []
    return [*before, *found, *after]


def _meets(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _holds(span: Span, start: int, end: int) -> bool:
    return span[0] <= start and end <= span[1]


def _charts(results: Results) -> Iterator[tuple[str, str]]:
    summary, scored = results.summary, results.scored
    counts = {name: len(ids) for name, ids in summary["failures"].items()}
    if any(counts.values()):
        yield "Failures by cause", charts.bars("failures", counts, x="cases")
    recall = _recall(summary["metrics"])
    if recall:
        yield (
            "Evidence found within the first k passages",
            charts.lines("recall", recall, x="k", y="recall@k", whole_x=True),
        )
    if pairs := sorted(confident(scored), key=lambda pair: -pair[0]):
        shares, risks, wrong = [], [], 0.0
        for number, (_, is_wrong) in enumerate(pairs, start=1):
            wrong += is_wrong
            shares.append(number / len(scored))
            risks.append(wrong / number)
        yield (
            "Risk–coverage: share wrong among the surest answers",
            charts.lines(
                "risk", {"": (shares, risks)}, x="share of all cases answered", y="risk", steps=True
            ),
        )
    latencies = sorted(s.sample.wall_ms for s in scored)
    if latencies:
        shares = [number / len(latencies) for number in range(1, len(latencies) + 1)]
        yield (
            "Latency: share of cases done within a time",
            charts.lines(
                "latency", {"": (latencies, shares)}, x="ms", y="share", steps=True, log_x=True
            ),
        )


def _recall(metrics: dict[str, Any]) -> dict[str, tuple[list[float], list[float]]]:
    levels = {"file": "file_recall@", "passage": "recall@", "characters": "span_recall@"}
    found = {}
    for level, stem in levels.items():
        at = {
            int(n.removeprefix(stem)): f["value"] for n, f in metrics.items() if n.startswith(stem)
        }
        if at:
            found[level] = (list(map(float, at)), list(at.values()))
    return found
