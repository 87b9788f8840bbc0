"""What a Lance generation consists of, and how a passage is packed into a few columns.

    dataset/passages/   a row a passage: its record, its words, terms, vector and the rest of what
                        its scores are made of
    dataset/texts/      a row a source: its text
    sources.arrow       the sources but for their text, by path
    terms.arrow         the vocabulary, by term; terms-changed.arrow: what has changed since
    lance.json          which versions of the tables, and the statistics of BM25

A row's number is Lance's stable row id, which compaction keeps and no other row gets. One packed
column is read in a third of the time of twelve (SCALE.md). What is unpacked may come from a bucket
unhashed, so a length that does not fit raises ValueError.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..embed.protocol import ChunkVectors, Vectors, WordVectors
from ..store.bm25 import Ints
from ..store.scoring import Half
from ..types import Chunk, Unit, UnitKind

DATASET, PASSAGES, TEXTS = "dataset", "passages", "texts"
SOURCES, TERMS, CHANGED_TERMS, STATE = (
    "sources.arrow",
    "terms.arrow",
    "terms-changed.arrow",
    "lance.json",
)
ROW, RECORD, WORDS, TERM_NUMBERS, VECTOR, DETAIL = (
    "row",
    "record",
    "words",
    "terms",
    "vector",
    "detail",
)
"""`detail` has the vectors of headings and words."""

_RECORD = struct.Struct("<iiiHi")
"""start, end, page, and the bytes of the id and of the heading; −1: there is none."""
_TERMS = struct.Struct("<BI")
"""The bytes of a number, and how many segments there are."""
_COUNT = struct.Struct("<I")
_KINDS: tuple[UnitKind, ...] = ("sentence", "heading", "row", "item", "code", "field")
"""A kind is stored as its index."""


@dataclass(frozen=True, slots=True)
class State:
    """The versions of the tables, and what a question and the next sync need to know of them.

    `next_row`, `next_text` and `next_term` are numbers never given yet, `terms` is the sum of all
    passages' lengths in terms. `moved` rows were added or removed since the indices were last
    merged, of which `segments` exist; the vector index was trained on `trained` rows, 0: there is
    none. Word vectors are rows of `word_width` values of `word_dtype`; empty without vectors.
    """

    passages: int = 0
    texts: int = 0
    next_row: int = 0
    next_text: int = 0
    next_term: int = 0
    terms: int = 0
    moved: int = 0
    segments: int = 1
    trained: int = 0
    word_dtype: str = ""
    word_width: int = 0

    def write(self, folder: Path) -> None:
        """Writes it into a generation's folder."""
        (folder / STATE).write_text(json.dumps(asdict(self), indent=1))


def read_state(folder: Path) -> State:
    """Returns the state that was written; raises OSError, TypeError or ValueError."""
    return State(**json.loads((folder / STATE).read_bytes()))


def passage_schema(dimensions: int) -> Any:
    """Returns the schema of `passages`; without vectors for 0 dimensions."""
    import pyarrow as pa

    packed = {"lance-encoding:compression": "zstd"}
    fields = [
        pa.field(ROW, pa.int64(), nullable=False),
        pa.field(RECORD, pa.binary(), nullable=False, metadata=packed),
        pa.field(WORDS, pa.string(), nullable=False, metadata=packed),
        pa.field(TERM_NUMBERS, pa.binary(), nullable=False),
    ]
    if dimensions:
        fields += [
            pa.field(VECTOR, pa.list_(pa.float16(), dimensions), nullable=False),
            pa.field(DETAIL, pa.binary(), nullable=False),
        ]
    return pa.schema(fields)


def text_schema() -> Any:
    """Returns the schema of `texts`."""
    import pyarrow as pa

    packed = {"lance-encoding:compression": "zstd"}
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("text", pa.large_string(), nullable=False, metadata=packed),
        ]
    )


def pack_record(chunk: Chunk) -> bytes:
    """Returns a chunk but for its row and its source, which follows from the row."""
    name, heading = chunk.id.encode(), (chunk.heading or "").encode()
    page = -1 if chunk.page is None else chunk.page
    size = -1 if chunk.heading is None else len(heading)
    header = _RECORD.pack(chunk.start, chunk.end, page, len(name), size)
    return header + name + heading + _pack_units(chunk.units)


