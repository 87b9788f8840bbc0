"""Follow-ups against their human rewrites: are the words that a person would carry over carried?

python -m tests.benchmarks.measure.canard [--half 0|1] [--errors N]

CANARD (Elgohary et al. 2019), 3,430 questions of QuAC dialogs about Wikipedia articles, in two
halves by article: errors are looked at in half 0, half 1 is reported. Recall and precision are of
the rewrite's content words; those of what was added leave the bare question's out. A dialog is
given as its questions and answers, with and without the article's title and section as what the
user said first, which is all that most of its questions lean on. Needs ../shared.
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
    """A question, its human rewrite, the article's title and section, and what was said."""

    question: str
    rewrite: str
    topic: tuple[str, ...]
    said: tuple[str, ...]

    def history(self, *, with_topic: bool) -> list[Turn]:
        turns = [Turn("user", ", ".join(self.topic))] if with_topic else []
        for place, content in enumerate(self.said):
            turns.append(Turn("assistant" if place % 2 else "user", content))
        return turns


def read_half(half: int) -> list[FollowUp]:
    return [
        FollowUp(
            question=entry["Question"],
            rewrite=entry["Rewrite"],
            topic=tuple(entry["History"][:2]),
            said=tuple(entry["History"][2:]),
        )
        for entry in json.loads(PATH.read_text("utf-8"))
        if zlib.crc32(entry["History"][0].encode()) % 2 == half
    ]


def content_words(text: str) -> set[str]:
    return set(content_terms(terms(text)))


def bare_question(question: str, _history: Sequence[Turn]) -> str:
    return question


def whole_conversation(question: str, history: Sequence[Turn]) -> str:
    """Returns the question after all that was said: the most that carrying over could find."""
    return " ".join([*(turn.content for turn in history), question])


def measure(asked: Sequence[FollowUp], rewrite: Rewrite, *, with_topic: bool) -> list[float]:
    """Returns recall, precision and F1 of words; recall and precision of the added; changed."""
    recalls, precisions, changed, untouched = [], [], [], []
    wanted = added = good = 0
    for item in asked:
        ours = rewrite(item.question, item.history(with_topic=with_topic))
        gold, found, own = (
            content_words(item.rewrite),
            content_words(ours),
            content_words(item.question),
        )
        if gold:
            recalls.append(len(gold & found) / len(gold))
        if found:
            precisions.append(len(gold & found) / len(found))
        wanted += len(gold - own)
        added += len(found - own)
        good += len((gold & found) - own)
        (changed if gold - own else untouched).append(ours != item.question)
    recall, precision = statistics.mean(recalls), statistics.mean(precisions)
    return [
        recall,
        precision,
        2 * recall * precision / (recall + precision),
        good / wanted,
        good / added if added else 1.0,
        statistics.mean(changed),
        statistics.mean(untouched),
    ]


COLUMNS = ("recall", "precision", "F1", "added R", "added P", "touched", "needlessly")


def print_table(title: str, asked: Sequence[FollowUp], *, with_topic: bool) -> None:
    print(f"\n{title:34}" + "".join(f"{name:>11}" for name in COLUMNS))
    for name, rewrite in (
        ("bare", bare_question),
        ("rule", condense_by_rules),
        ("all that was said", whole_conversation),
    ):
        values = measure(asked, rewrite, with_topic=with_topic)
        print(f"{name:34}" + "".join(f"{value:11.3f}" for value in values))


def main() -> None:
    """Prints the tables, or with --errors the questions whose rewrite lacks most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--errors", type=int, default=0)
    options = parser.parse_args()
    asked = read_half(options.half)
    print_table(f"{len(asked)} questions, title first", asked, with_topic=True)
    print_table("without the title", asked, with_topic=False)
    for item in asked[:: max(1, len(asked) // options.errors)] if options.errors else ():
        ours = condense_by_rules(item.question, item.history(with_topic=True))
        if content_words(item.rewrite) - content_words(ours):
            print(f"\n{item.topic}\n  {item.said[-2:]}\n  person {item.rewrite}\n  rule   {ours}")


if __name__ == "__main__":
    main()
