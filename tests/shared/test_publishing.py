"""A generation goes to a store and comes back whole, or not at all."""

import hashlib
import json
import random
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.errors import GenerationMissing, IndexingError, SharedDamaged, SyncBusy
from index.object_store import ObjectStore
from index.serving import Serving
from index.shared import lease as lease_module
from index.shared import push as push_module
from index.shared.collection import DATASET, SharedCollection
from index.shared.lease import hold_lease
from index.shared.pull import pull_current
from index.shared.push import Publisher
from index.store.manifest import GenerationRef, read_published
from index.sync.process import SyncRequest
from index.sync.publish import roll_back
from index.sync.run import sync
from tests.support.corpus_builder import (
    ARTICLES,
    flip_bit,
    rewrite_manifest,
    serving_folder,
    source_paths,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.processes import wait_until

FLIPS = {"s3": 100, "file": 10}
ONLY_FILE = pytest.mark.parametrize("url", ["file"], indirect=True)
"""Of what does not depend on the kind of store."""


@pytest.fixture
def machine(url: str, tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A sync of three articles that publishes to an empty store."""
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    return replace(sync_request(corpus, tmp_path / "data", hosted), shared=url)


def another(machine: SyncRequest, name: str) -> SyncRequest:
    """The same sync on another machine."""
    data = machine.folder.parents[2] / name
    return replace(machine, folder=data / "collections/default", cache=data / "embeddings.sqlite3")


def shared_of(machine: SyncRequest) -> SharedCollection:
    assert machine.shared
    return SharedCollection(ObjectStore(machine.shared), machine.collection)


def pull_to(machine: SyncRequest, folder: Path) -> list[tuple[int, int]]:
    """Pulls what is published into a replica's folder; returns the progress."""
    progress: list[tuple[int, int]] = []
    pull_current(shared_of(machine), folder, lambda done, total: progress.append((done, total)))
    return progress


def served_paths(folder: Path) -> list[str]:
    """What a replica answers from."""
    with closing(Serving(folder, "default")) as serving:
        serving.refresh()
        assert serving.error_message is None
        with serving.lease() as generation:
            return [source.path for source in generation.sources(after=None, limit=-1)]


def test_a_replica_serves_what_was_published(machine: SyncRequest, tmp_path: Path) -> None:
    _, events = sync_in_process(machine)
    pushed = [event for event in events if event["event"] == "push"]
    assert pushed[-1]["done"] == pushed[-1]["total"]
    progress = pull_to(machine, tmp_path / "replica")
    assert progress[-1][0] == progress[-1][1] > 10_000
    assert served_paths(tmp_path / "replica") == source_paths(machine)
    assert read_published(tmp_path / "replica") == read_published(machine.folder)
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "replica").rglob("gen*/*")}
    assert modes == {0}


def test_only_what_changed_is_sent_and_received(machine: SyncRequest, tmp_path: Path) -> None:
    _, events = sync_in_process(machine)
    whole = [event["total"] for event in events if event["event"] == "push"][-1]
    pull_to(machine, tmp_path / "replica")
    _, events = sync_in_process(machine)
    assert [event for event in events if event["event"] == "push"] == []
    write_files(machine.corpus, {"new.txt": "A whale was seen off the cape in June."})
    _, events = sync_in_process(machine)
    changed = [event["total"] for event in events if event["event"] == "push"][-1]
    assert isinstance(changed, int)
    assert isinstance(whole, int)
    received = pull_to(machine, tmp_path / "replica")[-1][1]
    assert received <= changed
    assert "new.txt" in served_paths(tmp_path / "replica")
    assert pull_to(machine, tmp_path / "replica") == []


def test_a_sync_on_another_machine_begins_with_what_is_published(machine: SyncRequest) -> None:
    first, _ = sync_in_process(machine)
    other = another(machine, "other")
    report, events = sync_in_process(other)
    assert (report.generation, report.published) == (first.generation, False)
    moves = {event["event"] for event in events} & {"pull", "embed", "push"}
    assert moves == {"pull"}
    write_files(machine.corpus, {"new.txt": "A whale was seen off the cape in June."})
    second, _ = sync_in_process(other)
    assert (second.generation, second.added, second.unchanged) == ("000002", 1, 3)
    back, _ = sync_in_process(machine)
    assert (back.generation, back.published) == ("000002", False)
    assert shared_of(machine).published()[0] == read_published(machine.folder)


