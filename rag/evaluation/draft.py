"""A corpus → proposed cases, for a person to accept: from a model, or by leaving a figure out.

Without a model a question is a sentence with its figure or name blanked (cloze, Taylor 1953). Every
proposal says `"draft": true`, and its evidence stands verbatim in its source.
"""

import json
import random
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ..model.openai_chat import ChatModel, Message, ModelText

BLANK = "_____"
PROMPT_VERSION = "draft-1"
_FIGURE = re.compile(r"(?<![\w.,])\d[\d.,]*\d(?![\w])|(?<![\w.,])\d(?![\w.,])")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+(?: [A-Z][\w-]+)+")
_MIN_CHARS, _MAX_CHARS = 50, 300

_ASK = (
    "Write one question that a reader may ask and that the sentence below answers by itself. Do "
    "not repeat its wording. Answer with JSON alone: "
    '{"question": "...", "answer": "a few words copied exactly from the sentence"}'
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a source, verbatim."""

    source: str
    text: str


def chosen(sentences: Sequence[Sentence], count: int, *, seed: int) -> list[Sentence]:
    """Returns up to `count` sentences fit for a question, spread over the sources, by the seed."""
    rng = random.Random(seed)
    by_source: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        if _MIN_CHARS <= len(sentence.text) <= _MAX_CHARS and _answer_in(sentence.text):
            by_source.setdefault(sentence.source, []).append(sentence)
    for held in by_source.values():
        rng.shuffle(held)
    picked: list[Sentence] = []
    while len(picked) < count and any(by_source.values()):
        for held in by_source.values():
            if held and len(picked) < count:
                picked.append(held.pop())
    return picked


def cloze(sentences: Sequence[Sentence]) -> Iterator[dict[str, Any]]:
    """Yields a case for each sentence that holds a figure or a name: the sentence without it."""
    for sentence in sentences:
        if answer := _answer_in(sentence.text):
            question = " ".join(sentence.text.replace(answer, BLANK, 1).split())
            yield _case(sentence, f"What is missing here? {question}", answer)


async def asked(
    sentences: Sequence[Sentence], model: ChatModel
) -> AsyncIterator[dict[str, Any] | None]:
    """Yields the model's case for each sentence, None where its reply could not be used."""
    for sentence in sentences:
        messages = [Message("system", _ASK), Message("user", sentence.text)]
        said = "".join([i.text async for i in model.stream(messages) if isinstance(i, ModelText)])
        yield _read(sentence, said)


def _read(sentence: Sentence, said: str) -> dict[str, Any] | None:
    found = re.search(r"\{.*\}", said, re.DOTALL)
    try:
        given = json.loads(found[0]) if found else {}
        question, answer = str(given["question"]).strip(), str(given["answer"]).strip()
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    usable = question and answer and answer in sentence.text
    return _case(sentence, question, answer) if usable else None


def _answer_in(text: str) -> str | None:
    found = _FIGURE.search(text) or _NAME.search(text)
    return found[0] if found else None


def _case(sentence: Sentence, question: str, answer: str) -> dict[str, Any]:
    made = sha256(f"{sentence.source}\0{sentence.text}\0{question}".encode()).hexdigest()
    return {
        "id": f"draft-{made[:10]}",
        "question": question,
        "answers": [answer],
        "evidence": [{"source": sentence.source, "quote": sentence.text}],
        "answerable": True,
        "tags": ["draft"],
        "draft": True,
    }
