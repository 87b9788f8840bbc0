"""A run's results → HTML for people, markdown, JUnit XML for CI, and JSON."""

import json

from ..compare import Comparison
from ..run import Run
from ..summary import RunResults
from .html import render_html
from .markdown import render_junit, render_markdown


def write_reports(run: Run, results: RunResults, comparison: Comparison | None = None) -> None:
    """Writes summary.json, report.md, junit.xml and report.html, each atomically."""
    run.write_file("summary.json", json.dumps(results.summary, indent=1, ensure_ascii=True) + "\n")
    run.write_file("report.md", render_markdown(results))
    run.write_file("junit.xml", render_junit(results))
    run.write_file("report.html", render_html(results, comparison))
