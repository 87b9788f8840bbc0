"""Scientific claims over 5,183 abstracts: nDCG@10, and whether the cited sentence is evidence.

python -m tests.benchmarks.measure.scifact [--data-dir DIR]

BEIR's SciFact (Wadden et al. 2020; Thakur et al. 2021): one file per abstract under its title, 300
claims with the abstracts that support or contradict them and the sentences that do. Abstracts are
ranked by their best passage. No weight is fitted on these claims. Embeds for 5–15 minutes the first
time. Needs ../shared.
"""

import argparse
import asyncio
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.types import Span
from rag.answering.extractive import rank_sentences
from rag.types import Answer, Ask, Hit
from tests.benchmarks.gold import SHARED
from tests.benchmarks.harness import (
    RANKINGS,
    candidate_pool,
    open_index,
    print_table,
    rank_by,
    write_corpus,
)

FOLDER = SHARED / "data" / "beir-scifact"
TOP = 10


@dataclass(frozen=True)
class Abstract:
    """The text of a file and the spans of its sentences."""

    text: str
    sentences: tuple[Span, ...]


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


def abstract(entry: Mapping[str, Any]) -> Abstract:
    """Returns the abstract as one paragraph under its title."""
    text, spans = f"# {' '.join(entry['title'].split())}\n\n", []
    for sentence in entry["metadata"]["sentences"]:
        words = " ".join(sentence.split())
        spans.append((len(text), len(text) + len(words)))
        text += words + " "
    return Abstract(text.rstrip() + "\n", tuple(spans))


def qrels() -> dict[str, set[str]]:
    """Returns the relevant files for each claim."""
    relevant: dict[str, set[str]] = defaultdict(set)
    for line in (FOLDER / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            relevant[query].add(f"{document}.md")
    return relevant


def gold_sentences() -> dict[str, dict[str, set[int]]]:
    """Returns claim → file → the indexes of its evidence sentences."""
    gold: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in read("evidence.jsonl"):
        gold[row["query_id"]][f"{row['doc_id']}.md"] |= set(row["sentences"])
    return gold


def documents(hits: Sequence[Hit]) -> list[str]:
    """Returns the files of the hits, each at the rank of its best hit."""
    return list(dict.fromkeys(hit.source.path for hit in hits))


def ndcg(ranking: Sequence[str], relevant: set[str]) -> float:
    """Returns nDCG@10 with binary relevance."""
    gain = sum(1 / math.log2(rank + 1) for rank, d in enumerate(ranking[:TOP], 1) if d in relevant)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(relevant), TOP) + 1))


def recall(ranking: Sequence[str], relevant: set[str]) -> float:
    return len(relevant & set(ranking[:TOP])) / len(relevant)


def is_gold(start: int, end: int, document: Abstract, numbers: set[int]) -> bool:
    """Returns whether the span and one of the sentences share half of either."""
    for number in numbers:
        left, right = document.sentences[number]
        shared = min(end, right) - max(start, left)
        if shared > 0 and 2 * shared >= min(end - start, right - left):
            return True
    return False


def is_citation_gold(
    answer: Answer, gold: Mapping[str, set[int]], files: Mapping[str, Abstract]
) -> bool | None:
    """Returns whether the first citation of a gold abstract is evidence; None without one."""
    for citation in answer.citations:
        if numbers := gold.get(citation.source):
            return is_gold(citation.start, citation.end, files[citation.source], numbers)
    return None


def is_best_sentence_gold(
    claim: str, hits: Sequence[Hit], gold: Mapping[str, set[int]], files: Mapping[str, Abstract]
) -> bool | None:
    """Returns whether the best sentence of the gold hits is evidence; None without such hits."""
    own = [hit for hit in hits if hit.source.path in gold]
    picks = rank_sentences(claim, own)
    if not picks:
        return None
    best = own[picks[0].hit]
    sentence = best.units[picks[0].sentence]
    return is_gold(sentence.start, sentence.end, files[best.source.path], gold[best.source.path])


def format_share(ranking: Sequence[bool | None]) -> str:
    """Returns the share of true values among those that are not None, and their number."""
    values = [value for value in ranking if value is not None]
    return f"{statistics.mean(values) if values else 0:.3f} of {len(values)}"


def main() -> None:
    """Syncs, retrieves, answers and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    data_dir = parser.parse_args().data_dir
    files = {f"{entry['_id']}.md": abstract(entry) for entry in read("corpus.jsonl")}
    corpus = data_dir / "corpora" / "scifact"
    write_corpus(corpus, {name: file.text for name, file in files.items()})
    relevant, gold = qrels(), gold_sentences()
    claims = {entry["_id"]: entry["text"] for entry in read("queries.jsonl")}
    claims = {number: text for number, text in claims.items() if number in relevant}
    quality: dict[str, list[tuple[float, float]]] = defaultdict(list)
    best, cited = [], []
    with open_index(corpus, data_dir, "scifact") as (parts, generation):
        for number, claim in claims.items():
            hits = candidate_pool(parts, generation, claim).hits
            for name, score in RANKINGS.items():
                ranking = documents(rank_by(hits, score))
                quality[name].append(
                    (ndcg(ranking, relevant[number]), recall(ranking, relevant[number]))
                )
            if number in gold:
                answer = asyncio.run(parts.pipeline.answer(generation, Ask(claim)))
                best.append(is_best_sentence_gold(claim, hits[:TOP], gold[number], files))
                cited.append(is_citation_gold(answer, gold[number], files))
    print_table(
        f"{len(claims)} claims",
        ("nDCG@10", "recall@10"),
        {
            name: [statistics.mean(column) for column in zip(*rows, strict=True)]
            for name, rows in quality.items()
        },
    )
    print("\nshare of claims whose abstract was ranking (evidence has sentences)")
    print(f"best sentence of the abstract is evidence      {format_share(best)}")
    print(f"first citation into the abstract is evidence   {format_share(cited)}")


if __name__ == "__main__":
    main()
