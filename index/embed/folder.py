"""The embedder of a local folder: an encoder's ONNX file or BERT's weights, and its tokenizer.

Laid out as sentence-transformers saves one: `tokenizer.json`, `model.onnx` (also in `onnx/`) or
`model.safetensors` with `config.json`, `1_Pooling/config.json`, `sentence_bert_config.json`, and
the prompts of `config_sentence_transformers.json`. `footnote-embedder.json` overrides what those
say: `pooling` (`mean` or `cls`), `max_tokens`, `query_prefix`, `passage_prefix`.

Words are not compared one by one, since their codes need a basis of the model: a unit has one
vector, the mean of its tokens in the chunk's context.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderUnavailable
from .encoder import Encoder, Tokens, unit_vector, without_prefix
from .graph import GRAPH_VERSION, built_graph
from .minilm import onnx_session
from .protocol import QuestionVectors, Vectors, WordVectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER, WEIGHTS, CONFIG = "tokenizer.json", "model.safetensors", "config.json"
ONNX = ("model.onnx", "onnx/model.onnx")
OWN_CONFIG = "footnote-embedder.json"
MAX_TOKENS = 512
"""Where no file says how many tokens the model reads."""
_HASHED = (
    *(*ONNX, "model.onnx_data", "onnx/model.onnx_data", "model.onnx.data", WEIGHTS, CONFIG),
    *(TOKENIZER, OWN_CONFIG, "1_Pooling/config.json", "sentence_bert_config.json"),
    "config_sentence_transformers.json",
)
_IDS, _MASK, _TYPES = ("input_ids", "ids"), ("attention_mask", "mask"), ("token_type_ids", "types")
"""The names of inputs, as exporters and this package call them."""


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """How the model is used."""

    pooling: str
    max_tokens: int
    query_prefix: str
    passage_prefix: str


def folder_fingerprint(folder: Path) -> str:
    """Returns the folder's name and the hash of its files; raises EmbedderUnavailable."""
    if not folder.is_dir():
        raise EmbedderUnavailable(f"embed.path is no folder: {folder}")
    stats = [(path, path.stat()) for name in _HASHED if (path := folder / name).is_file()]
    sha256 = _hash(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))
    return f"{folder.name}@{sha256[:12]}+parts"


@lru_cache(4)
def _hash(files: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in files:
        with path.open("rb") as file:
            digest.update(
                f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}".encode()
            )
    return digest.hexdigest()


def read_config(folder: Path) -> FolderConfig:
    """Returns how the model is used; raises EmbedderUnavailable."""
    pooling = _read_json(folder / "1_Pooling" / "config.json")
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    sizes = (
        _read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        _read_json(folder / CONFIG).get("max_position_embeddings"),
    )
    found = {
        "pooling": "cls" if pooling.get("pooling_mode_cls_token") else "mean",
        "max_tokens": next((size for size in sizes if isinstance(size, int)), MAX_TOKENS),
        "query_prefix": prompts.get("query", ""),
        "passage_prefix": prompts.get("passage", prompts.get("document", "")),
    }
    own = _read_json(folder / OWN_CONFIG)
    if unknown := own.keys() - found.keys():
        raise EmbedderUnavailable(f"{OWN_CONFIG} has no setting {', '.join(sorted(unknown))}")
    found |= own
    if found["pooling"] not in ("mean", "cls"):
        raise EmbedderUnavailable(f"{OWN_CONFIG}: pooling is `mean` or `cls`")
    return FolderConfig(
        str(found["pooling"]),
        max(int(found["max_tokens"]), 8),
        str(found["query_prefix"]),
        str(found["passage_prefix"]),
    )