@ONLY_FILE
def test_an_index_that_was_never_shared_is_published_by_the_next_sync(
    machine: SyncRequest, tmp_path: Path
) -> None:
    sync_in_process(replace(machine, shared=None))
    report, _ = sync_in_process(machine)
    assert not report.published
    pull_to(machine, tmp_path / "replica")
    assert served_paths(tmp_path / "replica") == source_paths(machine)


def test_of_two_publishers_one_wins_and_the_other_is_told(machine: SyncRequest) -> None:
    """Both hold a lease: the second took the first's for lost."""
    sync_in_process(machine)
    write_files(machine.corpus, {"new.txt": "A whale was seen off the cape in June."})
    other, outcomes = another(machine, "other"), dict[str, object]()
    both_began = threading.Barrier(2)

    def publish(name: str, request: SyncRequest) -> None:
        def wait_for_the_other(event: dict[str, object]) -> None:
            if event["event"] == "build":
                both_began.wait(60)

        try:
            outcomes[name] = sync(request, wait_for_the_other).generation
        except IndexingError as error:
            outcomes[name] = error

    shared = shared_of(machine)
    lease = f"{shared.prefix}/lease"
    threads = [
        threading.Thread(target=publish, args=arguments)
        for arguments in (("first", machine), ("second", other))
    ]
    threads[0].start()
    wait_until(lambda: shared.store.get(lease)[0] != b"free\n")
    shared.store.delete(lease)
    threads[1].start()
    for thread in threads:
        thread.join(120)
    busy = [error for error in outcomes.values() if isinstance(error, SyncBusy)]
    assert len(busy) == 1, outcomes
    assert "another machine" in str(busy[0])
    for request in (machine, other):
        report, _ = sync_in_process(request)
        assert (report.generation, report.published) == ("000002", False)


