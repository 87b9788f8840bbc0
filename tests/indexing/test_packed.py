"""What a row of vectors from elsewhere must be."""

import numpy as np
import pytest

from index.embed.packed import PackedVectors, VectorFormat, digest_of
from index.embed.protocol import ChunkText, Embedder
from index.errors import WorkerFailed
from index.sync.pool.embedding import check_reply
from index.sync.pool.tasks import EmbedReply, embed_task

CHUNKS = [ChunkText("The lamp was lit.", (((0, 8),), ((9, 17),))), ChunkText("It ends.", ())]


@pytest.fixture(scope="module")
def rows(minilm: Embedder) -> list[PackedVectors]:
    vectors = zip(CHUNKS, minilm.embed_chunks(CHUNKS), strict=True)
    return [VectorFormat(minilm).pack(*pair) for pair in vectors]


def signed(row: PackedVectors, **changes: bytes) -> PackedVectors:
    """The row with other content and a digest that is right."""
    changed = row._replace(**changes)
    return changed._replace(digest=digest_of(changed.vector, changed.words))


def test_a_row_is_what_it_was_packed_from(minilm: Embedder, rows: list[PackedVectors]) -> None:
    form = VectorFormat(minilm)
    assert [form.fault(row, chunk) for row, chunk in zip(rows, CHUNKS, strict=True)] == ["", ""]
    unpacked = form.unpack(rows[0].vector, rows[0].words, len(CHUNKS[0].units))
    (vectors,) = minilm.embed_chunks(CHUNKS[:1])
    assert float(unpacked.vector @ vectors.vector) == pytest.approx(1, abs=1e-4)
    assert unpacked.words.counts.tolist() == vectors.words.counts.tolist()


def test_what_is_wrong_with_a_row_is_named(minilm: Embedder, rows: list[PackedVectors]) -> None:
    form, row = VectorFormat(minilm), rows[0]
    values = np.frombuffer(row.vector, "<f4")
    faults = {
        "it is of another text": rows[1],
        "its digest differs": row._replace(vector=row.vector[:-1] + b"x"),
        "its vector has not 384 dimensions": signed(row, vector=row.vector[:-4]),
        "its vector has the length 2, not 1": signed(row, vector=(2 * values).tobytes()),
        "its vector has the length nan, not 1": signed(row, vector=(np.nan * values).tobytes()),
        "its vector has the length 0, not 1": signed(row, vector=bytes(4 * 384)),
        "its word vectors are cut off": signed(row, words=row.words[:4]),
        "it has another number of word vectors than it says": signed(row, words=row.words[:-1]),
    }
    assert {fault: form.fault(bad, CHUNKS[0]) for fault, bad in faults.items()} == {
        fault: fault for fault in faults
    }


@pytest.mark.parametrize("change", ["none", "fewer", "swapped", "list", "no row", "text"])
def test_a_reply_that_is_not_the_rows_of_its_task_is_refused(
    minilm: Embedder, rows: list[PackedVectors], change: str
) -> None:
    replies: dict[str, object] = {
        "none": None,
        "fewer": EmbedReply(tuple(rows[:1]), False),
        "swapped": EmbedReply((rows[1], rows[0]), False),
        "list": EmbedReply(rows, False),  # type: ignore[arg-type]
        "no row": EmbedReply((rows[0], tuple(rows[1])), False),  # type: ignore[arg-type]
        "text": EmbedReply((rows[0], rows[1]._replace(words="text")), False),  # type: ignore[arg-type]
    }
    form = VectorFormat(minilm)
    task = embed_task(form, "default", CHUNKS)
    assert check_reply(task, EmbedReply(tuple(rows), False), "tcp://w:1", form) == tuple(rows)
    with pytest.raises(WorkerFailed, match="the worker tcp://w:1: it returned "):
        check_reply(task, replies[change], "tcp://w:1", form)
