"""The embedder for several languages: multilingual-e5-small (Wang et al. 2024) on ONNX Runtime.

Its vectors all point in nearly one direction (cosines of .7 to .9); part of the mean of questions
and of passages is taken from them, so that cosines spread as those of other models do (Mu and
Viswanath 2018). It also helps across languages, whose vectors lie apart: Chinese questions on
English passages, hit@1 .45 → .48, German .61, English .775 → .77 (DECISIONS.md).
"""

from collections.abc import Sequence
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...text.analyzer import STOP_WORDS
from ..encoder import Encoder, Tokens, unit_vector, without_prefix
from ..minilm import onnx_session
from ..protocol import Vectors
from ..quantize import BYTES, project_query, quantize
from .data_file import SHA256, DataFile, data_file
from .graph import graph_file
from .tokenizer import LAST, SPACE, Tokenizer

PASSAGE, QUESTION = "passage: ", "query: "
"""What the model was trained to see before a text; part of the text's vector, never a word."""
BASIS, MEANS = "multilingual/basis.npy", "multilingual/means.npy"
WHOLE_SHARE, WORD_SHARE = 0.7, 0.7
"""Of the mean that is taken from a text's vector, and from its words'."""


class Means(NamedTuple):
    """The mean vectors (384,) of passages, of questions, and of the words of each."""

    passage: Vectors
    question: Vectors
    passage_word: Vectors
    question_word: Vectors


@cache
def means() -> Means:
    """Returns the means over public texts in several languages (tests/benchmarks/fit)."""
    with files("index.embed").joinpath(MEANS).open("rb") as file:
        return Means(*np.load(file).astype(np.float32))


class MultilingualE5(Encoder):
    """384 dimensions, 512 wordpieces, runs on the CPU."""

    dimensions = 384
    across_languages: bool | None = True
    max_tokens, last_token = 512, LAST
    fingerprint = f"multilingual-e5-small-q4@{SHA256[:12]}+words"
    word_dtype: np.dtype[Any] = np.dtype(np.uint8)
    word_width = BYTES

    def __init__(self, models_dir: Path) -> None:
        """Opens the data file and the graph; raises EmbedderUnavailable."""
        path = data_file()
        self._file = DataFile(path)
        self._session = onnx_session(graph_file(models_dir, path))
        pieces, scores = self._file.pieces, self._file.scores.tolist()
        self._tokenizer = Tokenizer(pieces, scores, self._file.replacements)

    def tokenize(self, texts: Sequence[str], *, is_question: bool) -> list[Tokens]:
        """Returns the wordpieces of each text behind its prefix, which has no place in it."""
        prefix = QUESTION if is_question else PASSAGE
        encodings = (self._tokenizer.encode(prefix + text) for text in texts)
        return [
            Tokens(one.ids, [without_prefix(span, len(prefix)) for span in one.offsets])
            for one in encodings
        ]

    def encode(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Any:
        """Returns the vectors (b, t, 384) of tokens."""
        inputs = {"words": self._file.word_vectors(ids), "mask": mask}
        return self._session.run(["tokens"], inputs)[0]

    def whole(self, tokens: Vectors, *, is_question: bool) -> Vectors:
        """Returns the mean of the tokens, less a share of all texts' mean, unit length."""
        mean = means().question if is_question else means().passage
        return unit_vector(unit_vector(tokens.mean(axis=0)) - WHOLE_SHARE * mean)

    def stored_words(self, tokens: Vectors) -> npt.NDArray[Any]:
        """Returns the codes of token vectors, less a share of their mean."""
        return quantize(less_mean(tokens, means().passage_word), BASIS)

    def question_words(self, tokens: Vectors) -> Vectors:
        """Returns token vectors, less a share of their mean, on the basis of the codes."""
        return project_query(less_mean(tokens, means().question_word), BASIS)

    @cached_property
    def is_content(self) -> npt.NDArray[np.bool_]:
        """Whether each wordpiece has a letter or digit and is not an English stop word."""
        words = (piece.removeprefix(SPACE).lower() for piece in self._file.pieces)
        return np.array([word not in STOP_WORDS and any(map(str.isalnum, word)) for word in words])


def less_mean(tokens: Vectors, mean: Vectors) -> Vectors:
    """Returns token vectors (n, d) at unit length, less a share of the mean."""
    lengths = np.linalg.norm(tokens, axis=1, keepdims=True)
    return np.asarray(tokens / np.maximum(lengths, 1e-6) - WORD_SHARE * mean, np.float32)