def test_a_sync_elsewhere_is_waited_for(
    machine: SyncRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = shared_of(machine)
    with hold_lease(shared.store, shared.prefix, "default") as held:
        with pytest.raises(SyncBusy, match="by another machine: try again later"):
            sync_in_process(machine)
        held.check()
    sync_in_process(machine)
    with hold_lease(shared.store, shared.prefix, "default") as held:
        monkeypatch.setattr(lease_module, "LEASE_S", -10)  # as if it was not renewed for long
        write_files(machine.corpus, {"new.txt": "A whale was seen off the cape in June."})
        with pytest.raises(SyncBusy):
            held.check()
        with hold_lease(shared.store, shared.prefix, "default"):
            pass


def test_a_rollback_is_for_all_machines(machine: SyncRequest, tmp_path: Path) -> None:
    sync_in_process(machine)
    with pytest.raises(GenerationMissing, match="no older generation"):
        roll_back(machine.folder, "default", shared=machine.shared)
    write_files(machine.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(machine)
    other = another(machine, "other")
    assert roll_back(other.folder, "default", shared=machine.shared) == "000001"
    pull_to(machine, tmp_path / "replica")
    assert "new.txt" not in served_paths(tmp_path / "replica")
    assert [ref.generation for ref in shared_of(machine).published()[0]] == ["000001", "000002"]
    assert roll_back(machine.folder, "default", shared=machine.shared) == "000002"
    pull_to(machine, tmp_path / "replica")
    assert "new.txt" in served_paths(tmp_path / "replica")


def test_a_flipped_byte_in_the_store_is_refused_and_named(
    machine: SyncRequest, tmp_path: Path
) -> None:
    sync_in_process(machine)
    replica, shared = tmp_path / "replica", shared_of(machine)
    pull_to(machine, replica)
    write_files(machine.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(machine)
    before, names = read_published(replica), list(shared.objects())
    newest = set(shared.files(shared.published()[0][0]).values())
    local = set(shared.files(before[0]).values())
    keys = [key for key in names if key in newest - local]
    picked, refused = random.Random(7), 0
    flips = FLIPS[(machine.shared or "").partition(":")[0]]
    for _ in range(flips):
        key = picked.choice(keys)
        data, tag = shared.store.get(key)
        at = picked.randrange(len(data))
        flipped = data[:at] + bytes([data[at] ^ 1 << picked.randrange(8)]) + data[at + 1 :]
        damaged_tag = shared.store.swap(key, flipped, tag)
        with pytest.raises(SharedDamaged, match=key):
            pull_to(machine, replica)
        refused += 1
        assert read_published(replica) == before
        assert shared.store.swap(key, data, damaged_tag)
    assert refused == flips
    assert "new.txt" not in served_paths(replica)
    pull_to(machine, replica)
    assert "new.txt" in served_paths(replica)


@ONLY_FILE
@pytest.mark.parametrize("damage", [b"", b"nonsense\n", b"\xff\n", b"000001 " + b"0" * 63])
def test_a_store_that_names_no_generation_is_an_error(
    machine: SyncRequest, tmp_path: Path, damage: bytes
) -> None:
    sync_in_process(machine)
    shared = shared_of(machine)
    _, tag = shared.published()
    shared.store.swap(shared.current_key, damage, tag)
    with pytest.raises(SharedDamaged, match="CURRENT names no generation"):
        pull_to(machine, tmp_path / "replica")
    with pytest.raises(SharedDamaged):
        sync_in_process(machine)
    assert source_paths(machine)


@ONLY_FILE
@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a//b", "a/../b", "manifest.json"])
def test_a_manifest_cannot_write_outside_its_folder(
    machine: SyncRequest, tmp_path: Path, name: str
) -> None:
    sync_in_process(machine)
    shared = shared_of(machine)
    (ref,), tag = shared.published()
    fields = json.loads((serving_folder(machine) / "manifest.json").read_text())
    fields["files"][name] = fields["files"].popitem()[1]
    data = json.dumps(fields).encode()
    bad = GenerationRef(ref.generation, hashlib.sha256(data).hexdigest())
    shared.store.put_new(shared.key("manifest.json", bad.manifest_sha256), data)
    shared.store.swap(shared.current_key, f"{bad.generation} {bad.manifest_sha256}\n".encode(), tag)
    with pytest.raises(SharedDamaged, match="is no manifest of its generation"):
        pull_to(machine, tmp_path / "replica")
    assert not list((tmp_path / "replica").rglob("*"))


@ONLY_FILE
def test_a_missing_object_is_named_and_sent_again(machine: SyncRequest, tmp_path: Path) -> None:
    sync_in_process(machine)
    shared = shared_of(machine)
    key = next(iter(shared.objects()))
    shared.store.delete(key)
    with pytest.raises(SharedDamaged, match=f"{key} is missing"):
        pull_to(machine, tmp_path / "replica")
    sync_in_process(machine)
    pull_to(machine, tmp_path / "replica")
    assert served_paths(tmp_path / "replica") == source_paths(machine)


@ONLY_FILE
def test_a_damaged_local_copy_is_received_again(machine: SyncRequest, tmp_path: Path) -> None:
    sync_in_process(machine)
    replica = tmp_path / "replica"
    pull_to(machine, replica)
    (folder,) = (replica / "generations").iterdir()
    flip_bit(folder / "catalog.sqlite3")
    pull_current(shared_of(machine), replica, lambda done, total: None, repair=True)
    assert served_paths(replica) == source_paths(machine)


@ONLY_FILE
def test_files_of_a_dataset_keep_their_names_and_may_stay_in_the_store(
    machine: SyncRequest, tmp_path: Path
) -> None:
    sync_in_process(replace(machine, shared=None))
    write_files(serving_folder(machine), {"dataset/data/a.lance": b"rows", "dataset/v/1": b"v1"})
    rewrite_manifest(machine)
    shared = shared_of(machine)
    shared.store.put_new(f"{shared.prefix}/dataset/v/1", b"of a race that was lost")
    (ref,) = read_published(machine.folder)
    with hold_lease(shared.store, shared.prefix, "default") as lease:
        Publisher(shared, lease).publish(machine.folder, ref, lambda done, total: None)
    assert shared.store.get(f"{shared.prefix}/dataset/data/a.lance")[0] == b"rows"
    pull_to(machine, tmp_path / "mirror")
    (mirrored,) = (tmp_path / "mirror/generations").iterdir()
    assert (mirrored / "dataset/v/1").read_bytes() == b"v1"
    pull_current(
        shared, tmp_path / "reader", lambda *_: None, leave=lambda name: name.startswith(DATASET)
    )
    (read_in_place,) = (tmp_path / "reader/generations").iterdir()
    assert not (read_in_place / "dataset").exists()
    assert (read_in_place / "catalog.sqlite3").exists()


def test_what_no_generation_names_is_removed_after_a_day(
    machine: SyncRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_in_process(machine)
    shared = shared_of(machine)
    first = set(shared.objects())

    def publish_twice() -> None:
        for text in ("A whale was seen off the cape.", "Two whales were seen off the cape."):
            write_files(machine.corpus, {"new.txt": text})
            sync_in_process(machine)

    publish_twice()
    assert first <= set(shared.objects())
    monkeypatch.setattr(push_module, "KEEP", -push_module.KEEP)  # as if a day had passed
    publish_twice()
    named = {key for ref in shared.published()[0] for key in shared.files(ref).values()}
    assert set(shared.objects()) == named
    assert not first <= named
