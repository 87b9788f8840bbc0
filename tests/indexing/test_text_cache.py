"""The cache of texts is bounded by their size, not by their number."""

import pytest

from index.store.text_cache import TextCache


def test_the_texts_read_last_stay_as_far_as_they_fit() -> None:
    reads: list[str] = []

    def read(source_id: str) -> str:
        reads.append(source_id)
        return source_id * 10

    cache = TextCache(read, max_chars=30)
    for source_id in ("a", "b", "c", "a", "d", "a", "b"):
        assert cache(source_id) == source_id * 10
    assert reads == ["a", "b", "c", "d", "b"]


def test_a_text_that_is_too_long_is_read_each_time_and_drives_out_nothing() -> None:
    reads: list[str] = []

    def read(source_id: str) -> str:
        reads.append(source_id)
        return source_id * (31 if source_id == "x" else 10)

    cache = TextCache(read, max_chars=30)
    assert [len(cache(source_id)) for source_id in ("a", "x", "x", "a")] == [10, 31, 31, 10]
    assert reads == ["a", "x", "x"]


def test_what_is_not_there_is_not_cached() -> None:
    texts: dict[str, str] = {}
    cache = TextCache(texts.__getitem__)
    with pytest.raises(KeyError):
        cache("a")
    texts["a"] = "A text."
    assert cache("a") == "A text."
