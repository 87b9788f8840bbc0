"""Lance's tables: opened with bounded caches, indexed, and left with one version alone.

Lance never changes a file, so a table's folder can be made of hard links to the one before, and a
killed writer leaves the older one whole. Version numbers are unique to a generation: its files
keep their names in a bucket, and two that were built from the same one must not share a name.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from pathlib import Path
from queue import Full, Queue
from typing import Any

import numpy as np

from ..embed.protocol import Vectors
from ..errors import SettingInvalid
from .schema import VECTOR, WORDS

INDEX_CACHE_BYTES, METADATA_CACHE_BYTES = 256 << 20, 64 << 20
"""Of an open generation: the quantized vectors of 600,000 passages; beyond, the least recently used
go."""
VERSIONS = 32
"""A generation has so many version numbers to choose from."""
EXACT_ROWS = 4_000
"""Up to so many rows a question is compared with all vectors: 2 ms."""
PARTITION_ROWS = 1_000
FILTERS: Mapping[str, Any] = {
    "with_position": False,
    "base_tokenizer": "whitespace",
    "max_token_length": None,
    "lower_case": False,
    "stem": False,
    "remove_stop_words": False,
    "ascii_folding": False,
    "num_workers": 1,
}
"""Words arrive analysed (`text/analyzer.py`)."""
WRITER_POLL_S = 1.0
BUCKET_OPTIONS = {
    "allow_http": "true",  # for an endpoint that its operator named so
    "connect_timeout": "5s",
    "timeout": "60s",
    "client_max_retries": "3",
    "client_retry_timeout": "20",
}
ROW_ID = "_rowid"
_HINT = "latest_version_hint.json"


def load_lance() -> Any:
    """Returns the library; raises SettingInvalid without the extra."""
    os.environ.setdefault("LANCE_LOG", "error")  # it listens to no more
    try:
        import lance
    except ImportError as error:
        raise SettingInvalid(
            "the engine `lance` needs an extra: run `pip install 'footnote[lance]'`, or set "
            "FOOTNOTE_ENGINE=chroma"
        ) from error
    return lance


def new_session() -> Any:
    """Returns the caches of one open generation; they go with it."""
    return load_lance().Session(
        index_cache_size_bytes=INDEX_CACHE_BYTES, metadata_cache_size_bytes=METADATA_CACHE_BYTES
    )


def open_table(uri: str, version: int, session: Any) -> Any:
    """Returns a table at a version; raises OSError or ValueError.

    Credentials and endpoint of a bucket come from the variables that Lance reads itself.
    """
    options = dict(BUCKET_OPTIONS) if "://" in uri else None
    return load_lance().dataset(uri, version=version, session=session, storage_options=options)


def create_table(folder: Path, schema: Any, batches: Iterable[Any]) -> Any:
    """Writes a new table."""
    write = load_lance().write_dataset
    return _write(
        schema,
        batches,
        lambda reader: write(reader, str(folder), schema, enable_stable_row_ids=True),
    )


def append(table: Any, schema: Any, batches: Iterable[Any]) -> Any:
    """Returns the table with rows added."""
    write = load_lance().write_dataset
    return _write(schema, batches, lambda reader: write(reader, table, schema, mode="append"))


def _write(schema: Any, batches: Iterable[Any], write: Callable[[Any], Any]) -> Any:
    """Writes the batches, which are made in this thread: Lance would ask for them in its own.

    What making one raises is raised here as it is.
    """
    import pyarrow as pa

    made: Queue[Any] = Queue(maxsize=2)

    def take() -> Iterator[Any]:
        while (batch := made.get()) is not None:
            if isinstance(batch, BaseException):
                raise batch
            yield batch

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write, pa.RecordBatchReader.from_batches(schema, take()))
        try:
            for batch in batches:
                _put(made, batch, written)
            _put(made, None, written)
        except BaseException as error:
            _put(made, error, written)
            raise
        return written.result()


def _put(made: "Queue[Any]", batch: object, written: "Future[Any]") -> None:
    """Hands a batch over, unless the writer has ended early."""
    while not written.done():
        try:
            made.put(batch, timeout=WRITER_POLL_S)
            return
        except Full:
            continue


def batches_of(schema: Any, rows: Iterator[Mapping[str, Any]], size: int = 500) -> Iterator[Any]:
    """Yields the rows as Arrow batches, one in memory at a time."""
    while batch := list(islice(rows, size)):
        yield _batch(schema, batch)


def _batch(schema: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if field.name == VECTOR:
            flat = pa.array(np.concatenate(values))
            columns.append(pa.FixedSizeListArray.from_arrays(flat, type=field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def merge_indices(table: Any, *, is_whole: bool) -> None:
    """Indexes new rows in segments of their own, or merges everything where `is_whole`."""
    if is_whole:
        table.optimize.compact_files(target_rows_per_fragment=1 << 20, num_threads=1)
        table.optimize.optimize_indices(num_indices_to_merge=1_000)
    else:
        table.optimize.optimize_indices(num_indices_to_merge=0)


def index_words(table: Any) -> None:
    """Builds the full-text index."""
    table.create_scalar_index(WORDS, "INVERTED", **FILTERS)


def index_vectors(table: Any, rows: int) -> None:
    """Trains and builds the vector index, in place of one that is there."""
    table.create_index(
        VECTOR, "IVF_SQ", metric="cosine", num_partitions=partitions_of(rows), replace=True
    )


def partitions_of(rows: int) -> int:
    """Returns into how many partitions so many vectors were put, 0 without an index."""
    return max(1, round(rows / PARTITION_ROWS)) if rows else 0


def probes(partitions: int) -> int:
    """Returns how many partitions are searched.

    Of the 100 nearest of 124,537 passages 22 of 125 partitions find .978, 33 .986 (2026-11-29).
    """
    return int(min(partitions, 40, max(20, 3 * partitions**0.5)))


def indexed_rows(table: Any) -> dict[str, tuple[int, int]]:
    """Returns rows and segments of each index, by column."""
    return {
        index.field_names[0]: (index.num_rows_indexed, len(index.segments))
        for index in table.describe_indices()
    }


def settle(table: Any, folder: Path, generation: int) -> int:
    """Gives the table a version number of its own, removes all others and returns it."""
    first = generation * VERSIONS + random.randrange(VERSIONS)  # no secret
    table.update_config({"generation": str(generation)})
    while table.version < first:
        table.update_config({"generation": str(generation)})
    table.cleanup_old_versions(
        older_than=timedelta(0),
        retain_versions=1,
        delete_unverified=True,
        error_if_tagged_old_versions=False,
    )
    for hint in folder.rglob(_HINT):
        hint.unlink()  # it has one name in all versions
    return int(table.version)


class OpenFiles:
    """Keeps a generation's files open and shows them under `folder`: they may be removed meanwhile.

    Lance opens them by name, again and again.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        """`folder` is new; where the system shows no open files it has links to the source's."""
        self._handles: list[int] = []
        for path in source.rglob("*"):
            target = folder / path.relative_to(source)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._handles.append(handle)
            shown = Path(f"/proc/self/fd/{handle}")
            target.symlink_to(shown if shown.exists() else path.absolute())

    def close(self) -> None:
        """Closes the files."""
        while self._handles:
            os.close(self._handles.pop())


def search_words(table: Any, terms: Sequence[str], *, limit: int) -> list[int]:
    """Returns the rows that contain any of the terms, best BM25 first."""
    from lance.query import MatchQuery

    query = MatchQuery(" ".join(terms), WORDS)
    hits = table.scanner(
        columns=[ROW_ID],
        full_text_query=query,
        limit=limit,
        fast_search=True,
        disable_scoring_autoprojection=True,
    ).to_table()
    rows: list[int] = hits[ROW_ID].to_pylist()
    return rows


def search_vectors(table: Any, vector: Vectors, *, limit: int, partitions: int) -> list[int]:
    """Returns the rows of the nearest vectors, nearest first; of all of them for 0 partitions."""
    nearest: dict[str, object] = {"column": VECTOR, "q": vector, "k": limit, "metric": "cosine"}
    if partitions:
        nearest |= {"nprobes": probes(partitions), "use_index": True}
    else:
        nearest |= {"use_index": False}
    hits = table.scanner(
        columns=[ROW_ID],
        nearest=nearest,
        fast_search=bool(partitions),
        disable_scoring_autoprojection=True,
    ).to_table()
    rows: list[int] = hits[ROW_ID].to_pylist()
    return rows
