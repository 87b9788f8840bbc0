"""Gold questions and answers, and the rules by which a result counts as correct.

Needs `../shared/data` beside the repository, or FOOTNOTE_TEST_DATA as the path of its parent. A hit
finds a paragraph if their spans overlap by half of either. An answer is correct if it contains a
gold answer as whole words after the normalization of the SQuAD evaluation.
"""

import json
import os
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(os.environ.get("FOOTNOTE_TEST_DATA", Path(__file__).parents[3] / "shared"))
ARTICLES = SHARED / "data" / "squad-articles" / "articles"
_PUNCTUATION = str.maketrans("", "", string.punctuation + "’‘“”«»–—…")


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
    """Returns the cases of a JSON Lines file; exits with a message if it does not exist."""
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
    """Returns the text in lower case without punctuation and articles (SQuAD's evaluation)."""
    words = re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_PUNCTUATION))
    return " ".join(words.split())


def contains_answer(answer: str, golds: tuple[str, ...]) -> bool:
    """Returns whether the answer contains a gold answer as whole words."""
    padded = f" {normalize_answer(answer)} "
    return any(f" {normalize_answer(gold)} " in padded for gold in golds)


def spans_overlap(start: int, end: int, gold_start: int, gold_end: int) -> bool:
    """Returns whether the spans share half of either."""
    shared = min(end, gold_end) - max(start, gold_start)
    return shared > 0 and shared * 2 >= min(end - start, gold_end - gold_start)


def gold_spans(case: Case, articles: Path) -> list[tuple[str, int, int]]:
    """Returns the (source, start, end) of the case's evidence in the files."""
    spans = []
    for source, quote in case.evidence:
        with (articles / source).open(encoding="utf-8-sig", newline="") as file:
            start = file.read().find(quote)
        if start < 0:
            sys.exit(f"{source} does not contain the evidence of {case.id}")
        spans.append((source, start, start + len(quote)))
    return spans
