"""The report as one self-contained HTML file: metrics, charts, and the details of every case.

jinja2 escapes everything from cases and answers; invisible and bidirectional control characters
are shown as escapes. Passages of correct answers are shortened so that hundreds of cases stay a
few megabytes. matplotlib draws the charts as SVG in the page's colours, without a display.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import Any

from index.text.sanitize import escape_unsafe
from index.types import Span

from ..compare import Comparison
from ..errors import import_extra
from ..metrics.matching import matches_evidence, merge_spans, overlap_chars
from ..metrics.registry import HEADLINE, get_metric
from ..metrics.score import FAILURES, ScoredSample
from ..results import Passage, Sample
from ..summary import RunResults, confidence_and_error
from . import markdown

FULL_CHARS = 900
SHORT_CHARS = 180
MAX_PASSAGE_CHARS = 3_600_000
"""Characters of all passages together, so that the page stays under 5 MB."""

_ACCENT = "#3b7dbd"
_CHART_SIZE = (4.8, 2.9)
_CHART_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "footnote",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "text.color": "#000000",
    "axes.labelcolor": "#000000",
    "xtick.color": "#000000",
    "ytick.color": "#000000",
    "axes.edgecolor": "#000000",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a passage: plain, gold evidence, cited, or both."""

    text: str
    is_gold: bool = False
    is_cited: bool = False


def render_html(results: RunResults, comparison: Comparison | None = None) -> str:
    """Returns the page; with a comparison it starts with the broken and fixed cases."""
    jinja2 = import_extra("jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.finalize = lambda value: (
        escape_unsafe(value) if type(value) is str else value  # Markup is the report's own
    )
    markup = jinja2.utils.markupsafe.Markup
    summary, scored = results.summary, results.scored
    scale = _passage_scale(scored)
    order = [*FAILURES, None]  # failures first, class by class
    template = files(__package__).joinpath("report.html.j2").read_text("utf-8")
    page = environment.from_string(template).render(
        summary=summary,
        title=markdown.format_target(summary["config"]),
        corpus=markdown.format_corpus(summary),
        headline=summary["metrics"].get(HEADLINE),
        headline_name=HEADLINE,
        comparison=comparison,
        failures=FAILURES,
        correct=sum(s.failure is None for s in scored),
        fmt=markdown,
        get_metric=get_metric,
        tag_metrics=list(dict.fromkeys(n for tag in summary["by_tag"].values() for n in tag)),
        charts=[(caption, markup(svg)) for caption, svg in _charts(results)],
        cases=[
            (s, list(_passages(s, scale)))
            for s in sorted(scored, key=lambda s: order.index(s.failure))
        ],
    )
    return str(page)


def _passage_scale(scored: Sequence[ScoredSample]) -> float:
    """Returns the factor by which passages are shortened to keep to the maximum."""
    total = sum(min(len(p.text), _max_chars(s, p)) for s in scored for p in s.sample.passages)
    return min(1.0, MAX_PASSAGE_CHARS / total) if total else 1.0


def _max_chars(s: ScoredSample, passage: Passage) -> int:
    return FULL_CHARS if s.failure and passage.rank <= 5 else SHORT_CHARS


def _passages(s: ScoredSample, scale: float) -> Iterator[tuple[Passage, bool, list[Segment]]]:
    for passage in s.sample.passages:
        is_gold = any(matches_evidence(passage, item) for item in s.sample.gold)
        max_chars = int(_max_chars(s, passage) * scale)
        yield passage, is_gold, split_passage(s.sample, passage, max_chars)


