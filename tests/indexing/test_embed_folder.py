"""A local folder's model: BERT's weights or an ONNX file, its settings, and what is missing."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from index.embed.factory import EmbedSpec, model_name, open_embedder
from index.embed.folder import FolderEmbedder
from index.embed.graph import Shape, build, model_folder
from index.embed.protocol import ChunkText, Embedder
from index.errors import EmbedderUnavailable
from rag.retrieval.query import analyze_query
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)

SHAPE = Shape(layers=1, heads=2, width=8, epsilon=1e-12)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "lamp", "tower", "lit", "high", ".", "query", ":"]
TEXT = "lamp lit . tower high ."
CHUNK = ChunkText(TEXT, (((0, 10),), ((11, 23),)))

Weights = dict[str, npt.NDArray[np.float32]]


def random_weights() -> Weights:
    rng, width, inner = np.random.default_rng(1), SHAPE.width, 16
    layer = "encoder.layer.0"
    shapes = {
        "embeddings.word_embeddings.weight": (len(WORDS), width),
        "embeddings.position_embeddings.weight": (32, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        f"{layer}.intermediate.dense.weight": (inner, width),
        f"{layer}.intermediate.dense.bias": (inner,),
        f"{layer}.output.dense.weight": (width, inner),
        f"{layer}.output.dense.bias": (width,),
    }
    for name in ("self.query", "self.key", "self.value", "output.dense"):
        shapes[f"{layer}.attention.{name}.weight"] = (width, width)
        shapes[f"{layer}.attention.{name}.bias"] = (width,)
    norms = ("embeddings.LayerNorm", f"{layer}.attention.output.LayerNorm")
    for name in (*norms, f"{layer}.output.LayerNorm"):
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def save_safetensors(path: Path, weights: Weights) -> None:
    header: dict[str, object] = {}
    end = 0
    for name, value in weights.items():
        entry = {"dtype": "F32", "shape": value.shape, "data_offsets": [end, end + value.nbytes]}
        header[f"bert.{name}"] = entry
        end += value.nbytes
    text = json.dumps(header).encode()
    data = b"".join(value.tobytes() for value in weights.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def save_tokenizer(path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(path))


def write_json(path: Path, data: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tiny encoder's weights."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    save_safetensors(folder / "model.safetensors", random_weights())
    save_tokenizer(folder / "tokenizer.json")
    write_json(
        folder / "config.json",
        {
            "model_type": "bert",
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "hidden_size": 8,
            "max_position_embeddings": 32,
        },
    )
    return folder


def spec(folder: Path) -> EmbedSpec:
    return EmbedSpec("folder", None, None, None, folder.parent / "models", folder)


def vector(folder: Path, text: str = TEXT) -> npt.NDArray[np.float32]:
    (made,) = open_embedder(spec(folder)).embed_chunks([ChunkText(text, (((0, len(text)),),))])
    return made.vector


def test_weights_and_an_onnx_file_give_the_same_vectors(folder: Path) -> None:
    expected = vector(folder)
    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()
    (folder / "model.onnx").write_bytes(build(random_weights(), SHAPE).SerializeToString())
    np.testing.assert_allclose(vector(folder), expected, atol=1e-5)


def test_a_unit_has_one_vector_and_a_question_its_own(folder: Path) -> None:
    model = open_embedder(spec(folder))
    (made,) = model.embed_chunks([CHUNK])
    assert made.words.counts.tolist() == [1, 1]
    assert made.words.rows.shape == (2, model.word_width) == (2, 8)
    asked = model.embed_question("tower high")
    assert asked.words.shape == (1, 8)
    np.testing.assert_allclose(np.linalg.norm([made.vector, asked.vector], axis=1), 1, atol=1e-5)


def test_pooling_and_prefixes_are_read_and_can_be_overridden(folder: Path) -> None:
    mean = vector(folder)
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode_cls_token": True})
    first = vector(folder)
    assert float(mean @ first) < 0.999
    write_json(folder / "footnote-embedder.json", {"pooling": "mean", "query_prefix": "query: "})
    np.testing.assert_allclose(vector(folder), mean, atol=1e-5)
    model = open_embedder(spec(folder))
    prefixed = vector(folder, f"query: {TEXT}")
    np.testing.assert_allclose(model.embed_question(TEXT).vector, prefixed, atol=1e-5)


def test_a_text_over_the_limit_is_truncated(folder: Path) -> None:
    np.testing.assert_allclose(
        vector(folder, "lamp " * 90), vector(folder, "lamp " * 30), atol=1e-5
    )


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("tokenizer.json", r"has no tokenizer\.json"),
        ("model.safetensors", r"neither model\.onnx nor model\.safetensors"),
        ("config.json", r"neither model\.onnx nor model\.safetensors with config\.json"),
    ],
)
def test_what_is_missing_is_named(folder: Path, missing: str, message: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(EmbedderUnavailable, match=message):
        open_embedder(spec(folder))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", '{"model_type": "t5"}', "model type t5, not bert"),
        ("config.json", '{"model_type": "bert"}', "cannot build the ONNX graph"),
        ("footnote-embedder.json", '{"poling": "mean"}', "has no setting poling"),
        ("footnote-embedder.json", '{"pooling": "max"}', "pooling is"),
        ("footnote-embedder.json", "[", "cannot read"),
        ("tokenizer.json", "{}", "is no tokenizer"),
        ("model.onnx", "nothing", "does not open"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(EmbedderUnavailable, match=message):
        open_embedder(spec(folder))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"embed\.path is no folder"):
        open_embedder(spec(tmp_path / "nowhere"))


def test_an_index_is_embedded_again_when_a_file_of_the_model_changes(
    folder: Path, tmp_path: Path
) -> None:
    request = sync_request(
        write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", spec(folder)
    )
    assert sync_in_process(request)[0].published
    assert not sync_in_process(request)[0].published
    with open_generation(request) as generation:
        assert generation.manifest.embedder == model_name(request.embed)
        assert analyze_query(generation, open_embedder(request.embed), "lamp").terms == ("lamp",)
    write_json(folder / "footnote-embedder.json", {"pooling": "cls"})
    report, events = sync_in_process(request)
    assert report.published
    assert [event for event in events if event["event"] == "rebuild"]


def test_minilms_own_files_give_its_vectors(tmp_path: Path, minilm: Embedder) -> None:
    folder = tmp_path / "minilm"
    folder.mkdir()
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (folder / name).symlink_to(model_folder() / name)
    made = FolderEmbedder(folder, tmp_path / "models").embed_chunks([CHUNK])[0].vector
    assert float(made @ minilm.embed_chunks([CHUNK])[0].vector) > 0.9999
