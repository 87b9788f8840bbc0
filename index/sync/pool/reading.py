"""Reads a sync's files on a pool: bytes out, checked texts and chunks in."""

from collections.abc import Generator, Iterator
from itertools import pairwise

from ...embed.pool import DaskPool
from ...errors import WorkerFailed
from ...text.chunk import chunk_id
from ..changes import NewFile
from ..sandbox import ChunkedDocument, parse_answer
from .tasks import FileToRead, ReadTask, raise_failure, read_task

TASK_FILES, TASK_BYTES = 16, 1_000_000
"""Of a task, at most; a larger file is a task of its own."""


def read_on_pool(
    pool: DaskPool, files: Iterator[NewFile]
) -> Generator[tuple[NewFile, ChunkedDocument | str], None, None]:
    """Yields each file with its text and chunks, or why it cannot be read, in order of completion.

    `files` is read as workers get free. Raises WorkerFailed for a worker that returned what cannot
    be right.
    """
    groups: dict[str, tuple[NewFile, ...]] = {}

    def tasks() -> Iterator[ReadTask]:
        for group in _grouped(files):
            sent = [FileToRead(one.file.format, one.data, one.source_id) for one in group]
            task = read_task(sent, [one.sha256 for one in group])
            groups[task.key] = group
            yield task

    for task, reply, worker in pool.run("read", tasks()):
        raise_failure(reply, worker)
        group = groups.pop(task.key)
        if not isinstance(reply, tuple) or len(reply) != len(group):
            raise WorkerFailed(worker, "it returned something other than the texts of its files")
        for one, answer in zip(group, reply, strict=True):
            if isinstance(answer, str):
                yield one, answer
                continue
            try:
                document = parse_answer(answer, one.source_id)
                _check(document)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                cause = f"it returned no valid text of {one.file.path}: {error}"
                raise WorkerFailed(worker, cause) from error
            yield one, document


def _grouped(files: Iterator[NewFile]) -> Iterator[tuple[NewFile, ...]]:
    group: list[NewFile] = []
    size = 0
    for one in files:
        if group and (len(group) == TASK_FILES or size + len(one.data) > TASK_BYTES):
            yield tuple(group)
            group, size = [], 0
        group.append(one)
        size += len(one.data)
    if group:
        yield tuple(group)


def _check(document: ChunkedDocument) -> None:
    """Raises ValueError unless the chunks are stretches of the text, in order, with their ids."""
    texts = [document.text, *document.notes, *document.metadata, *document.metadata.values()]
    if document.title is not None:
        texts.append(document.title)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a title, note or entry is not text")
    if any(after.start < one.end for one, after in pairwise(document.chunks)):
        raise ValueError("its passages overlap")
    for chunk in document.chunks:
        if not 0 <= chunk.start < chunk.end <= len(document.text):
            raise ValueError("a passage is outside of the text")
        if chunk.id != chunk_id(document.text, chunk.source_id, chunk.start, chunk.end):
            raise ValueError("a passage has another text than its id says")
        spans = [(unit.start, unit.end) for unit in chunk.units]
        spans += [span for unit in chunk.units for span in unit.under]
        if not all(0 <= start <= end <= len(document.text) for start, end in spans):
            raise ValueError("a unit is outside of the text")
