"""Answers to what colleagues type over public collections, without a model, by part and kind.

python -m tests.benchmarks.measure.asked --asked FOLDER [--part validate] [--json OUT]

Asks the questions of tests/data/asked over the collections that tests/benchmarks/asked.py wrote to
FOLDER. Right is what is answered with a citation of the evidence, or of its file with a gold answer
in the text (of a list two thirds of its items); yes/no needs the evidence itself. Wrong is what
else is answered; tentative answers are also counted apart. Intervals are of 95 % (Wilson).
"""

import argparse
import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.sync.process import run_sync
from rag.types import Answer, Ask, Turn
from tests.benchmarks.asked import collections, evidence_spans, rows
from tests.benchmarks.gold import contains_answer

KINDS = (
    "number who when where yes-no how-to list table definition why comparison policy-condition "
    "follow-up keywords typo paraphrase cross-language"
).split()
DEPTHS = (1, 5, 20)
Row = dict[str, Any]


def judge(row: Row, answer: Answer, corpus: Path) -> Row:
    """Returns the row with what came of it."""
    spans = evidence_spans(row, corpus)
    cited = [(one.source, one.start, one.end) for one in answer.citations]
    overlaps = any(_overlap(span, gold) for span in cited for gold in spans)
    in_file = {path for path, _, _ in cited} & {path for path, _, _ in spans}
    golds = tuple(gold for gold in row["answers"] if gold.lower() not in ("yes", "no"))
    items = [contains_answer(answer.answer, tuple(item)) for item in row["all_of"]]
    holds = contains_answer(answer.answer, golds) or (items and sum(items) * 3 >= len(items) * 2)
    found = [
        any(_overlap((hit.source.path, hit.chunk.start, hit.chunk.end), gold) for gold in spans)
        for hit in answer.passages
    ]
    right = answer.answered and (overlaps or bool(in_file and holds))
    return {
        **row,
        "answered": answer.answered,
        "tentative": answer.tentative,
        "right": right,
        "rank": found.index(True) + 1 if True in found else None,
        "confidence": answer.confidence,
        "answer": answer.answer,
    }


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def ask_all(name: str, corpus: Path, top_k: int) -> list[Row]:
    """Returns the judged questions of a collection."""
    judged = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(corpus=corpus, data_dir=Path(folder), collection="asked")
        run_sync(sync_request(settings), lambda event: None)
        components = open_components(settings)
        components.serving.refresh()
        with components.serving.lease() as generation:
            for row in rows("questions", name):
                turns = tuple(Turn(one["role"], one["content"]) for one in row["history"])
                ask = Ask(row["question"], history=turns, top_k=top_k)
                answer = asyncio.run(components.pipeline.answer(generation, ask))
                judged.append({**judge(row, answer, corpus), "collection": name})
        components.serving.close()
    return judged


def shown(flags: Iterable[bool]) -> str:
    """Returns a share with its interval, or a dash for none."""
    values = [bool(flag) for flag in flags]
    if not values:
        return f"{'–':>16}"
    n, p, z = len(values), sum(values) / len(values), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{p:.3f} [{middle - half:.2f}, {middle + half:.2f}]"


def report(name: str, judged: Sequence[Row]) -> None:
    """Prints a line of figures."""
    answerable = [row for row in judged if row["answerable"]]
    others = [row for row in judged if not row["answerable"]]
    found = [shown((row["rank"] or 99) <= depth for row in answerable) for depth in DEPTHS]
    columns = {
        "right": shown(row["right"] for row in answerable),
        "wrong": shown(row["answered"] and not row["right"] for row in answerable),
        "wrong, not tentative": shown(
            row["answered"] and not row["right"] and not row["tentative"] for row in answerable
        ),
        "refused": shown(not row["answered"] for row in others),
        "or tentative": shown(not row["answered"] or row["tentative"] for row in others),
    }
    evidence = "  ".join(f"@{d} {text}" for d, text in zip(DEPTHS, found, strict=True))
    print(f"{name:18}{len(answerable):4} + {len(others):<4}", end=" ")
    print("  ".join(f"{key} {value}" for key, value in columns.items()), f" evidence {evidence}")


def main() -> None:
    """Prints the figures of each collection of a part, and of each kind of question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--part", choices=("fit", "validate", "test"), default="validate")
    parser.add_argument("--top-k", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    every: list[Row] = []
    for name in collections(options.part):
        judged = ask_all(name, options.asked / name / "articles", options.top_k)
        report(name, judged)
        every += judged
    report(f"all of {options.part}", every)
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in every:
        for tag in row["tags"]:
            by_kind[tag].append(row)
    for kind in KINDS:
        report(f"  {kind}", by_kind[kind])
    if options.json:
        options.json.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in every))


if __name__ == "__main__":
    main()
