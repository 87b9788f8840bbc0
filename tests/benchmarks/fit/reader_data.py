"""Makes the training examples of the reader: groups of passages, one of which answers a question.

The questions come from ../shared/data/reader-training, whose README names the sources and licences,
and from the collections that may be fitted on (`fit.reader_asked`). Beside the passage that answers
are hard negatives: passages that a ranking puts high, the passage without its answer (*cut*), and
the passage with the question put to another name, year or number (*swap*).
"""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.retrieval.reader import passage_head
from tests.benchmarks.gold import SHARED

FOLDER = SHARED / "data" / "reader-training"
MIX = {"wiki": 0.33, "selqa": 0.13, "nq": 0.13, "qamr": 0.06, "tat": 0.05, "asked": 0.30}
"""The share of groups from each set."""
GROUP = 3
"""Passages a group: the one that answers and two that do not, or three that do not."""
DEPTH = 10
"""Rank to which a passage that does not answer counts as a hard negative."""
UNANSWERABLE_DEPTH = 6
WINDOW_CHARS = (350, 450, 600)
ASKED_CHARS = 700
HARD_SHARE, CUT_SHARE, SWAP_SHARE = 0.8, 0.4, 0.4
COMMON = 3
HELD_OUT = {"wiki": 140, "selqa": 140, "nq": 140}
"""Questions kept from training, with their passages."""

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|vs|c|ca|No|Jr|Sr|e\.g|i\.e|U\.S|[A-Z])\.$")
_WORD = re.compile(r"[^\W\d_]+")
_LINE_END = re.compile(r"\s*\n\s*")
_KINDS = {
    "year": re.compile(r"(?:1\d|20)\d\d"),
    "number": re.compile(r"[$€£]?\d[\d.,]*%?"),
    "day": re.compile(
        r"(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber"
        r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
    ),
    "acronym": re.compile(r"[A-Z]{2,}"),
    "name": re.compile(r"[A-Z][\w.'’-]+(?: [A-Z][\w.'’-]+)*"),
}

Json = dict[str, Any]
Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Passage:
    """A passage with what stands before it, and the spans of the answer, as offsets in `text`."""

    head: str
    text: str
    spans: Spans = ()


@dataclass(frozen=True)
class Question:
    """A question with its gold passages, the hard negatives, and what makes more negatives.

    `cut` are the gold passage's sentences that hold the answer; `swap` is the question about
    something else, which the gold passage does not answer. Without gold the question has no answer.
    """

    text: str
    gold: tuple[Passage, ...]
    negatives: tuple[Passage, ...]
    cut: frozenset[int] = frozenset()
    swap: str = ""


@dataclass(frozen=True)
class Example:
    """A question and a passage, and whether it answers."""

    question: str
    passage: Passage
    answers: bool


def sentences(text: str) -> list[tuple[int, int]]:
    """Returns the offsets of the sentences, without the white space between them.

    The numbers of the cut sentences in the shared set count these.
    """
    spans, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[start : match.start()]):
            spans.append((start, match.start()))
            start = match.end()
    return [*spans, (start, len(text))] if start < len(text) else spans


def swap_fits(question: str, swapped: str, common: Set[str]) -> bool:
    """Returns whether the two differ in one phrase of one kind: a year for a year, and so on.

    A name is capitalised and has none of the `common` words.
    """
    old, new = question.split(), swapped.split()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    phrases = [" ".join(words[start : len(words) - end]) for words in (old, new)]
    kinds = [_kind(phrase.strip("?.,;:!'\"()")) for phrase in phrases]
    has_common = kinds[0] == "name" and any(
        word.lower() in common for phrase in phrases for word in _WORD.findall(phrase)
    )
    return start > 0 and kinds[0] == kinds[1] != "" and not has_common


def common_words(texts: Iterable[str]) -> Set[str]:
    """Returns the words that the texts have at least COMMON times in lower case."""
    counts = Counter(word for text in texts for word in _WORD.findall(text) if word.islower())
    return {word for word, count in counts.items() if count >= COMMON}


def _kind(phrase: str) -> str:
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(phrase)), "")


