"""Is a Lance generation consistent, and does it find what it holds? Nothing is changed."""

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import GenerationDamaged
from ..recall import MIN_RECALL, count_missed, measure_recall
from ..store.bm25 import Ints
from ..store.integrity import MAX_MISSED
from .opened import LanceGeneration
from .schema import ROW, VECTOR, WORDS
from .tables import ROW_ID

NEW_SAMPLE, SAMPLE_SIZE, BATCH_SIZE = 32, 16, 16
"""How many of the new rows and of all are searched for: 8 ms each. Lance, unlike Chroma, loses none
in a build, and the counts of its indices are compared for all."""
MAX_HITS = 100
QUERY_TERMS = 8


def verify(
    generation: LanceGeneration,
    new: Sequence[int] = (),
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Raises GenerationDamaged unless tables and indices agree, and find passages.

    Up to NEW_SAMPLE of the `new` rows and SAMPLE_SIZE of all are searched for, by their words and
    by their vectors. Of exact search's hits MIN_RECALL must be found, too, unless the vector index
    is that of the last generation with the `new` rows added. `on_batch` receives (done, total).
    """
    _check_counts(generation)
    if not generation.info.chunks:
        return
    _check_indices(generation)
    rows = np.union1d(_spread(new, NEW_SAMPLE), generation.sample_rows(SAMPLE_SIZE))
    unfound = missed = 0
    for start in range(0, len(rows), BATCH_SIZE):
        batch = rows[start : start + BATCH_SIZE]
        unfound += _count_unfound(generation, batch)
        if generation.info.complete:
            missed += count_missed(generation, batch)
        on_batch(start + len(batch), len(rows))
    for count, means in ((unfound, "words"), (missed, "vectors")):
        if count > MAX_MISSED * len(rows):
            cause = f"{count} of {len(rows)} chunks are not found by their {means}"
            raise GenerationDamaged(generation.folder, cause)
    state = generation.state
    is_measured = state.moved and 0 < len(new) < generation.info.chunks
    if state.trained and not is_measured and (recall := measure_recall(generation)) < MIN_RECALL:
        cause = (
            f"the vector index finds {recall:.0%} of the nearest chunks, {MIN_RECALL:.0%} are "
            "needed: sync to rebuild it"
        )
        raise GenerationDamaged(generation.folder, cause)


def _spread(rows: Sequence[int], count: int) -> Ints:
    """Returns up to `count` of the rows, evenly spread."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64)
    return np.array(rows, np.int64)[places]


def _check_counts(generation: LanceGeneration) -> None:
    """Checks that the tables have the rows that the sources and the manifest name."""
    info, rows = generation.info, generation.all_rows()
    sources = len(generation.source_table)
    if (sources, len(rows)) != (info.sources, info.chunks):
        raise GenerationDamaged(generation.folder, "the sources differ from the manifest")
    if generation.texts.count_rows() != sources:
        raise GenerationDamaged(generation.folder, "the table of texts differs from the sources")
    stored = generation.passages.table.scanner(columns=[ROW, ROW_ID]).to_table()
    by_number, by_id = (np.sort(stored[name].to_numpy()) for name in (ROW, ROW_ID))
    if not (np.array_equal(by_number, rows) and np.array_equal(by_id, rows)):
        raise GenerationDamaged(generation.folder, "the passages are not those of the sources")


def _check_indices(generation: LanceGeneration) -> None:
    """Checks that every row is in every index."""
    indexed = generation.passages.indexed_rows()
    expected = {WORDS, VECTOR} if generation.state.trained else {WORDS}
    if indexed.keys() != expected:
        raise GenerationDamaged(generation.folder, "an index is missing")
    for column, (count, _) in indexed.items():
        if count != generation.info.chunks:
            raise GenerationDamaged(generation.folder, f"the index of {column} lacks passages")


def _count_unfound(generation: LanceGeneration, rows: Ints) -> int:
    """Returns how many passages a query for their own words does not find."""
    texts: list[str] = generation.passages.take(rows, [WORDS])[WORDS].to_pylist()
    unfound = 0
    for row, words in zip(rows.tolist(), texts, strict=True):
        counts = generation.vocabulary(list(dict.fromkeys(words.split())))
        rarest = sorted(counts, key=lambda term: counts[term][1])[:QUERY_TERMS]
        hits = generation.find_lexical(rarest, limit=MAX_HITS)
        # equal passages crowd each other out
        if rarest and row not in hits and words not in _words(generation, hits):
            unfound += 1
    return unfound


def _words(generation: LanceGeneration, rows: Sequence[int]) -> list[str]:
    words: list[str] = generation.passages.take(np.array(rows, np.int64), [WORDS])[
        WORDS
    ].to_pylist()
    return words
