"""Main content of forty generated web pages: recall and furniture, ours beside trafilatura.

    python -m tests.benchmarks.measure.webpages [--each]

The pages are served on loopback and fetched. Recall is the share of the marked sentences, rows and
headings that were kept; furniture the share of menus, banners, forms and the like in what was kept.
resiliparse is compared as well where it is installed.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from index.formats.html import extract_html
from tests.support.web_pages import KINDS, PAGES, Score, score, served

Extract = Callable[[bytes], str]


def extractors() -> dict[str, Extract]:
    """Returns the extractors that are installed, ours first."""
    found: dict[str, Extract] = {"footnote": lambda data: extract_html(data).text}
    if trafilatura := _import("trafilatura"):
        found["trafilatura"] = lambda data: trafilatura.extract(data) or ""
        found["trafilatura, recall"] = lambda data: (
            trafilatura.extract(data, favor_recall=True, include_tables=True) or ""
        )
    if resiliparse := _import("resiliparse.extract.html2text"):
        found["resiliparse"] = lambda data: resiliparse.extract_plain_text(
            data.decode(), main_content=True
        )
    return found


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        print(f"{name.partition('.')[0]} is not installed: pip install it to compare with it")
        return None


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--each", action="store_true", help="print each page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address:
        fetched = [httpx.get(f"{address}/{page.name}").content for page in PAGES]
    print(f"{'':22}{'recall':>10}{'worst':>8}{'furniture':>11}{'worst':>8}{'ms/page':>9}")
    for name, extract in extractors().items():
        started = time.process_time()
        texts = [extract(data) for data in fetched]
        took = (time.process_time() - started) * 1000 / len(PAGES)
        scores = [score(page, text) for page, text in zip(PAGES, texts, strict=True)]
        print_row(name, scores, f"{took:9.1f}")
        for kind in KINDS:
            of_kind = [s for page, s in zip(PAGES, scores, strict=True) if page.kind == kind]
            print_row(f"  {kind}", of_kind, "")
        if options.each:
            for page, one in zip(PAGES, scores, strict=True):
                print_row(f"    {page.name}", [one], "")


def print_row(name: str, scores: list[Score], rest: str) -> None:
    """Prints the means of some pages and the worst of them."""
    recalls, wastes = [s.recall for s in scores], [s.furniture for s in scores]
    print(
        f"{name:22}{statistics.mean(recalls):10.3f}{min(recalls):8.2f}"
        f"{statistics.mean(wastes):11.3f}{max(wastes):8.2f}{rest}"
    )


if __name__ == "__main__":
    main()
