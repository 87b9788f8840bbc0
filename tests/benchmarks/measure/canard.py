"""Condensing of follow-up questions, compared with their human rewrites.

python -m tests.benchmarks.measure.canard [--half 0|1] [--errors N]

CANARD (Elgohary et al. 2019), 3,430 questions of QuAC dialogs about Wikipedia articles, in two
halves by article: errors are analyzed in half 0, half 1 is reported. Recall and precision are of
content words of the rewrite; "added" leaves out the words of the question itself. A dialog is its
questions and answers, with and without the article's title and section as the first user message,
which is the only context that most of its questions refer to. Needs ../shared.
"""

import argparse
import json
import statistics
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.text.analyzer import content_terms, terms
from rag.retrieval.condense_rules import condense_by_rules
from rag.types import Turn
from tests.benchmarks.gold import SHARED

PATH = SHARED / "data" / "canard" / "dev.json"
Rewrite = Callable[[str, Sequence[Turn]], str]


@dataclass(frozen=True)
class FollowUp:
    """A question, its human rewrite, the article's title and section, and the conversation."""

    question: str
    rewrite: str
    topic: tuple[str, ...]
    messages: tuple[str, ...]

    def history(self, *, with_topic: bool) -> list[Turn]:
        turns = [Turn("user", ", ".join(self.topic))] if with_topic else []
        for place, content in enumerate(self.messages):
            turns.append(Turn("assistant" if place % 2 else "user", content))
        return turns


def read_half(half: int) -> list[FollowUp]:
    return [
        FollowUp(
            question=entry["Question"],
            rewrite=entry["Rewrite"],
            topic=tuple(entry["History"][:2]),
            messages=tuple(entry["History"][2:]),
        )
        for entry in json.loads(PATH.read_text("utf-8"))
        if zlib.crc32(entry["History"][0].encode()) % 2 == half
    ]


def content_words(text: str) -> set[str]:
    return set(content_terms(terms(text)))


def bare_question(question: str, _history: Sequence[Turn]) -> str:
    return question


def whole_conversation(question: str, history: Sequence[Turn]) -> str:
    """Returns the whole conversation and the question: the upper bound of recall."""
    return " ".join([*(turn.content for turn in history), question])


def measure(follow_ups: Sequence[FollowUp], rewrite: Rewrite, *, with_topic: bool) -> list[float]:
    """Returns recall, precision, F1; recall and precision of added words; shares of changes."""
    recalls, precisions, changed, untouched = [], [], [], []
    missing = added = correct = 0
    for item in follow_ups:
        ours = rewrite(item.question, item.history(with_topic=with_topic))
        gold, words, own = (
            content_words(item.rewrite),
            content_words(ours),
            content_words(item.question),
        )
        if gold:
            recalls.append(len(gold & words) / len(gold))
        if words:
            precisions.append(len(gold & words) / len(words))
        missing += len(gold - own)
        added += len(words - own)
        correct += len((gold & words) - own)
        (changed if gold - own else untouched).append(ours != item.question)
    recall, precision = statistics.mean(recalls), statistics.mean(precisions)
    return [
        recall,
        precision,
        2 * recall * precision / (recall + precision),
        correct / missing,
        correct / added if added else 1.0,
        statistics.mean(changed),
        statistics.mean(untouched),
    ]


COLUMNS = ("recall", "precision", "F1", "added R", "added P", "changed", "needlessly")


def print_table(title: str, follow_ups: Sequence[FollowUp], *, with_topic: bool) -> None:
    print(f"\n{title:34}" + "".join(f"{name:>11}" for name in COLUMNS))
    for name, rewrite in (
        ("bare", bare_question),
        ("rule", condense_by_rules),
        ("whole conversation", whole_conversation),
    ):
        values = measure(follow_ups, rewrite, with_topic=with_topic)
        print(f"{name:34}" + "".join(f"{value:11.3f}" for value in values))


def main() -> None:
    """Prints the tables, and with --errors a sample of rewrites that lack words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--errors", type=int, default=0)
    options = parser.parse_args()
    follow_ups = read_half(options.half)
    print_table(f"{len(follow_ups)} questions, title first", follow_ups, with_topic=True)
    print_table("without the title", follow_ups, with_topic=False)
    for item in follow_ups[:: max(1, len(follow_ups) // options.errors)] if options.errors else ():
        ours = condense_by_rules(item.question, item.history(with_topic=True))
        if content_words(item.rewrite) - content_words(ours):
            print(
                f"\n{item.topic}\n  {item.messages[-2:]}\n  person {item.rewrite}\n  rule   {ours}"
            )


if __name__ == "__main__":
    main()
