"""100 questions over 232 sections of product documentation: MRR, precision, recall, F1.

python -m tests.benchmarks.measure.anthropic_docs [--data-dir DIR]

One file per section, from the retrieval guide of the Anthropic cookbook. Sections are ranked by
their best passage; the guide's figures are for the top three. Embeds for a minute the first time.
Needs ../shared.
"""

import argparse
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.types import Hit
from tests.benchmarks.gold import SHARED
from tests.benchmarks.harness import (
    RANKINGS,
    candidate_pool,
    open_index,
    print_table,
    rank_by,
    write_corpus,
)

FOLDER = SHARED / "data" / "anthropic-docs"
TOP = 3
COLUMNS = ("MRR", "MRR of hits", "P@3", "R@3", "F1@3", "hit@1")


def read(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((FOLDER / name).read_text("utf-8"))
    return entries


def file_name(link: str) -> str:
    """Returns the file of a section, named after its page and anchor."""
    return re.sub(r"[^\w-]+", "_", link.split("/en/", 1)[-1]) + ".md"


def section(entry: dict[str, Any]) -> str:
    """Returns the section as markdown: its first line, which names it, is the heading."""
    heading, text = entry["chunk_heading"], entry["text"]
    return f"# {heading}\n\n{text.removeprefix(heading).strip()}\n"


def reciprocal(paths: Sequence[str], relevant: set[str]) -> float:
    return next((1 / rank for rank, path in enumerate(paths, 1) if path in relevant), 0.0)


def figures(hits: Sequence[Hit], relevant: set[str]) -> tuple[float, ...]:
    """Returns the MRR of sections and of hits, precision and recall at 3, and hit@1."""
    paths = [hit.source.path for hit in hits]
    sections = list(dict.fromkeys(paths))
    retrieved = len(relevant & set(sections[:TOP]))
    return (
        reciprocal(sections, relevant),
        reciprocal(paths, relevant),
        retrieved / TOP,
        retrieved / len(relevant),
        float(sections[0] in relevant),
    )


def means(rows: Sequence[tuple[float, ...]]) -> list[float]:
    """Returns the columns of the table; F1 is of the mean precision and recall, as in the guide."""
    mrr, hits, precision, recall, first = (
        statistics.mean(column) for column in zip(*rows, strict=True)
    )
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return [mrr, hits, precision, recall, f1, first]


def main() -> None:
    """Syncs, retrieves and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    data_dir = parser.parse_args().data_dir
    corpus = data_dir / "corpora" / "anthropic-docs"
    sections = read("anthropic_docs.json")
    write_corpus(corpus, {file_name(entry["chunk_link"]): section(entry) for entry in sections})
    questions = read("docs_evaluation_dataset.json")
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    with open_index(corpus, data_dir, "anthropic-docs") as (components, generation):
        for entry in questions:
            relevant = {file_name(link) for link in entry["correct_chunks"]}
            hits = candidate_pool(components, generation, entry["question"]).hits
            for name, score in RANKINGS.items():
                rows[name].append(figures(rank_by(hits, score), relevant))
    print_table(
        f"{len(questions)} questions", COLUMNS, {name: means(row) for name, row in rows.items()}
    )


if __name__ == "__main__":
    main()
