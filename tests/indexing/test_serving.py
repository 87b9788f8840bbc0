"""The serving generation: switching, leases, a damaged newest one, and rolling back."""

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import GenerationDamaged, GenerationMissing
from index.serving import Serving
from index.store.manifest import read_published
from index.sync.process import SyncRequest
from index.sync.publish import roll_back
from tests.support.corpus_builder import (
    flip_bit,
    serving_folder,
    source_paths,
    sync_in_process,
    write_files,
)


@pytest.fixture
def serving(twice: SyncRequest) -> Iterator[Serving]:
    """Serves that collection; not refreshed yet."""
    made = Serving(twice.folder, "default")
    yield made
    made.close()


def served(serving: Serving) -> str:
    with serving.lease() as generation:
        return generation.info.generation


def test_nothing_serves_before_the_first_generation(tmp_path: Path) -> None:
    serving = Serving(tmp_path / "default", "default")
    assert not serving.refresh()
    with pytest.raises(GenerationMissing, match="footnote sync"), serving.lease():
        pass


def test_a_new_generation_is_switched_to_once(twice: SyncRequest, serving: Serving) -> None:
    assert serving.refresh()
    assert not serving.refresh()
    write_files(twice.corpus, {"newer.txt": "A second whale was seen in July."})
    sync_in_process(twice)
    assert serving.refresh()
    assert served(serving) == "000003"


def test_a_lease_keeps_the_old_generation_open(twice: SyncRequest, serving: Serving) -> None:
    serving.refresh()
    with serving.lease() as old:
        for number in range(3):
            write_files(twice.corpus, {"newer.txt": f"Whale number {number} was seen."})
            sync_in_process(twice)
            serving.refresh()
        assert not (twice.folder / "generations" / old.info.generation).exists()
        assert old.info.generation == "000002"
        rows = old.find_lexical(["whale"], limit=5)
        assert old.find_dense(old.vector(rows[0]), limit=1) == rows[:1]
        assert len(old.chunks(rows)) == len(rows)
        private = old.private_folder
    assert not private.exists()
    assert served(serving) == "000005"


def test_the_generation_before_serves_when_the_newest_is_damaged(
    twice: SyncRequest, serving: Serving
) -> None:
    flip_bit(serving_folder(twice) / "catalog.sqlite3")
    assert serving.refresh()
    assert served(serving) == "000001"
    assert serving.error_message is not None
    assert "000002 is damaged (catalog.sqlite3 was altered)" in serving.error_message
    assert not serving.refresh()
    assert serving.error_message


def test_a_sync_clears_the_error(twice: SyncRequest, serving: Serving) -> None:
    flip_bit(serving_folder(twice) / "catalog.sqlite3")
    serving.refresh()
    sync_in_process(twice)
    assert serving.refresh()
    assert serving.error_message is None
    assert served(serving) == "000003"


def test_what_serves_goes_on_when_a_newer_one_is_damaged(
    twice: SyncRequest, serving: Serving
) -> None:
    serving.refresh()
    write_files(twice.corpus, {"newer.txt": "A second whale was seen in July."})
    sync_in_process(twice)
    flip_bit(serving_folder(twice) / "chunks.npy")
    assert not serving.refresh()
    assert served(serving) == "000002"
    assert "chunks.npy" in str(serving.error_message)


def test_an_unreadable_current_is_an_error_and_what_serves_goes_on(
    twice: SyncRequest, serving: Serving
) -> None:
    serving.refresh()
    (twice.folder / "CURRENT").write_bytes(b"\xff\xfe")
    assert not serving.refresh()
    assert served(serving) == "000002"
    assert "CURRENT" in str(serving.error_message)


def descriptors(folder: Path) -> tuple[int, set[str]]:
    """How many files this process has open, and of which generations below a folder."""
    links = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that of the listing itself
            links.append(os.readlink(path).removesuffix(" (deleted)"))
    below = [Path(link).relative_to(folder) for link in links if link.startswith(f"{folder}/")]
    return len(links), {path.parts[1] for path in below}


def test_opening_one_generation_after_another_leaves_no_file_of_the_old_ones_open(
    twice: SyncRequest, serving: Serving
) -> None:
    serving.refresh()
    before, _ = descriptors(twice.folder)
    gc.disable()  # what is closed is closed at once
    try:
        for _ in range(100 if os.environ.get("SOAK") else 10):
            name = roll_back(twice.folder, "default")
            assert serving.refresh()
            with serving.lease() as generation:
                assert generation.find_lexical(["museum"], limit=1)
        after, open_ones = descriptors(twice.folder)
    finally:
        gc.enable()
    assert open_ones == {name}
    assert after <= before + 10  # Chroma opens its database a few times, as it needs to


# --- rolling back


def test_rolling_back_serves_the_generation_before(twice: SyncRequest, serving: Serving) -> None:
    serving.refresh()
    assert roll_back(twice.folder, "default") == "000001"
    assert serving.refresh()
    assert served(serving) == "000001"
    assert "new.txt" not in source_paths(twice)


def test_rolling_back_twice_is_where_one_was(twice: SyncRequest) -> None:
    before = read_published(twice.folder)
    roll_back(twice.folder, "default")
    assert roll_back(twice.folder, "default") == "000002"
    assert read_published(twice.folder) == before


def test_a_sync_after_rolling_back_is_up_to_date_again(twice: SyncRequest) -> None:
    roll_back(twice.folder, "default")
    report, _ = sync_in_process(twice)
    assert (report.generation, report.added) == ("000003", 1)
    assert [entry.generation for entry in read_published(twice.folder)] == ["000003", "000001"]


def test_there_is_no_rolling_back_to_nothing(copied: SyncRequest) -> None:
    with pytest.raises(GenerationMissing, match="no older generation"):
        roll_back(copied.folder, "default")


def test_there_is_no_rolling_back_to_damage(twice: SyncRequest) -> None:
    flip_bit(twice.folder / "generations" / "000001" / "catalog.sqlite3")
    with pytest.raises(GenerationDamaged):
        roll_back(twice.folder, "default")
    assert serving_folder(twice).name == "000002"
