"""The built-in model: the published weights and vectors, and quantized word vectors."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from math import erf, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from index.embed.factory import EmbedSpec
from index.embed.graph import graph_file, model_folder, read_safetensors, read_verified
from index.embed.minilm import MAX_TOKENS, TOKENIZER_SHA256, count_tokens, tokenizer
from index.embed.protocol import ChunkText, Embedder
from index.embed.quantize import dequantize, project_query, quantize
from index.errors import EmbedderUnavailable

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "minilm-vectors.json").read_text())
"""Texts and their vectors, of sentence-transformers/all-MiniLM-L6-v2 (made 2026-11-22)."""

Array = npt.NDArray[np.float64]


def chunk(text: str, *cuts: int) -> ChunkText:
    edges = [0, *cuts, len(text)]
    return ChunkText(text, tuple((span,) for span in pairwise(edges)))


def token_vectors(ids: list[int]) -> Array:
    """The encoder in plain numpy (Devlin et al. 2018), one text, no batch, no mask: an oracle."""
    weights = {
        name: value.astype(np.float64)
        for name, value in read_safetensors(model_folder() / "model.safetensors").items()
    }

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return np.asarray(scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"])

    def dense(x: Array, name: str) -> Array:
        return np.asarray(x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])

    def gelu(x: Array) -> Array:
        return np.asarray(x * 0.5 * (1 + np.vectorize(erf)(x / sqrt(2))))

    hidden = weights["embeddings.word_embeddings.weight"][ids]
    hidden = hidden + weights["embeddings.position_embeddings.weight"][: len(ids)]
    hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
    hidden = norm(hidden, "embeddings.LayerNorm")
    for layer in (f"encoder.layer.{number}" for number in range(6)):
        query, key, value = (
            dense(hidden, f"{layer}.attention.self.{part}").reshape(-1, 12, 32).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.sqrt(32)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ value
        joined = dense(mixed.swapaxes(0, 1).reshape(-1, 384), f"{layer}.attention.output.dense")
        hidden = norm(joined + hidden, f"{layer}.attention.output.LayerNorm")
        inner = dense(gelu(dense(hidden, f"{layer}.intermediate.dense")), f"{layer}.output.dense")
        hidden = norm(inner + hidden, f"{layer}.output.LayerNorm")
    return hidden


def unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def test_vectors_are_those_of_the_public_model(minilm: Embedder) -> None:
    made = minilm.embed_chunks([chunk(text) for text in REFERENCE["texts"]])
    cosines = [
        float(entry.vector @ unit(np.array(vector)))
        for entry, vector in zip(made, REFERENCE["vectors"], strict=True)
    ]
    assert min(cosines) >= 0.9999


def test_a_chunk_is_the_mean_of_its_tokens_and_a_sentence_its_words(minilm: Embedder) -> None:
    first, second = "The lamp was lit in 1871.", " It is electric now."
    encoding = tokenizer().encode(first + second)
    tokens = token_vectors(encoding.ids)
    words = [encoding.tokens.index(word) for word in ("lamp", "lit", "1871", "electric", "now")]
    made = minilm.embed_chunks([chunk(first + second, len(first))])[0]
    assert made.vector @ unit(tokens.mean(0)) >= 0.99999
    assert made.words.counts.tolist() == [3, 2]
    for stored, token in zip(
        dequantize(made.words.rows), dequantize(quantize(tokens[words])), strict=True
    ):
        assert unit(stored) @ unit(token) >= 0.99


def test_quantized_words_keep_their_cosines(minilm: Embedder) -> None:
    text = "The lamp of the lighthouse, lit in 1871, is electric now, and the keeper has left."
    tokens = token_vectors(tokenizer().encode(text).ids)
    whole = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
    cosines = dequantize(quantize(tokens)) @ project_query(tokens).T
    assert np.corrcoef(cosines.ravel(), (whole @ whole.T).ravel())[0, 1] >= 0.97
    np.testing.assert_allclose(cosines.diagonal(), 1, atol=0.12)


def test_a_sentence_without_content_is_all_its_tokens(minilm: Embedder) -> None:
    text = "Is it? The lamp is lit."
    made = minilm.embed_chunks([ChunkText(text, (((0, 6),), ((7, len(text)),), ((3, 3),)))])[0]
    assert made.words.counts.tolist() == [3, 2, 0]


def test_a_chunk_has_the_same_vectors_in_any_batch_and_order(minilm: Embedder) -> None:
    texts = [text * repeat for text in REFERENCE["texts"] for repeat in (1, 3)]
    together = minilm.embed_chunks([chunk(text) for text in texts])
    backwards = minilm.embed_chunks([chunk(text) for text in reversed(texts)])[::-1]
    alone = [minilm.embed_chunks([chunk(text)])[0] for text in texts]
    for one, other, third in zip(together, backwards, alone, strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-5)
        np.testing.assert_allclose(one.vector, third.vector, atol=1e-5)


def test_every_vector_has_unit_length(minilm: Embedder) -> None:
    made = minilm.embed_chunks([chunk("One. Two.", 5), chunk(""), chunk("漢" * 400, 300)])
    vectors = [minilm.embed_question("How high is it?").vector, *(e.vector for e in made)]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_question_is_embedded_like_a_chunk(minilm: Embedder) -> None:
    text = "The lamp was lit."
    question = minilm.embed_question(text)
    assert [text[slice(*span)] for span in question.spans] == ["The", "lamp", "was", "lit", "."]
    np.testing.assert_allclose(
        question.vector, minilm.embed_chunks([chunk(text)])[0].vector, atol=1e-6
    )


def test_a_text_over_the_limit_is_truncated(minilm: Embedder) -> None:
    words = "harbour " * 400
    truncated = "harbour " * (MAX_TOKENS - 2)
    long, short = minilm.embed_chunks([chunk(words), chunk(truncated)])
    np.testing.assert_allclose(long.vector, short.vector, atol=1e-5)


def test_wordpieces_are_counted_beyond_the_128_of_the_shipped_file() -> None:
    assert count_tokens(["harbour " * 300]) == [300]


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    data = bytearray((model_folder() / "tokenizer.json").read_bytes())
    data[1000] ^= 1
    (tmp_path / "tokenizer.json").write_bytes(data)
    with pytest.raises(EmbedderUnavailable, match=r"tokenizer\.json"):
        read_verified(tmp_path / "tokenizer.json", TOKENIZER_SHA256)


def test_a_missing_file_of_the_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="nothing"):
        read_verified(tmp_path / "nothing", TOKENIZER_SHA256)


def test_a_damaged_graph_is_detected_and_rebuilt(tmp_path: Path, minilm_spec: EmbedSpec) -> None:
    shutil.copytree(minilm_spec.models_dir, tmp_path / "models")
    graph = next((tmp_path / "models").glob("minilm-*.onnx"))
    whole = graph.read_bytes()
    graph.write_bytes(whole[:1_000_000] + b"\x7f" * 64 + whole[1_000_064:])
    assert graph_file(tmp_path / "models").read_bytes() == whole


def test_no_torch_is_loaded_or_needed(minilm_spec: EmbedSpec) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from index.embed.factory import EmbedSpec, open_embedder;"
        "spec = EmbedSpec('minilm', None, None, None, Path(sys.argv[1]));"
        "open_embedder(spec).embed_question('How high?');"
        "import importlib.util as u; assert 'torch' not in sys.modules;"
        "assert u.find_spec('torch') is None, 'torch is installed'"
    )
    command = [sys.executable, "-c", program, str(minilm_spec.models_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
