"""Chunks against 790 gold spans of 472 questions: characters recalled, and how few besides.

python -m tests.benchmarks.measure.chunking [--data-dir DIR]

Chroma's evaluation of chunking (Smith and Troynikov 2024) over five documents: a speech, wiki
texts, chat logs, 10-K filings and PubMed articles. Recall is the share of the gold characters that
the k best passages hold; IoU is what they share over what either holds. One k for all questions.
Embeds for some minutes once. Needs ../shared.
"""

import argparse
import csv
import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.types import Span
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

FOLDER = SHARED / "data" / "chunking-eval"
MAX_K = 15
TABLE_K = 5
"""The k of the tables by document and by signal: the product's own."""


@dataclass(frozen=True)
class Question:
    """A question with the file that answers it and the gold spans there."""

    text: str
    source: str
    spans: tuple[Span, ...]


def questions(path: Path) -> list[Question]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Question(
                text=line["question"],
                source=f"{line['corpus_id']}.md",
                spans=tuple(
                    (gold["start_index"], gold["end_index"])
                    for gold in json.loads(line["references"])
                ),
            )
            for line in csv.DictReader(file)
        ]


def figures(question: Question, hits: Sequence[Hit]) -> tuple[float, float, float]:
    """Returns recall, precision and IoU of the hits' characters."""
    gold = {place for start, end in question.spans for place in range(start, end)}
    held = sum(hit.chunk.end - hit.chunk.start for hit in hits)
    own = [hit.chunk for hit in hits if hit.source.path == question.source]
    both = len(gold & {place for chunk in own for place in range(chunk.start, chunk.end)})
    return both / len(gold), both / held if held else 0.0, both / (len(gold) + held - both)


def mean_figures(asked: Sequence[Question], found: Sequence[Sequence[Hit]], k: int) -> list[float]:
    """Returns the mean figures of the k best hits of each question."""
    rows = [figures(question, hits[:k]) for question, hits in zip(asked, found, strict=True)]
    return [statistics.mean(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Syncs, asks and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    data_dir = parser.parse_args().data_dir
    corpus = data_dir / "corpora" / "chunking-eval"
    write_corpus(
        corpus,
        {file.name: file.read_bytes().decode() for file in (FOLDER / "corpora").glob("*.md")},
    )
    asked = questions(FOLDER / "questions_df.csv")
    by_weights: dict[str, list[list[Hit]]] = defaultdict(list)
    with open_index(corpus, data_dir, "chunking-eval") as (components, generation):
        for question in asked:
            hits = candidate_pool(components, generation, question.text).hits
            for name, worth in RANKINGS.items():
                by_weights[name].append(rank_by(hits, worth)[:MAX_K])
    columns = ("recall", "precision", "IoU")
    fitted = by_weights["fitted"]
    rows = {f"k = {k}": mean_figures(asked, fitted, k) for k in range(1, MAX_K + 1)}
    print_table(f"{len(asked)} questions, fitted", columns, rows)
    documents: dict[str, list[float]] = {}
    for source in sorted({question.source for question in asked}):
        own = [place for place, question in enumerate(asked) if question.source == source]
        pairs = [asked[place] for place in own], [fitted[place] for place in own]
        documents[f"{source} ({len(own)})"] = mean_figures(*pairs, TABLE_K)
    print_table(f"k = {TABLE_K}, by document", columns, documents)
    signals = {name: mean_figures(asked, found, TABLE_K) for name, found in by_weights.items()}
    print_table(f"k = {TABLE_K}, by signal", columns, signals)


if __name__ == "__main__":
    main()