def window(
    passage: Passage, size: int, rng: random.Random, *, without: frozenset[int] = frozenset()
) -> Passage:
    """Returns some whole sentences, about `size` characters, around an answer if it has one.

    The sentences `without` are removed, and then the spans too.
    """
    if len(passage.text) <= size and not without:
        return passage
    parts = [s for number, s in enumerate(sentences(passage.text)) if number not in without]
    parts = [line for start, end in parts for line in _lines(passage.text, start, end)]
    if not parts:
        return Passage(passage.head, passage.text[:size])
    text, spans = "", []
    for start, end in parts[_first(parts, () if without else passage.spans, size, rng) :]:
        if text and len(text) + end - start > size:
            break
        shift = len(text) + bool(text) - start
        text += " " * bool(text) + passage.text[start:end]
        spans += [(a + shift, b + shift) for a, b in passage.spans if start <= a and b <= end]
    return Passage(passage.head, text, () if without else spans)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields the parts of a long sentence, which may be a list, that are lines."""
    if end - start > max(WINDOW_CHARS):
        for match in _LINE_END.finditer(text, start, end):
            if match.start() > start:
                yield start, match.start()
                start = match.end()
    yield start, end


def _first(parts: Spans, spans: Spans, size: int, rng: random.Random) -> int:
    """Returns the index of the part to begin with, so that an answer lies within `size`."""
    if not spans:
        return rng.randrange(max(1, len(parts) - 2))
    start, end = rng.choice(spans)
    before = [n for n, (a, _) in enumerate(parts) if a <= start]
    near = [n for n in before if end - parts[n][0] <= size]
    return rng.choice(near) if near else max(before, default=0)


def shared_questions() -> dict[str, list[Question]]:
    """Returns the questions of the shared set, by source."""
    passages = [
        Passage(passage_head(row["title"], ""), row["text"]) for row in _read("passages.jsonl.gz")
    ]
    common = common_words(passage.text for passage in passages)
    by_source: dict[str, list[Question]] = {}
    for row in _read("questions.jsonl.gz"):
        spans = tuple((start, start + len(text)) for start, text in row["ans"])
        swap = row.get("swap", "")
        question = Question(
            text=row["q"],
            gold=(replace(passages[row["pid"]], spans=spans),),
            negatives=tuple(passages[number] for number in row["neg"]),
            cut=frozenset(row.get("cut", ())),
            swap=swap if swap and swap_fits(row["q"], swap, common) else "",
        )
        by_source.setdefault(row["src"], []).append(question)
    return by_source


def _read(name: str) -> Iterator[Json]:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def asked_questions(file: Path) -> list[Question]:
    """Returns the questions that `fit.reader_asked` has written."""
    with file.open(encoding="utf-8") as lines:
        return [_from_row(json.loads(line)) for line in lines]


def _from_row(row: Json) -> Question:
    gold = [p for p in row["passages"] if p["spans"]]
    rest = [p for p in row["passages"] if not p["spans"]]
    rest = rest[: DEPTH if gold else UNANSWERABLE_DEPTH]
    return Question(
        text=row["question"],
        gold=tuple(Passage(p["head"], p["text"], tuple(map(tuple, p["spans"]))) for p in gold),
        negatives=tuple(Passage(p["head"], p["text"]) for p in rest),
    )


def hold_out(
    questions: dict[str, list[Question]], rng: random.Random
) -> tuple[dict[str, list[Question]], list[Question]]:
    """Returns the questions to train on, and others, of whose passages none is trained on."""
    held = [q for name, count in HELD_OUT.items() for q in rng.sample(questions[name], count)]
    texts = {question.gold[0].text for question in held}
    training = {
        name: [question for question in some if question.gold[0].text not in texts]
        for name, some in questions.items()
    }
    return training, held


class Sampler:
    """Draws groups of examples from sets of questions, each in the share that MIX states."""

    def __init__(self, questions: dict[str, list[Question]], rng: random.Random) -> None:
        self.questions = questions
        self.rng = rng
        self._drawn: dict[str, list[Question]] = {}

    def group(self) -> list[Example]:
        """Returns the group of the next question of a set drawn at random."""
        names = [name for name in MIX if self.questions.get(name)]
        name = self.rng.choices(names, [MIX[name] for name in names])[0]
        if not self._drawn.get(name):
            self._drawn[name] = self.rng.sample(self.questions[name], len(self.questions[name]))
        return self.examples(self._drawn[name].pop(), name)

    def examples(self, question: Question, name: str) -> list[Example]:
        """Returns GROUP examples; the first answers, if any does."""
        size = ASKED_CHARS if name == "asked" else self.rng.choice(WINDOW_CHARS)
        group = []
        if question.gold:
            gold = window(self.rng.choice(question.gold), size, self.rng)
            group.append(Example(question.text, gold, answers=True))
            group += self._made(question, gold, size)
        hard = self.rng.sample(question.negatives, min(GROUP, len(question.negatives)))
        while len(group) < GROUP:
            easy = name != "asked" and self.rng.random() >= HARD_SHARE
            passage = hard.pop() if hard and not easy else self._other(question, name)
            group.append(Example(question.text, window(passage, size, self.rng), answers=False))
        return group

    def _made(self, question: Question, gold: Passage, size: int) -> list[Example]:
        """Returns at most one negative made of the gold passage."""
        choice = self.rng.random()
        if question.cut and choice < CUT_SHARE:
            rest = window(question.gold[0], size, self.rng, without=question.cut)
            return [Example(question.text, rest, answers=False)]
        if question.swap and choice < CUT_SHARE + SWAP_SHARE:
            return [Example(question.swap, replace(gold, spans=()), answers=False)]
        return []

    def _other(self, question: Question, name: str) -> Passage:
        """Returns a passage of another question of the set."""
        while True:
            other = self.rng.choice(self.questions[name])
            if other.gold and other.gold[0].text != question.gold[0].text:
                return replace(other.gold[0], spans=())
