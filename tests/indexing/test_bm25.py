"""TermIndex as numbers: BM25 by hand, counts by sentence; and tantivy's candidates."""

import math
from collections.abc import Sequence
from dataclasses import astuple
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.store.bm25 import K1, B, TermArrays, TermIndex, TermIndexBuilder, read_keys
from index.store.candidates import (
    KEYS,
    CandidateIndex,
    build_candidate_index,
    update_candidate_index,
)

CHUNKS = [
    [["tower"], ["the", "lamp", "of", "the", "tower"], ["it", "is", "lit"]],
    [["bridge"], ["the", "chain"], []],
    [[], ["lamp", "lamp", "oil"]],
]


@pytest.fixture
def built_terms(tmp_path: Path) -> tuple[TermIndex, TermArrays]:
    """The chunks' terms, written and opened."""
    builder = TermIndexBuilder()
    for segments in CHUNKS:
        builder.add(segments)
    term_arrays = builder.build()
    term_arrays.save(tmp_path)
    return TermIndex(
        tmp_path, read_keys(tmp_path), vocabulary_size=len(term_arrays.vocabulary)
    ), term_arrays


def bm25_by_hand(query: Sequence[str], row: int) -> float:
    flat = [[term for segment in chunk for term in segment] for chunk in CHUNKS]
    mean = sum(map(len, flat)) / len(flat)
    score = 0.0
    for term in query:
        holding = sum(term in chunk for chunk in flat)
        idf = math.log(1 + (len(flat) - holding + 0.5) / (holding + 0.5))
        count = flat[row].count(term)
        norm = K1 * (1 - B + B * len(flat[row]) / mean)
        score += idf * count * (K1 + 1) / (count + norm)
    return score


def test_bm25_is_the_formulas(built_terms: tuple[TermIndex, TermArrays]) -> None:
    opened, term_arrays = built_terms
    query = ["lamp", "tower", "chain"]
    numbers = np.array([term_arrays.vocabulary.index(term) for term in query])
    rows = np.array([2, 0, 1])
    idf = opened.idf(term_arrays.document_frequencies[numbers].tolist())
    scores = opened.bm25(rows, opened.positions(rows, numbers).frequencies(), idf)
    np.testing.assert_allclose(scores, [bm25_by_hand(query, row) for row in rows], rtol=1e-5)


def test_frequencies_are_by_segment_including_empty_ones(
    built_terms: tuple[TermIndex, TermArrays],
) -> None:
    opened, term_arrays = built_terms
    numbers = np.array([term_arrays.vocabulary.index("lamp"), term_arrays.vocabulary.index("the")])
    frequencies = opened.positions(np.array([1, 0]), numbers).frequencies()
    assert frequencies.offsets.tolist() == [0, 3, 6]
    assert frequencies.segments.tolist() == [[0, 0], [0, 1], [0, 0], [0, 0], [1, 2], [0, 0]]


@given(st.data())
def test_adjacent_pairs_are_terms_side_by_side_in_a_segment(data: st.DataObject) -> None:
    words = st.lists(st.sampled_from("abcd"), max_size=6)
    chunks = data.draw(st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=4))
    vocabulary = sorted({word for chunk in chunks for segment in chunk for word in segment})
    query_terms = data.draw(st.permutations(vocabulary))[: data.draw(st.integers(0, 4))]
    columns = st.integers(0, max(len(query_terms) - 1, 0))
    pairs = data.draw(
        st.lists(st.tuples(columns, columns), max_size=5 * bool(query_terms), unique=True)
    )
    rows = data.draw(st.lists(st.integers(0, len(chunks) - 1), unique=True))
    with TemporaryDirectory() as folder:
        builder = TermIndexBuilder()
        for chunk in chunks:
            builder.add(chunk)
        term_arrays = builder.build()
        term_arrays.save(Path(folder))
        opened = TermIndex(
            Path(folder), read_keys(Path(folder)), vocabulary_size=len(term_arrays.vocabulary)
        )
        numbers = np.array([term_arrays.vocabulary.index(word) for word in query_terms], np.int64)
        positions = opened.positions(np.array(rows, np.int64), numbers)
        adjacent = positions.adjacent_pairs(np.array(pairs, np.int64).reshape(-1, 2))
    by_hand = [
        [(query_terms[left], query_terms[right]) in set(pairwise(segment)) for left, right in pairs]
        for row in rows
        for segment in chunks[row]
    ]
    assert adjacent.tolist() == by_hand


