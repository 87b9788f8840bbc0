"""Chunking: recall, precision and IoU of characters against 790 gold spans of 472 questions.

python -m tests.benchmarks.measure.chunking [--data-dir DIR]

Chroma's evaluation of chunking (Smith and Troynikov 2024) over five documents: a speech, wiki
texts, chat logs, 10-K filings and PubMed articles. Recall is the share of gold characters in the
top k passages, IoU intersection over union. One k for all questions. Embeds for some minutes the
first time. Needs ../shared.
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
"""The k of the tables by document and by signal: the default of Footnote."""


@dataclass(frozen=True)
class Question:
    """A question, the file that answers it, and the gold spans in it."""

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
    retrieved = sum(hit.chunk.end - hit.chunk.start for hit in hits)
    own = [hit.chunk for hit in hits if hit.source.path == question.source]
    both = len(gold & {place for chunk in own for place in range(chunk.start, chunk.end)})
    return (
        both / len(gold),
        both / retrieved if retrieved else 0.0,
        both / (len(gold) + retrieved - both),
    )


def mean_figures(
    questions_asked: Sequence[Question], rankings: Sequence[Sequence[Hit]], k: int
) -> list[float]:
    """Returns the mean figures of the k best hits of each question."""
    rows = [
        figures(question, hits[:k])
        for question, hits in zip(questions_asked, rankings, strict=True)
    ]
    return [statistics.mean(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Syncs, retrieves and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    data_dir = parser.parse_args().data_dir
    corpus = data_dir / "corpora" / "chunking-eval"
    write_corpus(
        corpus,
        {file.name: file.read_bytes().decode() for file in (FOLDER / "corpora").glob("*.md")},
    )
    questions_asked = questions(FOLDER / "questions_df.csv")
    by_weights: dict[str, list[list[Hit]]] = defaultdict(list)
    with open_index(corpus, data_dir, "chunking-eval") as (components, generation):
        for question in questions_asked:
            hits = candidate_pool(components, generation, question.text).hits
            for name, score in RANKINGS.items():
                by_weights[name].append(rank_by(hits, score)[:MAX_K])
    columns = ("recall", "precision", "IoU")
    fitted = by_weights["fitted"]
    rows = {f"k = {k}": mean_figures(questions_asked, fitted, k) for k in range(1, MAX_K + 1)}
    print_table(f"{len(questions_asked)} questions, fitted", columns, rows)
    documents: dict[str, list[float]] = {}
    for source in sorted({question.source for question in questions_asked}):
        own = [place for place, question in enumerate(questions_asked) if question.source == source]
        pairs = [questions_asked[place] for place in own], [fitted[place] for place in own]
        documents[f"{source} ({len(own)})"] = mean_figures(*pairs, TABLE_K)
    print_table(f"k = {TABLE_K}, by document", columns, documents)
    signals = {
        name: mean_figures(questions_asked, rankings, TABLE_K)
        for name, rankings in by_weights.items()
    }
    print_table(f"k = {TABLE_K}, by signal", columns, signals)


if __name__ == "__main__":
    main()
