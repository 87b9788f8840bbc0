"""The built-in model on OpenVINO: the vectors of ONNX Runtime in f32, others in bf16."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec
from index.embed.minilm import MiniLM, OpenVINOMiniLM, Precision, cpu_precision, precision_for
from index.embed.protocol import ChunkText, Embedder
from index.errors import EmbedderMismatch
from rag.retrieval.query import analyze_query
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.extras import needs

pytestmark = needs("openvino")
in_bf16 = pytest.mark.skipif(
    cpu_precision() != "bf16", reason="SKIPPED: this CPU does not compute in bf16"
)
TEXTS = [text for article in ARTICLES.values() for text in article.split("\n") if text]
CHUNKS = [
    ChunkText(text, (((0, len(text) // 2),), ((len(text) // 2, len(text)),))) for text in TEXTS
]
CHUNKS.append(ChunkText("A long one. " * 200, (((0, 11),), ((12, 2400),))))


def by_openvino(spec: EmbedSpec, precision: Precision) -> OpenVINOMiniLM:
    return OpenVINOMiniLM(spec.models_dir, precision)


def cosines(embedder: Embedder, other: Embedder) -> list[float]:
    """Of each passage's vector by the one with that by the other; their words are the same."""
    result = []
    pairs = zip(embedder.embed_chunks(CHUNKS), other.embed_chunks(CHUNKS), strict=True)
    for one, two in pairs:
        result.append(float(one.vector @ two.vector))
    np.testing.assert_array_equal(one.words.counts, two.words.counts)
    return result


def test_in_f32_it_makes_the_vectors_of_onnx_runtime(
    minilm: Embedder, minilm_spec: EmbedSpec
) -> None:
    openvino = by_openvino(minilm_spec, "f32")
    assert min(cosines(minilm, openvino)) > 0.99999
    assert openvino.fingerprint == minilm.fingerprint


@in_bf16
def test_in_bf16_its_vectors_are_near_and_have_another_fingerprint(
    minilm: Embedder, minilm_spec: EmbedSpec
) -> None:
    openvino = by_openvino(minilm_spec, "bf16")
    assert 0.99 < min(cosines(minilm, openvino)) < 0.999999
    assert openvino.fingerprint == f"{MiniLM.fingerprint}+bf16"


@in_bf16
def test_vectors_of_both_precisions_are_never_in_one_index(
    tmp_path: Path, minilm: Embedder, minilm_spec: EmbedSpec
) -> None:
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    request = sync_request(corpus, tmp_path / "data", minilm_spec)
    sync_in_process(request)
    by_other = replace(request, embed=replace(minilm_spec, kind="openvino"))
    report, events = sync_in_process(by_other)
    assert report.published
    done = [event["done"] for event in events if event["event"] == "embed"]
    assert done[-1] == report.chunks
    assert not sync_in_process(by_other)[0].published
    with open_generation(request) as generation:
        with pytest.raises(EmbedderMismatch, match="bf16"):
            analyze_query(generation, minilm, "How high is the lighthouse?")
        analyze_query(generation, by_openvino(minilm_spec, "bf16"), "How high is the lighthouse?")


def test_threads_that_ask_at_once_get_their_own_vectors(minilm_spec: EmbedSpec) -> None:
    openvino = by_openvino(minilm_spec, "f32")

    def vector(text: str) -> np.ndarray:
        return openvino.embed_question(text).vector

    alone = [vector(text) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(vector, TEXTS * 5))
    np.testing.assert_allclose(together, alone * 5, atol=1e-5)


def test_bf16_is_for_cpus_that_compute_in_it() -> None:
    assert precision_for("flags : fma avx512f avx512_bf16 amx_tile") == "bf16"
    assert precision_for("flags : avx512f amx_bf16 amx_tile") == "bf16"
    assert precision_for("flags : fma avx2 avx512f avx512_vnni") == "f32"


def test_the_error_says_how_to_install_it(minilm_spec: EmbedSpec) -> None:
    code = (
        "import sys; sys.modules['openvino'] = None\n"
        "from pathlib import Path; from index.embed.minilm import OpenVINOMiniLM\n"
        f"OpenVINOMiniLM(Path({str(minilm_spec.models_dir)!r}), 'f32')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "EmbedderUnavailable: openvino is not installed: `pip install openvino`" in done.stderr
