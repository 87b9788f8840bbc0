"""What Dask workers cost and gain: one worker against this process, two workers, bytes a passage.

    python -m tests.benchmarks.measure.pool [--passages 512]

Passages are paragraphs of `seeds/`, embedded by the built-in model. A worker uses every core, so on
one machine two of them share its cores and gain nothing: only the overhead and the bytes say
anything here, the gain of two machines does not show. Under other load only the CPU time compares.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.packed import VectorFormat, embed_here
from index.embed.pool import DaskPool
from index.embed.protocol import ChunkText, Embedder
from index.sync.pool.embedding import embed_on_pool
from tests.support.dask_cluster import CuttableProxy, Scheduler, Worker
from tests.support.processes import SEEDS, descendant_pids

Embed = Callable[[list[ChunkText]], object]


def passages(number: int) -> list[ChunkText]:
    """Returns paragraphs, shortest first; each is a text of its own."""
    files = sorted(path for path in SEEDS.rglob("*") if path.suffix in (".md", ".txt"))
    texts = [text for path in files for text in path.read_text("utf-8").split("\n\n")]
    texts = [text[:900] for text in texts if len(text) > 120]
    repeated = (f"{n}. {texts[n % len(texts)]}" for n in range(number))
    chunks = [ChunkText(text, (((0, len(text)),),)) for text in repeated]
    return sorted(chunks, key=lambda chunk: len(chunk.text))


def embed_pooled(proxy: CuttableProxy, embedder: Embedder, chunks: Sequence[ChunkText]) -> None:
    with closing(DaskPool(proxy.url, lambda number: None)) as pool:
        form = VectorFormat(embedder)
        batches = embed_on_pool(pool, form, "default", chunks, lambda key, rows, is_shared: None)
        assert sum(len(batch.rows) for batch in batches) == len(chunks)


def cpu_seconds(*pids: int) -> float:
    """Returns the processor time of processes and their children until now."""
    ticks = 0
    for one in {one for pid in pids for one in (pid, *descendant_pids(pid))}:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=512)
    chunks = passages(parser.parse_args().passages)
    size = len(chunks)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        spec = EmbedSpec("minilm", None, None, None, folder / "models")
        embedder = stack.enter_context(closing(open_embedder(spec)))
        list(embed_here(embedder, chunks[:32]))  # the graph is built
        scheduler = stack.enter_context(Scheduler(folder / "scheduler"))
        proxy = stack.enter_context(CuttableProxy(scheduler.port))
        own = os.getpid()

        def measure(name: str, embed: Embed, *pids: int) -> float:
            """Prints what it takes to embed texts that no worker has seen; returns CPU seconds."""
            new = [ChunkText(f"{name} {c.text}", c.units) for c in chunks]
            before, sent, started = cpu_seconds(own, *pids), proxy.sent, time.perf_counter()
            embed(new)
            wall, cpu = time.perf_counter() - started, cpu_seconds(own, *pids) - before
            moved = (proxy.sent - sent) / size
            print(f"{name:13} {wall:6.1f} s {cpu:7.1f} CPU s {moved:9,.0f} bytes a passage")
            return cpu

        def pooled(texts: Sequence[ChunkText]) -> None:
            embed_pooled(proxy, embedder, texts)

        print(
            f"{size} passages, {os.cpu_count()} cores; all processes counted, connecting included"
        )
        here = measure("this process", lambda new: list(embed_here(embedder, new)))
        a = stack.enter_context(Worker.with_models(scheduler.url, folder / "a", spec))
        pooled(chunks[:64])  # the worker opens its model
        pids = [scheduler.process.pid, a.process.pid]
        one = measure("one worker", pooled, *pids)
        b = stack.enter_context(Worker.with_models(scheduler.url, folder / "b", spec))
        pooled(chunks[64:])
        two = measure("two workers", pooled, *pids, b.process.pid)
    print(f"CPU of one worker {one / here:.2f}, of two {two / here:.2f} of this process")


if __name__ == "__main__":
    main()
