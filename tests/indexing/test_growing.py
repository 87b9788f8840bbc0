"""Arrays in two files read as one, and the keys that lead to their entries."""

from pathlib import Path

import numpy as np
import pytest

from index.store.files.growing import (
    ADDED,
    GrowingArray,
    RowKeys,
    grow_array,
    load_keys,
    save_keys,
)

NAME = "chunks.npy"
FIRST = np.arange(24, dtype=np.float16).reshape(12, 2)
LATER = [-FIRST[:3], -FIRST[3:4]]


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three generations: the first ones' array has 12 entries, then 15, then 16."""
    folders = [tmp_path / name for name in ("1", "2", "3")]
    for folder in folders:
        folder.mkdir()
    np.save(folders[0] / NAME, FIRST)
    for older, newer, part in zip(folders, folders[1:], LATER, strict=False):
        grow_array(newer, older, NAME, GrowingArray(older, NAME), [part])
    return folders


def test_what_was_added_comes_after_what_was_first(folders: list[Path]) -> None:
    whole, rows = np.concatenate([FIRST, *LATER]), np.array([15, 0, 12, 11, 14])
    for count, folder in zip((12, 15, 16), folders, strict=True):
        array, present = GrowingArray(folder, NAME), rows[rows < count]
        assert len(array) == count
        assert array.last().tolist() == whole[count - 1].tolist()
        assert array.take(present).tolist() == whole[present].tolist()
        assert array.take(present[:0]).shape == (0, 2)
        for start in range(count + 1):
            for stop in range(start, count + 1):
                assert array.span(start, stop).tolist() == whole[start:stop].tolist()


def test_the_first_file_is_shared_and_what_was_added_is_not(folders: list[Path]) -> None:
    assert all((folder / NAME).samefile(folders[0] / NAME) for folder in folders)
    assert not (folders[0] / ADDED).exists()
    assert not (folders[1] / ADDED / NAME).samefile(folders[2] / ADDED / NAME)


def test_nothing_is_written_where_nothing_was_added(folders: list[Path], tmp_path: Path) -> None:
    newer = tmp_path / "4"
    newer.mkdir()
    grow_array(newer, folders[0], NAME, GrowingArray(folders[0], NAME), [FIRST[:0]])
    assert [path.name for path in newer.iterdir()] == [NAME]


def test_entries_of_another_length_are_refused(folders: list[Path]) -> None:
    np.save(folders[1] / ADDED / NAME, np.zeros((3, 3), np.float16))
    with pytest.raises(ValueError, match=NAME):
        GrowingArray(folders[1], NAME)


def test_a_key_leads_to_its_row_and_a_removed_one_to_none(tmp_path: Path) -> None:
    assert load_keys(tmp_path, count=3).of([2, 0]).tolist() == [2, 0]
    save_keys(tmp_path, np.array([0, 5, 2, 3]))
    keys = load_keys(tmp_path, count=6)
    assert (len(keys), keys.of([1, 3]).tolist()) == (4, [5, 3])
    assert keys.rows(range(6)).tolist() == [0, -1, 2, 3, -1, 1]
    with pytest.raises(ValueError, match="not given"):
        RowKeys(np.array([4], np.int32), count=4)