def split_passage(sample: Sample, passage: Passage, max_chars: int) -> list[Segment]:
    """Returns the passage in segments, cut to `max_chars` around its evidence and citations."""
    gold = [span for g in sample.gold if g.path == passage.path for span in g.spans]
    cited = [c.span for c in sample.citations if c.path == passage.path]
    marked = [s for s in merge_spans([*gold, *cited]) if overlap_chars(s, passage.span)]
    first = max(passage.start, marked[0][0] - max_chars // 6) if marked else passage.start
    last = min(passage.end, first + max(max_chars, 40))
    edges = {first, last} | {at for span in (*gold, *cited) for at in span if first < at < last}
    segments = [
        Segment(
            passage.text[start - passage.start : end - passage.start],
            _is_inside(gold, start, end),
            _is_inside(cited, start, end),
        )
        for start, end in pairwise(sorted(edges))
    ]
    before = [Segment("… ")] if first > passage.start else []
    after = [Segment(" …")] if last < passage.end else []
    return [*before, *segments, *after]


def _is_inside(spans: Sequence[Span], start: int, end: int) -> bool:
    return any(span[0] <= start and end <= span[1] for span in spans)


Series = tuple[Sequence[float], Sequence[float]]


def _charts(results: RunResults) -> Iterator[tuple[str, str]]:
    """Yields (caption, SVG)."""
    summary, scored = results.summary, results.scored
    counts = {name: len(ids) for name, ids in summary["failures"].items()}
    if any(counts.values()):
        yield "Failures by cause", bar_chart("failures", counts, x_label="cases")
    if recall := _recall_by_level(summary["metrics"]):
        svg = line_chart("recall", recall, x_label="k", y_label="recall@k", integer_x=True)
        yield "Evidence in the first k passages", svg
    if pairs := sorted(confidence_and_error(scored), key=lambda pair: -pair[0]):
        n = range(1, len(pairs) + 1)
        coverage = [i / len(scored) for i in n]
        risks = [errors / i for i, errors in zip(n, accumulate(e for _, e in pairs), strict=True)]
        x_label, series = "share of all cases answered", {"": (coverage, risks)}
        svg = line_chart("risk", series, x_label=x_label, y_label="error rate", steps=True)
        yield "Risk-coverage curve: error rate among the most confident answers", svg
    if latencies := sorted(s.sample.wall_ms for s in scored):
        shares = [i / len(latencies) for i in range(1, len(latencies) + 1)]
        series = {"": (latencies, shares)}
        svg = line_chart("latency", series, x_label="ms", y_label="share", steps=True, log_x=True)
        yield "Latency: share of cases completed within a time", svg


def _recall_by_level(metrics: Mapping[str, Any]) -> dict[str, Series]:
    levels = {"file": "file_recall@", "passage": "recall@", "characters": "span_recall@"}
    series: dict[str, Series] = {}
    for level, stem in levels.items():
        if names := [name for name in metrics if name.startswith(stem)]:
            ks = [float(name.removeprefix(stem)) for name in names]
            series[level] = (ks, [metrics[name]["value"] for name in names])
    return series


def line_chart(
    name: str,
    series: Mapping[str, Series],
    *,
    x_label: str,
    y_label: str,
    steps: bool = False,
    log_x: bool = False,
    integer_x: bool = False,
) -> str:
    """Returns a chart of (x, y) series with y from 0 to 1."""

    def draw(axes: Any) -> None:
        for number, (label, (xs, ys)) in enumerate(series.items()):
            style: dict[str, Any] = {"drawstyle": "steps-post"} if steps else {"marker": "o"}
            style |= {"markersize": 3, "color": f"C{number}", "label": label}
            axes.plot(xs, ys, **style)
        axes.set_ylim(0, 1.02)
        if log_x:
            axes.set_xscale("log")
            for set_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
                set_formatter("{x:g}")
        else:
            axes.xaxis.get_major_locator().set_params(integer=integer_x)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if len(series) > 1:
            axes.legend(frameon=False)

    return _draw_svg(name, draw)


def bar_chart(name: str, counts: Mapping[str, int], *, x_label: str) -> str:
    """Returns a chart of horizontal bars with their counts, the first on top."""

    def draw(axes: Any) -> None:
        names = list(counts)[::-1]
        bars = axes.barh(names, [counts[key] for key in names], color=_ACCENT)
        axes.bar_label(bars, padding=3)
        axes.grid(visible=False)
        axes.set_xlabel(x_label)
        axes.margins(x=0.12)

    return _draw_svg(name, draw)


def _draw_svg(name: str, draw: Callable[[Any], None]) -> str:  # Any: matplotlib ships no types
    matplotlib = import_extra("matplotlib")
    with matplotlib.rc_context(_CHART_STYLE):
        figure = import_extra("matplotlib.figure").Figure(_CHART_SIZE, layout="constrained")
        draw(figure.subplots())
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inline_svg(name, out.getvalue())


def _inline_svg(name: str, svg: str) -> str:
    """Returns the bare svg element: scalable, black as the page's colour, ids prefixed by name."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id=")', rf"\g<1>{name}-", svg)
    svg = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'<svg (.*?)width="[^"]*"', r'<svg \1width="100%"', svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'height="[\d.]+pt"', "", svg, count=1)
    return svg.replace("#000000", "currentColor").replace("stroke: #b0b0b0", "stroke: currentColor")
