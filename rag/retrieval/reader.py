"""The reader: a cross-encoder that says whether a passage answers a question, and in which unit.

It is the embedding model with an adapter (1.7 MB, trained by tests/benchmarks/fit/reader.py on
English questions): question and passage are encoded together (Nogueira and Cho 2019), and two heads
give the logit that the passage answers and those of the answer's start and end (Devlin et al.
2018).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from index.embed.minilm import MAX_TOKENS, THREADS, onnx_session, tokenizer
from index.embed.reader_graph import reader_file

from ..types import Hit, Reading

ADAPTER = ("reader-1.safetensors", "reader-2.safetensors")
READ = 8
"""Hits that are read, for five to be quoted from. On 382 questions the evidence is then among five
in .86, with five read in .84, with twenty in .88."""
MAX_QUESTION_TOKENS = 64
FIRST, SEPARATOR = 101, 102
"""The wordpieces [CLS] and [SEP]."""
ANSWERS = 0.02
"""Weight of the logit in a hit's score."""
LEAST, LEAST_LOG = -12.0, -8.0
"""Lowest logit, and lowest log-probability of a start or an end."""


class Reader:
    """Reads hits; safe to use from several threads."""

    def __init__(self, models_dir: Path) -> None:
        """Opens the graph, which is built the first time; raises EmbedderUnavailable."""
        folder = files("rag.retrieval")
        with as_file(folder / ADAPTER[0]) as first, as_file(folder / ADAPTER[1]) as second:
            self._session = onnx_session(reader_file(models_dir, (first, second)), threads=1)
        # a passage a thread: 5 take 124 ms of CPU on two cores, one after the other on both 155
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")

    def __call__(self, question: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Returns the hits with their readings, ranked with these; takes 20 ms of CPU a passage."""
        ids = tokenizer().encode(question, add_special_tokens=False).ids
        asked = [FIRST, *ids[: MAX_QUESTION_TOKENS - 2], SEPARATOR]
        longest_first = sorted(hits, key=lambda hit: -len(hit.text))
        readings = self._pool.map(partial(self._read, asked), longest_first)
        read = [self._scored(*pair) for pair in zip(longest_first, readings, strict=True)]
        read.sort(key=lambda hit: (-hit.score, hit.rank))
        return tuple(replace(hit, rank=rank) for rank, hit in enumerate(read, start=1))

    @staticmethod
    def _scored(hit: Hit, reading: Reading) -> Hit:
        score = min(max(hit.score + ANSWERS * reading.answers, 0.0), 1.0)
        return replace(hit, score=score, reading=reading)

    def _read(self, asked: list[int], hit: Hit) -> Reading:
        head = passage_head(hit.source.title, hit.chunk.heading or "")
        encoding = tokenizer().encode(head + hit.text, add_special_tokens=False)
        size = min(len(encoding.ids), MAX_TOKENS - len(asked) - 1)
        ids = [*asked, *encoding.ids[:size], SEPARATOR]
        types = [0] * len(asked) + [1] * (size + 1)
        inputs = {"ids": np.array([ids]), "types": np.array([types])}
        answers, spans = self._session.run(["answers", "span"], inputs)
        logits = spans[0, len(asked) : len(asked) + size].astype(np.float64)
        logs = logits - np.logaddexp.reduce(logits, axis=0) if size else logits
        places = np.array(encoding.offsets[:size]).reshape(-1, 2) + hit.chunk.start - len(head)
        units = tuple(_of_unit(logs, places, unit.start, unit.end) for unit in hit.units)
        return Reading(max(float(answers[0, 0]), LEAST), units)


def _of_unit(logs: Any, places: Any, start: int, end: int) -> float:
    """Returns the mean of the best start and the best end among the unit's tokens."""
    inside = (places[:, 0] >= start) & (places[:, 1] <= end) & (places[:, 1] > places[:, 0])
    if not inside.any():
        return LEAST_LOG
    return float(np.maximum(logs[inside].max(axis=0), LEAST_LOG).mean())


def passage_head(title: str, heading: str) -> str:
    """Returns "title: heading. ", what the reader sees before a passage; "" without either."""
    levels = [level for part in (title, heading) for level in part.split(" › ") if level]
    return ": ".join(dict.fromkeys(levels)) + ". " if levels else ""
