"""The report's charts, as SVG that follows the page's colours; drawn by matplotlib, no display.

Text stays text, black becomes the page's own colour, and ids are prefixed by the chart's name,
since all charts share one page.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..extra import needed

ACCENT = "#3b7dbd"
_SIZE = (4.8, 2.9)
_STYLE = {
    "svg.fonttype": "none",
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


def lines(
    name: str,
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: str,
    y: str,
    unit_y: bool = True,
    steps: bool = False,
    log_x: bool = False,
    whole_x: bool = False,
) -> str:
    """Returns a chart of the series' (x, y); `unit_y` shows 0 to 1."""

    def draw(axes: Any) -> None:
        for number, (label, (xs, ys)) in enumerate(series.items()):
            style: dict[str, Any] = {"drawstyle": "steps-post"} if steps else {"marker": "o"}
            style |= {"markersize": 3, "color": f"C{number}", "label": label}
            axes.plot(xs, ys, **style)
        if unit_y:
            axes.set_ylim(0, 1.02)
        if log_x:
            axes.set_xscale("log")
            for axis_format in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
                axis_format("{x:g}")
        else:
            axes.xaxis.get_major_locator().set_params(integer=whole_x)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        if len(series) > 1:
            axes.legend(frameon=False)

    return _svg(name, draw)


def bars(name: str, counts: Mapping[str, int], *, x: str) -> str:
    """Returns a chart of horizontal bars with their numbers, the first on top."""

    def draw(axes: Any) -> None:
        names = list(counts)[::-1]
        made = axes.barh(names, [counts[key] for key in names], color=ACCENT)
        axes.bar_label(made, padding=3)
        axes.grid(visible=False)
        axes.set_xlabel(x)
        axes.margins(x=0.12)

    return _svg(name, draw)


def _svg(name: str, draw: Any) -> str:  # Any: matplotlib's own callbacks
    matplotlib = needed("matplotlib")
    figures = needed("matplotlib.figure")
    with matplotlib.rc_context(_STYLE):
        figure = figures.Figure(figsize=_SIZE, layout="constrained")
        draw(figure.subplots())
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(name, out.getvalue())


def _inlined(name: str, svg: str) -> str:
    """Returns the svg element alone, scalable, in the page's colour, with ids of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id=")', rf"\g<1>{name}-", svg)
    svg = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'<svg (.*?)width="[^"]*"', r'<svg \1width="100%"', svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'height="[\d.]+pt"', "", svg, count=1)
    return svg.replace("#000000", "currentColor").replace("stroke: #b0b0b0", "stroke: currentColor")
