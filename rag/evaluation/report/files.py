"""Writes what a run's results are read as, into the run's folder."""

import json

from ..compare import Comparison
from ..run_store import Run
from ..summary import Results
from .html import html
from .junit import junit
from .markdown import markdown


def write(run: Run, results: Results, comparison: Comparison | None = None) -> None:
    """Writes summary.json, report.md, junit.xml and report.html, each whole or not at all."""
    run.write("summary.json", json.dumps(results.summary, indent=1, ensure_ascii=True) + "\n")
    run.write("report.md", markdown(results))
    run.write("junit.xml", junit(results))
    run.write("report.html", html(results, comparison))
