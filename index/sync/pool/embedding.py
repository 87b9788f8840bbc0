"""Embeds a sync's passages on a pool: tasks out, checked vectors in."""

from collections.abc import Callable, Iterator, Sequence

from ...embed.packed import EmbeddedBatch, PackedVectors, VectorFormat
from ...embed.pool import DaskPool
from ...embed.protocol import ChunkText
from ...errors import WorkerFailed
from .tasks import EMBED_TASK, EmbedReply, EmbedTask, embed_task, raise_failure

OnUnshared = Callable[[str, Sequence[PackedVectors]], None]
"""Receives the key and rows of a task that its worker did not write into the bucket."""


def embed_on_pool(
    pool: DaskPool,
    vector_format: VectorFormat,
    chunks: Sequence[ChunkText],
    on_unshared: OnUnshared = lambda key, rows: None,
) -> Iterator[EmbeddedBatch]:
    """Yields the texts in batches as they are embedded; sort them by length.

    Raises WorkerFailed for a worker with another model, or that returned what cannot be right;
    then none of that batch is yielded.
    """
    tasks = (
        embed_task(vector_format, chunks[start : start + EMBED_TASK])
        for start in range(0, len(chunks), EMBED_TASK)
    )
    for task, reply, worker in pool.run("embed", tasks):
        raise_failure(reply, worker)
        rows = _checked(task, reply, worker, vector_format)
        if not reply.is_shared:
            on_unshared(task.key, rows)
        yield EmbeddedBatch(task.chunks, rows)


def _checked(
    task: EmbedTask, reply: object, worker: str, vector_format: VectorFormat
) -> tuple[PackedVectors, ...]:
    rows = reply.rows if isinstance(reply, EmbedReply) else ()
    if not isinstance(rows, tuple) or len(rows) != len(task.chunks):
        raise WorkerFailed(worker, "it returned something other than the vectors of its texts")
    for row, chunk in zip(rows, task.chunks, strict=True):
        is_row = isinstance(row, PackedVectors)
        if fault := vector_format.fault(row, chunk) if is_row else "it is not a row of vectors":
            raise WorkerFailed(worker, f"it returned a wrong vector: {fault}")
    return rows