def unpack_record(packed: bytes, row: int, source_id: str) -> Chunk:
    """Returns the chunk; raises ValueError."""
    try:
        start, end, page, name, heading = _RECORD.unpack_from(packed)
        places = (_RECORD.size, _RECORD.size + name, _RECORD.size + name + max(heading, 0))
        units = _unpack_units(packed[places[2] :])
    except (struct.error, StopIteration, RuntimeError, IndexError) as error:
        raise ValueError(f"the record of passage {row} is damaged") from error
    return Chunk(
        row=row,
        id=packed[places[0] : places[1]].decode(),
        source_id=source_id,
        start=start,
        end=end,
        units=units,
        heading=packed[places[1] : places[2]].decode() if heading >= 0 else None,
        page=page if page >= 0 else None,
    )


def _pack_units(units: Sequence[Unit]) -> bytes:
    """Packs the units as numbers: start, end, kind, count of `under`, and its spans."""
    flat: list[int] = []
    for unit in units:
        flat += (unit.start, unit.end, _KINDS.index(unit.kind), len(unit.under))
        for span in unit.under:
            flat += span
    return np.array(flat, "<i4").tobytes()


def _unpack_units(packed: bytes) -> tuple[Unit, ...]:
    numbers = iter(np.frombuffer(packed, "<i4").tolist())
    return tuple(
        Unit(start, end, _KINDS[kind], tuple((next(numbers), next(numbers)) for _ in range(count)))
        for start, end, kind, count in zip(numbers, numbers, numbers, numbers, strict=False)
    )


def pack_terms(segments: Sequence[Sequence[int]]) -> bytes:
    """Returns the numbers of the terms of a chunk's segments (context, then sentences)."""
    lengths = [len(segment) for segment in segments]
    numbers = np.array([number for segment in segments for number in segment], np.int64)
    width = 2 if max(lengths, default=0) < 65_536 and numbers.max(initial=0) < 65_536 else 4
    flat = np.concatenate([np.array(lengths, np.int64), numbers]).astype(f"<u{width}")
    return _TERMS.pack(width, len(lengths)) + flat.tobytes()


def unpack_terms(packed: Sequence[bytes]) -> tuple[list[Ints], list[Ints]]:
    """Returns the lengths of the segments, and the numbers, of each chunk; raises ValueError."""
    lengths, numbers = list[Ints](), list[Ints]()
    for one in packed:
        try:
            width, count = _TERMS.unpack_from(one)
        except struct.error as error:
            raise ValueError("the terms of a passage are damaged") from error
        if width not in (2, 4):
            raise ValueError("the terms of a passage are damaged")
        flat = np.frombuffer(one, f"<u{width}", offset=_TERMS.size)
        lengths.append(flat[:count].astype(np.int64))
        numbers.append(flat[count:].astype(np.int64))
        if len(lengths[-1]) != count or lengths[-1].sum() != len(numbers[-1]):
            raise ValueError("the terms of a passage are damaged")
    return lengths, numbers


def pack_detail(vectors: ChunkVectors, heading: Vectors) -> bytes:
    """Returns the vector of a chunk's headings and those of the words of its sentences."""
    words = vectors.words
    counts = np.asarray(words.counts, "<i4").tobytes()
    parts = (heading.astype("<f2").tobytes(), _COUNT.pack(len(words.counts)), counts)
    return b"".join((*parts, np.ascontiguousarray(words.rows).tobytes()))


def unpack_detail(
    packed: Sequence[bytes], *, dimensions: int, dtype: np.dtype[Any], width: int
) -> tuple[Half, WordVectors]:
    """Returns the headings' vectors (n, d) and all word vectors; raises ValueError."""
    headings = np.empty((len(packed), dimensions), np.float16)
    counts, rows = [np.empty(0, np.int32)], [np.empty((0, width), dtype)]
    place = dimensions * 2
    for number, one in enumerate(packed):
        if len(one) < place + _COUNT.size:
            raise ValueError("the vectors of a passage are damaged")
        headings[number] = np.frombuffer(one, "<f2", dimensions)
        (sentences,) = _COUNT.unpack_from(one, place)
        first = place + _COUNT.size + 4 * sentences
        if len(one) < first:
            raise ValueError("the vectors of a passage are damaged")
        counts.append(np.frombuffer(one, "<i4", sentences, place + _COUNT.size))
        own = np.frombuffer(one, dtype, offset=first)
        if counts[-1].min(initial=0) < 0 or counts[-1].sum() * width != len(own):
            raise ValueError("the vectors of a passage are damaged")
        rows.append(own.reshape(-1, width))
    return headings, WordVectors(np.concatenate(rows), np.concatenate(counts))


def vectors_of(column: Any, dimensions: int) -> Half:
    """Returns a column of vectors as (n, d)."""
    flat: npt.NDArray[np.float16] = column.combine_chunks().flatten().to_numpy()
    return flat.reshape(-1, dimensions)