def test_no_rows_and_no_terms_count_nothing(built_terms: tuple[TermIndex, TermArrays]) -> None:
    opened, _ = built_terms
    rows, none = np.empty(0, np.int64), np.empty(0, np.int64)
    assert opened.positions(rows, none).frequencies().segments.shape == (0, 0)
    assert opened.bm25(
        rows, opened.positions(rows, none).frequencies(), np.empty(0, np.float32)
    ).shape == (0,)
    assert opened.positions(np.array([0]), none).frequencies().segments.shape == (3, 0)


def test_an_empty_corpus_has_terms_that_can_be_opened(tmp_path: Path) -> None:
    TermIndexBuilder().build().save(tmp_path)
    assert len(TermIndex(tmp_path, read_keys(tmp_path), vocabulary_size=0)) == 0


def test_the_candidate_index_finds_every_chunk_with_a_term_best_first(tmp_path: Path) -> None:
    build_candidate_index(tmp_path / "lexical", ["lamp oil", "bridge", "lamp lamp lamp"])
    index = CandidateIndex(tmp_path / "lexical")
    assert index.search(["lamp"], limit=10).tolist() == [2, 0]
    assert sorted(index.search(["oil", "bridge"], limit=10).tolist()) == [0, 1]
    assert index.search(["lamp"], limit=1).tolist() == [2]


def test_the_candidate_index_finds_nothing_without_terms_or_chunks(tmp_path: Path) -> None:
    build_candidate_index(tmp_path / "lexical", [])
    index = CandidateIndex(tmp_path / "lexical")
    assert index.search(["lamp"], limit=3).size == 0
    assert len(index) == 0


def test_an_updated_candidate_index_finds_what_a_new_one_would(tmp_path: Path) -> None:
    older, newer = tmp_path / "older", tmp_path / "newer"
    build_candidate_index(older, ["lamp oil", "bridge", "lamp lamp lamp", "whale"])
    (older / KEYS).unlink()  # as in generations of before there were keys
    before = {path: path.read_bytes() for path in older.iterdir()}
    copied = np.array([3, -1, 0, -1])
    update_candidate_index(older, newer, copied=copied, texts=["lamp post", "chain bridge"])
    assert {path: path.read_bytes() for path in older.iterdir()} == before
    index = CandidateIndex(newer)
    assert len(index) == 4
    assert index.keys == 6
    assert [sorted(index.search([term], limit=9)) for term in ("lamp", "bridge", "whale")] == [
        [1, 2],
        [3],
        [0],
    ]
    update_candidate_index(newer, tmp_path / "newest", copied=np.array([3, 0]), texts=[])
    index = CandidateIndex(tmp_path / "newest")
    assert [sorted(index.search([term], limit=9)) for term in ("lamp", "bridge", "whale")] == [
        [],
        [0],
        [1],
    ]


def test_terms_of_copied_chunks_are_those_of_a_full_build(tmp_path: Path) -> None:
    builder = TermIndexBuilder()
    for segments in CHUNKS:
        builder.add(segments)
    arrays = builder.build()
    arrays.save(tmp_path)
    older = TermIndex(tmp_path, read_keys(tmp_path), vocabulary_size=len(arrays.vocabulary))
    frequencies = arrays.document_frequencies.tolist()
    changed, whole = TermIndexBuilder(arrays.vocabulary, frequencies, older), TermIndexBuilder()
    new = [["lens"], ["lamp", "lens", "lens"]]
    changed.copy_rows(2, 1)
    changed.add(new)
    changed.copy_rows(0, 1)
    for segments in (CHUNKS[2], new, CHUNKS[0]):
        whole.add(segments)
    for one, other in zip(astuple(changed.build()), astuple(whole.build()), strict=True):
        assert list(one) == list(other)
