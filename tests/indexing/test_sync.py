"""Syncing a folder: what is read, embedded, published and reported."""

import errno
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.errors import (
    CorpusMismatch,
    CorpusMissing,
    DiskFull,
    EmbedderUnavailable,
    SpaceLow,
    SyncBusy,
    SyncFailed,
)
from index.store.manifest import read_current
from index.sync.process import SyncRequest, error_from_event, error_to_event, run_sync
from index.sync.publish import check_space, disk_error
from tests.support.corpus_builder import (
    ARTICLES,
    BuiltIndex,
    open_generation,
    source_paths,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.fakes import FakeModel

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture
def request_(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A sync of the three articles, not yet run."""
    return sync_request(write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", hosted)


@contextmanager
def files_opened(below: Path) -> Iterator[list[str]]:
    """Collects which files below a folder this process opens meanwhile."""
    seen: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).startswith(str(below)):
            seen.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield seen
    watching = False


def embedded_texts(model: FakeModel) -> list[str]:
    return [text for request in model.requests for text in request.body["input"]]


# --- what a first sync does


def test_a_first_sync_publishes_every_article(built: BuiltIndex) -> None:
    assert built.report.published
    assert (built.report.added, built.report.unchanged, built.report.skipped) == (3, 0, ())
    assert source_paths(built.request) == sorted(ARTICLES)


def test_it_reports_its_progress(built: BuiltIndex) -> None:
    kinds = [event["event"] for event in built.events]
    assert kinds[0] == "parse"
    assert kinds[-1] == "publish"
    assert {"embed", "build"} <= set(kinds)
    done = [event["done"] for event in built.events if event["event"] == "embed"]
    assert done[-1] == built.report.chunks


def test_the_same_runs_in_a_child_process(request_: SyncRequest) -> None:
    events: list[dict[str, object]] = []
    report = run_sync(request_, events.append)
    assert report.added == 3
    assert [event["event"] for event in events][-1] == "publish"


def test_a_large_first_sync_is_lexically_searchable_before_it_is_embedded(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    lines = "".join(f"Line {n} of the ledger tells of {n} barrels. " * 3 + "\n" for n in range(600))
    request = sync_request(write_files(tmp_path / "c", {"a.txt": lines}), tmp_path / "d", hosted)
    _, events = sync_in_process(request)
    published = [event for event in events if event["event"] == "publish"]
    assert [event["complete"] for event in published] == [False, True]
    assert events.index(published[0]) < [event["event"] for event in events].index("embed")


# --- what a second sync does


def test_a_second_sync_reads_embeds_and_publishes_nothing(
    tmp_path: Path, hosted: EmbedSpec, embeddings: FakeModel
) -> None:
    request = sync_request(SEEDS, tmp_path / "data", hosted)
    sync_in_process(request)
    before = read_current(request.folder), len(embeddings.requests)
    with files_opened(SEEDS) as files:
        report, _ = sync_in_process(request)
    assert not report.published
    assert report.unchanged == 5
    assert (read_current(request.folder), len(embeddings.requests)) == before
    assert [file for file in files if Path(file).is_file()] == []


def test_a_touched_file_with_the_same_content_publishes_nothing(request_: SyncRequest) -> None:
    sync_in_process(request_)
    os.utime(request_.corpus / "lighthouse.txt")
    assert not sync_in_process(request_)[0].published


def test_a_changed_file_embeds_only_its_changed_chunks(
    request_: SyncRequest, embeddings: FakeModel
) -> None:
    sync_in_process(request_)
    embeddings.requests.clear()
    path = request_.corpus / "lighthouse.txt"
    path.write_text(path.read_text().replace("41.5 metres", "49.5 metres"))
    report, _ = sync_in_process(request_)
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 1, 0, 2)
    texts = [text for text in embedded_texts(embeddings) if "dimensions" not in text]
    assert texts
    assert all("49.5 metres" in text for text in texts)


def test_new_content_of_the_same_size_and_mtime_is_detected(request_: SyncRequest) -> None:
    sync_in_process(request_)
    path = request_.corpus / "lighthouse.txt"
    times = path.stat()
    path.write_text(path.read_text().replace("1871", "1872"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert sync_in_process(request_)[0].changed == 1
    with open_generation(request_) as generation:
        assert generation.find_lexical(["1872"], limit=3)
        assert not generation.find_lexical(["1871"], limit=3)


def test_added_and_removed_files_are_detected(request_: SyncRequest) -> None:
    sync_in_process(request_)
    (request_.corpus / "museum.html").unlink()
    write_files(request_.corpus, {"new.txt": "A whale was seen off the cape in June."})
    report, _ = sync_in_process(request_)
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 0, 1, 2)
    assert source_paths(request_) == ["harbour/bridge.md", "lighthouse.txt", "new.txt"]


def test_of_a_renamed_file_only_the_title_is_embedded(
    request_: SyncRequest, embeddings: FakeModel
) -> None:
    sync_in_process(request_)
    embeddings.requests.clear()
    (request_.corpus / "lighthouse.txt").rename(request_.corpus / "lighthouse2.txt")
    report, _ = sync_in_process(request_)
    assert (report.added, report.removed) == (1, 1)
    texts = [text for text in embedded_texts(embeddings) if "dimensions" not in text]
    assert texts == ["lighthouse2"]


def test_unused_vectors_are_evicted_but_not_those_of_existing_articles(
    request_: SyncRequest, embeddings: FakeModel
) -> None:
    sync_in_process(request_)
    gone = (request_.corpus / "museum.html").read_text()
    (request_.corpus / "museum.html").unlink()
    with closing(sqlite3.connect(request_.cache)) as connection:
        connection.execute("UPDATE used SET day = 0")
        connection.commit()
        before = connection.execute("SELECT count(*) FROM embeddings").fetchone()[0]
        sync_in_process(request_)
        after = connection.execute("SELECT count(*) FROM embeddings").fetchone()[0]
        with open_generation(request_) as generation:
            chunks = [chunk for chunk, _ in generation.chunks(range(generation.info.chunks))]
            headings = {(chunk.source_id, chunk.heading) for chunk in chunks}
            assert before > after == len(generation.vector_ids()) + len(headings)
    write_files(request_.corpus, {"museum.html": gone})
    embeddings.requests.clear()
    sync_in_process(request_)
    assert any("whalebone" in text for text in embedded_texts(embeddings))


def test_a_changed_file_that_became_unreadable_is_removed_and_reported(
    request_: SyncRequest,
) -> None:
    sync_in_process(request_)
    write_files(request_.corpus, {"lighthouse.txt": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"})
    report, _ = sync_in_process(request_)
    assert [entry.path for entry in report.skipped] == ["lighthouse.txt"]
    assert "lighthouse.txt" not in source_paths(request_)


def test_two_generations_stay_on_disk(request_: SyncRequest) -> None:
    for number in range(4):
        write_files(request_.corpus, {"new.txt": f"Entry {number} of the log."})
        sync_in_process(request_)
    names = sorted(path.name for path in (request_.folder / "generations").iterdir())
    assert names == ["000003", "000004"]


# --- files that are skipped


def test_bad_files_are_reported_and_the_rest_is_indexed(request_: SyncRequest) -> None:
    write_files(
        request_.corpus, {"b.txt": b"\0\1\2", "e.txt": "  \n", "p.pdf": "x", "big.txt": "x" * 10**6}
    )
    write_files(request_.corpus, {"big.txt": "x" * (10**6 + 1)})
    os.mkfifo(request_.corpus / "pipe.txt")
    report, events = sync_in_process(request_)
    causes = {entry.path: entry.cause for entry in report.skipped}
    assert causes == {
        "b.txt": "is a binary file, not text",
        "e.txt": "contains no text",
        "p.pdf": ".pdf is not among the enabled formats",
        "big.txt": "has 1,000,001 bytes, more than 1,000,000",
        "pipe.txt": "is not a regular file",
    }
    assert {event["source"] for event in events if event["event"] == "skip"} == set(causes)
    assert source_paths(request_) == sorted(ARTICLES)


def test_the_same_bad_files_do_not_publish_again(request_: SyncRequest) -> None:
    write_files(request_.corpus, {"b.txt": b"\0\1\2"})
    sync_in_process(request_)
    report, _ = sync_in_process(request_)
    assert not report.published
    assert [entry.path for entry in report.skipped] == ["b.txt"]


def test_a_repaired_file_is_indexed(request_: SyncRequest) -> None:
    write_files(request_.corpus, {"b.txt": b"\0\1\2"})
    sync_in_process(request_)
    write_files(request_.corpus, {"b.txt": "abc"})
    assert sync_in_process(request_)[0].added == 1


def test_deceptive_text_is_sanitized_before_it_is_embedded(
    request_: SyncRequest, embeddings: FakeModel
) -> None:
    write_files(request_.corpus, {"t.txt": "The key\u202e is under\U000e0041 the stone."})
    sync_in_process(request_)
    assert not any("\u202e" in text or "\U000e0041" in text for text in embedded_texts(embeddings))
    with open_generation(request_) as generation:
        (row,) = generation.find_lexical(["stone"], limit=1)
        assert generation.chunks([row])[0][1] == "The key\u202e is under\U000e0041 the stone."


@contextmanager
def failing(path: Path, code: int) -> Iterator[None]:
    """Lets opening or listing a path fail meanwhile, as a disk does."""
    watching = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "os.scandir") and str(arguments[0]) == str(path):
            raise OSError(code, os.strerror(code), str(path))

    sys.addaudithook(hook)
    try:
        yield
    finally:
        watching = False


@pytest.mark.parametrize("name", ["lighthouse.txt", "harbour"])
def test_what_the_disk_cannot_read_at_the_moment_is_kept_and_reported(
    request_: SyncRequest, name: str
) -> None:
    sync_in_process(request_)
    for path in ("lighthouse.txt", "harbour/bridge.md"):
        os.utime(request_.corpus / path)
    write_files(request_.corpus, {"new.txt": "A whale was seen off the cape in June."})
    with failing(request_.corpus / name, errno.EIO):
        report, _ = sync_in_process(request_)
    assert [(entry.path, entry.passing) for entry in report.skipped] == [(name, True)]
    assert (report.added, report.removed, report.unchanged) == (1, 0, 3)
    assert source_paths(request_) == sorted([*ARTICLES, "new.txt"])
    report, _ = sync_in_process(request_)
    assert report.skipped == ()


def test_a_file_that_is_no_longer_permitted_is_removed(request_: SyncRequest) -> None:
    sync_in_process(request_)
    os.utime(request_.corpus / "lighthouse.txt")
    with failing(request_.corpus / "lighthouse.txt", errno.EACCES):
        report, _ = sync_in_process(request_)
    assert report.removed == 1
    assert "lighthouse.txt" not in source_paths(request_)


# --- the corpus


def test_an_empty_corpus_publishes_an_empty_generation(tmp_path: Path, hosted: EmbedSpec) -> None:
    request = sync_request(write_files(tmp_path / "corpus", {}), tmp_path / "data", hosted)
    report, _ = sync_in_process(request)
    assert report.published
    assert report.chunks == 0
    with open_generation(request) as generation:
        assert generation.find_lexical(["lamp"], limit=5) == []
        assert generation.find_dense(generation.similarities([], None), limit=5) == []  # type: ignore[arg-type]  # no vector is looked at


def test_a_missing_corpus_is_an_error_and_the_index_is_kept(request_: SyncRequest) -> None:
    sync_in_process(request_)
    before = read_current(request_.folder)
    shutil.rmtree(request_.corpus)
    with pytest.raises(CorpusMissing, match="create it"):
        run_sync(request_, lambda event: None)
    assert read_current(request_.folder) == before


def test_another_corpus_is_refused_unless_replaced(
    request_: SyncRequest, tmp_path: Path, hosted: EmbedSpec
) -> None:
    sync_in_process(request_)
    other = write_files(tmp_path / "other", {"a.txt": "Another article about bees."})
    with pytest.raises(CorpusMismatch, match="--replace"):
        sync_in_process(sync_request(other, tmp_path / "data", hosted))
    assert source_paths(request_) == sorted(ARTICLES)
    replaced = sync_request(other, tmp_path / "data", hosted, replace=True)
    sync_in_process(replaced)
    assert source_paths(replaced) == ["a.txt"]


# --- embedders


def test_another_embedder_rebuilds_with_its_own_vectors(
    request_: SyncRequest, tmp_path: Path, embeddings: FakeModel
) -> None:
    sync_in_process(request_)
    other = EmbedSpec("openai", "another", embeddings.base_url, None, tmp_path / "models")
    request = sync_request(request_.corpus, tmp_path / "data", other)
    report, _ = sync_in_process(request)
    assert report.published
    with open_generation(request) as generation:
        assert "another" in generation.manifest.embedder


def test_a_dead_endpoint_fails_the_sync_and_the_index_is_kept(
    request_: SyncRequest, tmp_path: Path
) -> None:
    sync_in_process(request_)
    before = read_current(request_.folder)
    write_files(request_.corpus, {"new.txt": "New words here."})
    with FakeModel(fault="http_401") as dead:
        spec = EmbedSpec("openai", "fake", dead.base_url, None, tmp_path / "models")
        with pytest.raises(EmbedderUnavailable):
            sync_in_process(sync_request(request_.corpus, tmp_path / "data", spec))
    assert read_current(request_.folder) == before


# --- one writer


def test_a_second_writer_is_refused_with_the_holders_pid(request_: SyncRequest) -> None:
    request_.folder.mkdir(parents=True)
    with (request_.folder / "lock").open("w+") as holder:
        holder.write(f"{os.getpid()}\n")
        holder.flush()
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(SyncBusy, match=f"process {os.getpid()}") as caught:
            run_sync(request_, lambda event: None)
    assert caught.value.pid == os.getpid()


# --- the disk


def test_low_disk_space_is_an_error_with_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(SpaceLow, match=r"MB are free .* but a sync needs 1,000,000,000,200 MB"):
        check_space(tmp_path, build_bytes=10**18)
    check_space(tmp_path, build_bytes=0)


def full_database() -> Exception:
    """What SQLite raises where there is no room for another page."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as caught:
            database.execute("CREATE TABLE words (word)")
    return caught.value


def test_a_full_disk_is_distinguished_from_other_errors(tmp_path: Path) -> None:
    assert isinstance(disk_error(full_database(), tmp_path), DiskFull)
    assert isinstance(disk_error(OSError(errno.EDQUOT, "Quota exceeded"), tmp_path), DiskFull)
    failed = disk_error(OSError(errno.EIO, "Input/output error", "manifest.json"), tmp_path)
    assert isinstance(failed, SyncFailed)
    assert "manifest.json" in str(failed)
    assert disk_error(ValueError("no such thing"), tmp_path) is None


# --- damage


def test_a_damaged_previous_generation_is_rebuilt(request_: SyncRequest) -> None:
    sync_in_process(request_)
    current = read_current(request_.folder)
    assert current is not None
    catalog = request_.folder / "generations" / current.generation / "catalog.sqlite3"
    data = bytearray(catalog.read_bytes())
    data[len(data) // 2] ^= 255
    catalog.write_bytes(data)
    report, events = sync_in_process(request_)
    assert report.published
    assert "catalog.sqlite3" in str(next(e for e in events if e["event"] == "rebuild")["cause"])
    assert source_paths(request_) == sorted(ARTICLES)


@pytest.mark.parametrize("content", ["", "nonsense", "000001", "../../x " + "0" * 64, "\xff\xff"])
def test_a_damaged_current_is_rebuilt(request_: SyncRequest, content: str) -> None:
    sync_in_process(request_)
    (request_.folder / "CURRENT").write_bytes(content.encode("latin-1"))
    assert sync_in_process(request_)[0].published
    assert source_paths(request_) == sorted(ARTICLES)


def test_unfinished_builds_are_removed(request_: SyncRequest) -> None:
    left = write_files(request_.folder / "generations" / "building-1", {"catalog.sqlite3": "half"})
    write_files(request_.folder / "generations" / "000007", {"catalog.sqlite3": "unpublished"})
    sync_in_process(request_)
    assert not left.exists()
    assert [path.name for path in (request_.folder / "generations").iterdir()] == ["000008"]


def test_an_unexpected_error_in_the_child_is_reported(request_: SyncRequest) -> None:
    request_.folder.parent.mkdir(parents=True)
    request_.folder.write_text("a file where the folder should be")
    with pytest.raises(SyncFailed, match=r"File exists|Not a directory"):
        run_sync(request_, lambda event: None)


def test_an_error_survives_its_way_through_an_event() -> None:
    error = error_from_event(error_to_event(SyncBusy("default", 12)))
    assert isinstance(error, SyncBusy)
    assert (error.collection, error.pid) == ("default", 12)
    assert str(error) == str(SyncBusy("default", 12))
