"""Embedding speed and accuracy of ONNX Runtime, and of OpenVINO in f32 and bf16.

    python -m tests.benchmarks.measure.runtimes ARTICLES [--passages 600] [--models DIR]

Embeds passages in batches by length, as a sync does; the runtimes alternate after each batch, so
that other load affects all of them. Prints wall and CPU time: under other load only the second
compares them. bf16 is slow if the CPU has no instructions for it (see the first line).
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from index.embed.minilm import MiniLM, OpenVINOMiniLM, count_tokens, cpu_precision
from index.embed.packed import BATCH_SIZE
from index.embed.protocol import ChunkText, ChunkVectors
from index.formats.text import extract_text
from index.text.chunk import chunk
from index.text.sanitize import sanitize

TOP = 10


def passages(folder: Path, count: int) -> list[ChunkText]:
    """Returns `count` chunks of the text files in the folder, evenly spaced."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        document = extract_text(path.read_bytes())
        for made in chunk(document, path.name, count_tokens=count_tokens):
            spans = tuple((unit.start - made.start, unit.end - made.start) for unit in made.units)
            found.append(
                ChunkText(
                    sanitize(document.text[made.start : made.end]), tuple((s,) for s in spans)
                )
            )
    return found[:: max(len(found) // count, 1)][:count]


def main() -> None:
    """Embeds with each runtime and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--passages", type=int, default=600)
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir(), "models"))
    options = parser.parse_args()
    runtimes = {
        "ONNX Runtime": MiniLM(options.models),
        "OpenVINO f32": OpenVINOMiniLM(options.models, "f32"),
        "OpenVINO bf16": OpenVINOMiniLM(options.models, "bf16"),
    }
    texts = sorted(passages(options.articles, options.passages), key=lambda p: len(p.text))
    questions = [passage.text[slice(*passage.units[0][0])][:120] for passage in texts[::3]]
    print(
        f"this CPU computes in {cpu_precision()}; {len(texts)} passages, {len(questions)} questions"
    )
    made: dict[str, list[ChunkVectors]] = {name: [] for name in runtimes}
    clock, cpu = dict.fromkeys(runtimes, 0.0), dict.fromkeys(runtimes, 0.0)
    asked: dict[str, list[float]] = {name: [] for name in runtimes}
    near: dict[str, list[np.ndarray]] = {name: [] for name in runtimes}
    for start in range(0, len(texts), BATCH_SIZE):
        for name, embedder in runtimes.items():
            started, before = time.perf_counter(), time.process_time()
            made[name] += embedder.embed_chunks(texts[start : start + BATCH_SIZE])
            clock[name] += time.perf_counter() - started
            cpu[name] += time.process_time() - before
    for question in questions:
        for name, embedder in runtimes.items():
            started = time.perf_counter()
            vector = embedder.embed_question(question).vector
            asked[name].append((time.perf_counter() - started) * 1000)
            near[name].append(np.argsort(-np.stack([e.vector for e in made[name]]) @ vector)[:TOP])
    first = made["ONNX Runtime"]
    print(f"{'':14}{'passages/s':>11}{'a CPU s':>9}{'question ms':>13}{'cosine':>9}{'top 10':>8}")
    for name in runtimes:
        cosine = min(float(a.vector @ b.vector) for a, b in zip(first, made[name], strict=True))
        shared = [
            len(set(a) & set(b)) / TOP
            for a, b in zip(near["ONNX Runtime"], near[name], strict=True)
        ]
        print(
            f"{name:14}{len(texts) / clock[name]:11.1f}{len(texts) / cpu[name]:9.1f}"
            f"{statistics.median(asked[name]):13.1f}{cosine:9.5f}{statistics.mean(shared):8.3f}"
        )


if __name__ == "__main__":
    main()
