"""Embeds a sync's passages on a pool: tasks out, checked vectors in."""

from collections.abc import Callable, Iterator, Sequence

from ...embed.packed import EmbeddedBatch, PackedVectors, VectorFormat
from ...embed.pool import Pool
from ...embed.protocol import ChunkText
from ...errors import WorkerFailed
from .tasks import EMBED_TASK, EmbedReply, EmbedTask, embed_task, raise_failure

OnRows = Callable[[str, Sequence[PackedVectors], bool], None]
"""Receives the key and rows of a task, and whether its worker wrote them into the bucket."""


def embed_on_pool(
    pool: Pool,
    vector_format: VectorFormat,
    collection: str,
    chunks: Sequence[ChunkText],
    on_rows: OnRows,
) -> Iterator[EmbeddedBatch]:
    """Yields the texts in batches as they are embedded; sort them by length.

    Raises WorkerFailed for a worker with another model, or that returned what cannot be right;
    then none of that batch is yielded.
    """
    tasks = (
        embed_task(vector_format, collection, chunks[start : start + EMBED_TASK])
        for start in range(0, len(chunks), EMBED_TASK)
    )
    for task, reply, worker in pool.run("embed", tasks):
        raise_failure(reply, worker)
        rows = check_reply(task, reply, worker, vector_format)
        on_rows(task.key, rows, reply.is_shared is True)
        yield EmbeddedBatch(task.chunks, rows)


def check_reply(
    task: EmbedTask, reply: object, worker: str, vector_format: VectorFormat
) -> tuple[PackedVectors, ...]:
    """Returns the rows of a reply; raises WorkerFailed unless they are those of its texts."""
    rows = reply.rows if isinstance(reply, EmbedReply) else ()
    if not isinstance(rows, tuple) or len(rows) != len(task.chunks):
        raise WorkerFailed(worker, "it returned something other than the vectors of its texts")
    for row, chunk in zip(rows, task.chunks, strict=True):
        is_row = isinstance(row, PackedVectors)
        if fault := vector_format.fault(row, chunk) if is_row else "it is not a row of vectors":
            raise WorkerFailed(worker, f"it returned a wrong vector: {fault}")
    return rows
