"""Writes what the product ranks highest for questions that the reader may be trained on.

python -m tests.benchmarks.fit.reader_asked FOLDER OUT [--data-dir DIR]

FOLDER holds the documents of tests/data/asked (see `tests.benchmarks.asked`); OUT is for
`fit.reader`. Only the English collections of the part "fit" are read, none to validate or test on.
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.store.generation import Generation
from rag.retrieval.condense_rules import condense_by_rules
from rag.retrieval.reader import passage_head
from rag.types import Hit, Turn
from tests.benchmarks import asked
from tests.benchmarks.fit.reader_data import DEPTH, GROUP
from tests.benchmarks.harness import candidate_pool, open_index

Json = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Where a question's answer stands: (path, quote) of its sources, and its short forms."""

    quotes: Sequence[tuple[str, str]]
    short: Sequence[str]

    def spans(self, hit: Hit, source_text: str) -> list[tuple[int, int]]:
        """Returns the offsets in the hit's text of the quotes, and of the short forms in them."""
        spans = set()
        for path, quote in self.quotes:
            place = source_text.find(quote) if path == hit.source.path else -1
            start = max(0, place - hit.chunk.start)
            end = min(len(hit.text), place + len(quote) - hit.chunk.start)
            if place >= 0 and start < end:
                spans.add((start, end))
                found = [span for text in self.short for span in _find(text, hit.text[start:end])]
                spans |= {(start + first, start + last) for first, last in found}
        return sorted(spans)


def _find(words: str, text: str) -> list[tuple[int, int]]:
    pattern = rf"(?<!\w){re.escape(words)}(?!\w)"
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def evidence_of(row: Json) -> Evidence:
    """Returns a question's evidence; it has no quotes if the collection has no answer."""
    quotes = row["evidence"] if row["answerable"] else []
    return Evidence(
        quotes=[(quote["source"], quote["quote"]) for quote in quotes],
        short=[*row["answers"], *(words for some in row["all_of"] for words in some)],
    )


def candidates(row: Json, hits: Sequence[Hit], generation: Generation) -> list[Json]:
    """Returns the passages that are ranked first, and further down those with evidence."""
    evidence = evidence_of(row)
    passages = []
    for hit in hits:
        spans = evidence.spans(hit, generation.text(hit.source.id))
        if spans or hit.rank <= DEPTH + GROUP:
            head = passage_head(hit.source.title or "", hit.chunk.heading or "")
            passages.append({"head": head, "text": hit.text, "spans": spans})
    return passages


def rows(name: str, corpus: Path, data_dir: Path) -> Iterator[Json]:
    """Yields a collection's questions with their passages.

    An answerable question is left out if none of the candidates has its evidence.
    """
    with open_index(corpus, data_dir, name) as (components, generation):
        for row in asked.rows("questions", name):
            turns = tuple(Turn(turn["role"], turn["content"]) for turn in row["history"])
            question = condense_by_rules(row["question"], turns) if turns else row["question"]
            hits = candidate_pool(components, generation, question).hits
            passages = candidates(row, hits, generation)
            if not row["answerable"] or any(passage["spans"] for passage in passages):
                yield {"collection": name, "question": question, "passages": passages}


def main() -> None:
    """Writes the rows of the collections to fit on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8") as out:
        for name, collection in asked.collections("fit").items():
            if collection["language"] == "en":
                corpus = options.folder / name / "articles"
                for row in rows(name, corpus, options.data_dir):
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
