"""The gold questions over the SQuAD articles, and the rules by which a result counts.

Needs `../shared/data` beside the repository, or FOOTNOTE_SHARED naming its parent. A paragraph
counts as found when a hit's span overlaps the gold paragraph by half of either; an answer is
contained when a gold answer stands in it as whole words after SQuAD normalisation.
"""

import json
import os
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(os.environ.get("FOOTNOTE_SHARED", Path(__file__).parents[3] / "shared"))
ARTICLES = SHARED / "data" / "squad-articles" / "articles"
_DROPPED = str.maketrans("", "", string.punctuation + "’‘“”«»–—…")


@dataclass(frozen=True)
class Case:
    """A question with its gold: answers, and (source, quote) of the evidence."""

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    answerable: bool
    history: tuple[tuple[str, str], ...] = ()


def load_cases(path: Path) -> list[Case]:
    """Returns the cases of a JSON-lines file; ends with a word on what is missing."""
    if not path.exists():
        sys.exit(f"this benchmark needs {path}")
    return list(_read(path))


def _read(path: Path) -> Iterator[Case]:
    for line in path.read_text("utf-8").splitlines():
        entry = json.loads(line)
        yield Case(
            id=entry["id"],
            question=entry["question"],
            answers=tuple(entry["answers"]),
            evidence=tuple((e["source"], e["quote"]) for e in entry["evidence"]),
            answerable=entry["answerable"],
            history=tuple((t["role"], t["content"]) for t in entry.get("history", ())),
        )


def normalize_answer(text: str) -> str:
    """Lower case, without punctuation and articles, single blanks (SQuAD's evaluation)."""
    words = re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_DROPPED))
    return " ".join(words.split())


def contains_answer(answer: str, golds: tuple[str, ...]) -> bool:
    """Does a gold answer stand in the answer as whole words?"""
    padded = f" {normalize_answer(answer)} "
    return any(f" {normalize_answer(gold)} " in padded for gold in golds)


def spans_overlap(start: int, end: int, gold_start: int, gold_end: int) -> bool:
    """Do the spans share half of either?"""
    shared = min(end, gold_end) - max(start, gold_start)
    return shared > 0 and shared * 2 >= min(end - start, gold_end - gold_start)


def gold_spans(case: Case, articles: Path) -> list[tuple[str, int, int]]:
    """Returns the (source, start, end) of the case's evidence in the files."""
    spans = []
    for source, quote in case.evidence:
        with (articles / source).open(encoding="utf-8-sig", newline="") as file:
            start = file.read().find(quote)
        if start < 0:
            sys.exit(f"{source} does not hold the evidence of {case.id}")
        spans.append((source, start, start + len(quote)))
    return spans
