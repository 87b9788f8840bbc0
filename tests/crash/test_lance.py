"""Damage to a Lance generation is refused, and reading goes on while newer ones are published."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.embed.factory import EmbedSpec
from index.engine import open_generation, verify
from index.errors import GenerationDamaged, SettingInvalid
from index.lance.checked import NAME
from index.lance.opened import LanceGeneration, is_in_dataset
from index.serving import Serving
from index.store.manifest import (
    GenerationRef,
    generation_folder,
    read_current,
    read_manifest,
    read_published,
)
from index.store.opened import StoredGeneration
from index.sync.process import SyncRequest
from index.sync.publish import read_status, roll_back
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.extras import needs

pytestmark = needs("lance")

SOAK = bool(os.environ.get("SOAK"))


@pytest.fixture
def request_(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A collection with two generations."""
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    request = sync_request(corpus, tmp_path / "data", hosted, engine="lance")
    sync_in_process(request)
    write_files(request.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(request)
    return request


def current(request: SyncRequest) -> GenerationRef:
    ref = read_current(request.folder)
    assert ref is not None
    return ref


@pytest.fixture
def generation(request_: SyncRequest) -> Iterator[StoredGeneration]:
    with closing(open_generation(request_.folder, current(request_))) as opened:
        yield opened


def files_of(request: SyncRequest) -> list[Path]:
    folder = generation_folder(request.folder, current(request).generation)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_unlinked(path: Path, data: bytes) -> None:
    """Replaces a file: written in place, the generation before would be altered, too."""
    path.unlink()
    path.write_bytes(data)


def flipped(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]


def test_a_flipped_byte_in_any_file_is_refused(request_: SyncRequest) -> None:
    for path in files_of(request_):
        whole = path.read_bytes()
        write_unlinked(path, flipped(whole))
        with pytest.raises(GenerationDamaged, match="000002 is damaged"):
            open_generation(request_.folder, current(request_))
        write_unlinked(path, whole)
    open_generation(request_.folder, current(request_)).close()


def test_a_missing_and_an_additional_file_are_refused(request_: SyncRequest) -> None:
    path = next(path for path in files_of(request_) if path.suffix == ".lance")
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(GenerationDamaged, match="No such file"):
        open_generation(request_.folder, current(request_))
    path.write_bytes(whole)
    path.with_name("other.lance").write_bytes(whole)
    with pytest.raises(GenerationDamaged, match="is not in the manifest"):
        open_generation(request_.folder, current(request_))


def test_a_damaged_generation_is_built_again_and_the_one_before_serves_meanwhile(
    request_: SyncRequest,
) -> None:
    path = next(path for path in files_of(request_) if path.name == "sources.arrow")
    write_unlinked(path, flipped(path.read_bytes()))
    with closing(Serving(request_.folder, "default")) as serving:
        serving.refresh()
        with serving.lease() as generation:
            assert generation.info.generation == "000001"
        assert "000002 is damaged" in str(serving.error_message)
    report, events = sync_in_process(request_)
    assert report.published
    assert "000002 is damaged" in str([event for event in events if event["event"] == "rebuild"])
    with closing(open_generation(request_.folder, current(request_))) as generation:
        verify(generation)
        assert "new.txt" in generation.all_sources()


def test_damage_that_leaves_no_stamp_is_found_by_who_opens_and_then_by_the_sync(
    request_: SyncRequest,
) -> None:
    path = next(path for path in files_of(request_) if path.suffix == ".lance")
    stat, data = path.stat(), path.read_bytes()
    path.write_bytes(flipped(data))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not sync_in_process(request_)[0].published  # it was hashed lately
    with pytest.raises(GenerationDamaged):
        open_generation(request_.folder, current(request_))
    assert not (request_.folder / NAME).exists()
    assert sync_in_process(request_)[0].published
    with closing(open_generation(request_.folder, current(request_))) as generation:
        verify(generation)


def test_a_sync_writes_only_what_changed(
    request_: SyncRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.lance.build.MAX_MOVED", 1.0)
    write_files(request_.corpus, {"new.txt": "Two whales were seen off the cape in July."})
    sync_in_process(request_)
    older, newer = (
        read_manifest(generation_folder(request_.folder, ref.generation), ref.manifest_sha256)
        for ref in reversed(read_published(request_.folder))
    )
    kept = [name for name in older.files if newer.files.get(name) == older.files[name]]
    assert any("/data/" in name for name in kept)
    assert any("/_indices/" in name for name in kept)
    for name in kept:
        paths = [generation_folder(request_.folder, f"00000{n}") / name for n in (2, 3)]
        assert name.endswith(".arrow") or paths[0].samefile(paths[1])
    reused = newer.files.keys() & older.files.keys()
    assert all(name in kept for name in reused if is_in_dataset(name))


def test_a_rollback_and_a_sync_after_it_never_give_a_file_another_content(
    request_: SyncRequest,
) -> None:
    manifests = {}

    def note() -> None:
        ref = current(request_)
        manifest = read_manifest(
            generation_folder(request_.folder, ref.generation), ref.manifest_sha256
        )
        for name, sha256 in manifest.files.items():
            if is_in_dataset(name):
                assert manifests.setdefault(name, sha256) == sha256

    note()
    assert roll_back(request_.folder, "default") == "000001"
    note()
    assert read_status(request_.folder, "default").before == "000002"
    sync_in_process(request_)
    note()
    assert current(request_).generation == "000003"
    with closing(open_generation(request_.folder, current(request_))) as generation:
        assert "new.txt" in generation.all_sources()


def test_many_changes_are_merged_and_lose_nothing(request_: SyncRequest) -> None:
    for number in range(12 if SOAK else 4):
        text = "\n\n".join(f"Whale {number} and {other} swam north." for other in range(9))
        write_files(request_.corpus, {f"{number % 3}.txt": text})
        sync_in_process(request_)
        with closing(open_generation(request_.folder, current(request_))) as generation:
            assert isinstance(generation, LanceGeneration)
            verify(generation, generation.all_rows().tolist())
            assert generation.state.moved == 0  # more than a twentieth each time
            assert len(generation.find_lexical([str(number)], limit=100)) >= 1


def test_threads_read_at_the_same_time(generation: LanceGeneration) -> None:
    rows = generation.all_rows()
    expected = [chunk.id for chunk, _ in generation.chunks(rows.tolist())]
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                assert [chunk.id for chunk, _ in generation.chunks(rows.tolist())] == expected
                assert len(generation.evidence(rows).rows) == len(rows)
                assert generation.find_dense(generation.vector(0), limit=1) == [0]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_reading_goes_on_while_five_syncs_publish_and_remove(request_: SyncRequest) -> None:
    ended, failures = threading.Event(), list[BaseException]()
    with closing(open_generation(request_.folder, current(request_))) as generation:
        assert isinstance(generation, LanceGeneration)
        rows = generation.all_rows()

        def read() -> None:
            try:
                while not ended.is_set():
                    generation.chunks(rows.tolist())
                    generation.evidence(rows)
                    assert generation.find_lexical(["whale"], limit=3)
                    for source in generation.sources():
                        generation.text(source.id)
            except BaseException as error:
                failures.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for number in range(5):
                write_files(request_.corpus, {"new.txt": f"Whale {number} was seen in June."})
                sync_in_process(request_)
        finally:
            ended.set()
            reader.join()
        assert not generation.folder.exists()
        # what no question has read yet is there, too
        assert np.isfinite(generation.similarities(rows, generation.vector(int(rows[0])))).all()
    assert failures == []


@pytest.fixture
def in_place(request_: SyncRequest, tmp_path: Path) -> tuple[SyncRequest, str]:
    """The collection of a replica that has only the small files, and where the tables lie."""
    bucket = tmp_path / "bucket"
    folder = generation_folder(request_.folder, current(request_).generation)
    shutil.copytree(folder / "dataset", bucket / "dataset")
    replica = replace(request_, folder=tmp_path / "replica")
    shutil.copytree(folder, generation_folder(replica.folder, folder.name))
    shutil.rmtree(generation_folder(replica.folder, folder.name) / "dataset")
    shutil.copyfile(request_.folder / "CURRENT", replica.folder / "CURRENT")
    return replica, str(bucket / "dataset")


def test_tables_can_stay_elsewhere(in_place: tuple[SyncRequest, str]) -> None:
    replica, bucket = in_place
    with closing(open_generation(replica.folder, current(replica), bucket=bucket)) as generation:
        generation.warm()
        verify(generation)
        for source in generation.sources():
            assert generation.text(source.id)
    with pytest.raises(GenerationDamaged):
        open_generation(replica.folder, current(replica))


def test_a_replica_serves_from_tables_elsewhere(in_place: tuple[SyncRequest, str]) -> None:
    replica, bucket = in_place
    with closing(Serving(replica.folder, "default", bucket=f"file://{bucket}")) as serving:
        serving.refresh()
        assert serving.error_message is None
        with serving.lease() as generation:
            rows = generation.find_lexical(["whale"], limit=3)
            ((chunk, text),) = generation.chunks(rows)
            assert generation.text(chunk.source_id)[chunk.start : chunk.end] == text


def test_without_the_extra_a_sync_says_what_to_install(
    request_: SyncRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(SettingInvalid, match=r"pip install 'footnote\[lance\]'"):
        sync_in_process(request_)
    with pytest.raises(SettingInvalid, match=r"footnote\[lance\]"):
        open_generation(request_.folder, current(request_))


def test_an_altered_text_elsewhere_is_an_error_and_never_a_quote(
    in_place: tuple[SyncRequest, str],
) -> None:
    replica, bucket = in_place
    quoted = damaged = 0
    files = sorted((Path(bucket) / "texts" / "data").iterdir())
    for path in files:
        whole = path.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // (200 if SOAK else 12))):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            try:
                with closing(
                    open_generation(replica.folder, current(replica), bucket=bucket)
                ) as generation:
                    for source in generation.sources():
                        text = generation.text(source.id)
                        assert len(text) == source.length
                        quoted += 1
            except GenerationDamaged:
                damaged += 1
        path.write_bytes(whole)
    assert quoted
    assert damaged


def test_altered_passages_elsewhere_are_named_or_read_as_they_were(
    in_place: tuple[SyncRequest, str],
) -> None:
    replica, bucket = in_place
    damaged = 0
    for path in sorted((Path(bucket) / "passages" / "data").iterdir()):
        whole = path.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // (200 if SOAK else 12))):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
            try:
                with closing(
                    open_generation(replica.folder, current(replica), bucket=bucket)
                ) as generation:
                    assert isinstance(generation, LanceGeneration)
                    rows = generation.all_rows()
                    for chunk, text in generation.chunks(rows.tolist()):
                        assert generation.text(chunk.source_id)[chunk.start : chunk.end] == text
                    generation.evidence(rows)
            except GenerationDamaged:
                damaged += 1
        path.write_bytes(whole)
    assert damaged