def _read_json(path: Path) -> dict[str, Any]:
    """Returns the object of a file; {} if there is no file. Raises EmbedderUnavailable."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EmbedderUnavailable(f"cannot read {path.name}: {error}") from error
    if not isinstance(data, dict):
        raise EmbedderUnavailable(f"{path.name} is no JSON object")
    return data


class FolderEmbedder(Encoder):
    """A model on ONNX Runtime; its dimensions are those of the folder's."""

    across_languages: bool | None = None
    word_dtype: np.dtype[Any] = np.dtype(np.float16)

    def __init__(self, folder: Path, models_dir: Path) -> None:
        """Opens the model; raises EmbedderUnavailable, which says what is missing."""
        self.fingerprint = folder_fingerprint(folder)
        self._config = read_config(folder)
        self.max_tokens = self._config.max_tokens
        self._tokenizer = _open_tokenizer(folder / TOKENIZER)
        self.last_token = self._tokenizer.encode("a").ids[-1]
        self._session = _open_session(_graph_file(folder, models_dir))
        self._inputs = {
            role: next((n for n in names if n in self._input_names()), None)
            for role, names in (("ids", _IDS), ("mask", _MASK), ("types", _TYPES))
        }
        probe = self.tokens([self._tokenizer.encode("a").ids])
        if probe.ndim != 3:
            cause = f"the first output of the model is {probe.shape}, not a vector a token"
            raise EmbedderUnavailable(cause)
        self.dimensions = self.word_width = int(probe.shape[2])

    def _input_names(self) -> set[str]:
        return {one.name for one in self._session.get_inputs()}

    def tokenize(self, texts: Sequence[str], *, is_question: bool) -> list[Tokens]:
        """Returns the tokens of each text behind its prefix, which has no place in it."""
        prefix = self._config.query_prefix if is_question else self._config.passage_prefix
        encodings = self._tokenizer.encode_batch([prefix + text for text in texts])
        return [
            Tokens(one.ids, [without_prefix(span, len(prefix)) for span in one.offsets])
            for one in encodings
        ]

    def encode(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Any:
        """Returns the vectors (b, t, d) of tokens; raises EmbedderUnavailable."""
        values = {"ids": ids, "mask": mask, "types": np.zeros_like(ids)}
        inputs = {name: values[role] for role, name in self._inputs.items() if name}
        try:
            return self._session.run(None, inputs)[0]
        except Exception as error:  # the runtime's errors have no common class but this
            raise EmbedderUnavailable(f"the model does not run: {error}") from error

    def whole(self, tokens: Vectors, *, is_question: bool) -> Vectors:
        """Returns the mean of the tokens, or the first one, at unit length."""
        return unit_vector(tokens[0] if self._config.pooling == "cls" else tokens.mean(axis=0))

    def embed_question(self, question: str) -> QuestionVectors:
        """Returns the question's vector (d,), and the mean of its tokens as its only word."""
        vectors = super().embed_question(question)
        return QuestionVectors(vectors.vector, vectors.words, ((0, len(question)),))

    def words(self, tokens: Vectors, by_unit: Sequence[npt.NDArray[np.int64]]) -> WordVectors:
        """Returns the mean of the tokens of each unit; zeros for one without any."""
        rows = np.zeros((len(by_unit), self.dimensions), np.float16)
        for row, places in enumerate(by_unit):
            if len(places):
                rows[row] = unit_vector(tokens[places].mean(axis=0))
        return WordVectors(rows, np.ones(len(by_unit), np.int32))

    def stored_words(self, tokens: Vectors) -> npt.NDArray[Any]:
        """Returns token vectors in 16 bits."""
        return tokens.astype(np.float16)

    def question_words(self, tokens: Vectors) -> Vectors:
        """Returns the mean of the token vectors, as the only one."""
        return unit_vector(tokens.mean(axis=0)).reshape(1, -1)

    @cached_property
    def is_content(self) -> npt.NDArray[np.bool_]:
        """Whether each token of the vocabulary has a letter or a digit."""
        mask = np.zeros(self._tokenizer.get_vocab_size(), bool)
        for piece, number in self._tokenizer.get_vocab().items():
            mask[number] = any(map(str.isalnum, piece))
        return mask


def _open_tokenizer(path: Path) -> "Tokenizer":
    """Returns the tokenizer without padding and truncation; raises EmbedderUnavailable."""
    from tokenizers import Tokenizer

    if not path.is_file():
        raise EmbedderUnavailable(f"embed.path has no {path.name}: {path.parent}")
    try:
        loaded = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise EmbedderUnavailable(f"{path} is no tokenizer: {error}") from error
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


def _open_session(graph: Path) -> Any:
    """Returns a session on the graph; raises EmbedderUnavailable."""
    try:
        return onnx_session(graph)
    except Exception as error:  # the runtime's errors have no common class but this
        raise EmbedderUnavailable(f"{graph} does not open: {error}") from error


def _graph_file(folder: Path, models_dir: Path) -> Path:
    """Returns the ONNX file, built of BERT's weights if there is none."""
    for name in ONNX:
        if (folder / name).is_file():
            return folder / name
    weights, config = folder / WEIGHTS, folder / CONFIG
    if not weights.is_file() or not config.is_file():
        cause = f"embed.path has neither {ONNX[0]} nor {WEIGHTS} with {CONFIG}: {folder}"
        raise EmbedderUnavailable(cause)
    family = _read_json(config).get("model_type")
    if family != "bert":
        cause = f"{CONFIG} is of the model type {family}, not bert: export it as {ONNX[0]}"
        raise EmbedderUnavailable(cause)
    sha256 = folder_fingerprint(folder).partition("@")[2].partition("+")[0]
    target = models_dir / f"folder-{sha256}-{GRAPH_VERSION}.onnx"
    return built_graph(target, "index.embed.graph", weights, config)
