"""A Lance index on several machines: what changed is sent, and replicas may read in place."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.engine import open_generation, verify
from index.errors import GenerationDamaged
from index.lance.opened import is_in_dataset
from index.object_store import ObjectStore
from index.serving import Serving
from index.shared.collection import SharedCollection
from index.shared.pull import leave_nothing, pull_current
from index.store.manifest import generation_folder, read_current
from index.sync.process import SyncRequest
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.extras import needs

pytestmark = [needs("lance"), needs("obstore")]


@pytest.fixture
def request_(tmp_path: Path, hosted: EmbedSpec, url: str) -> SyncRequest:
    """Three articles, synced and shared."""
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    request = sync_request(corpus, tmp_path / "data", hosted, shared=url, engine="lance")
    sync_in_process(request)
    return request


def pulled(request: SyncRequest, folder: Path, *, in_place: bool) -> int:
    """Pulls into a replica's folder and returns how many bytes were received."""
    received = [0]
    leave = is_in_dataset if in_place else leave_nothing
    assert request.shared is not None
    shared = SharedCollection(ObjectStore(request.shared), "default")
    folder.mkdir(exist_ok=True)
    pull_current(shared, folder, lambda done, total: received.append(done), leave=leave)
    return received[-1]


def paths(folder: Path, bucket: str | None = None) -> list[str]:
    with closing(Serving(folder, "default", bucket=bucket)) as serving:
        serving.refresh()
        assert serving.error_message is None
        with serving.lease() as generation:
            verify(generation)
            return [source.path for source in generation.sources()]


def test_a_replica_pulls_what_changed_and_serves(
    request_: SyncRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.lance.build.MAX_MOVED", 1.0)
    first = pulled(request_, tmp_path / "replica", in_place=False)
    write_files(request_.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(request_)
    assert 0 < pulled(request_, tmp_path / "replica", in_place=False) < 1.5 * first
    assert "new.txt" in paths(tmp_path / "replica")
    folder = generation_folder(tmp_path / "replica", "000002")
    kept = [path for path in folder.rglob("*.lance") if path.stat().st_nlink > 1]
    assert kept


def test_a_replica_reads_tables_in_place_and_never_quotes_an_altered_text(
    request_: SyncRequest, tmp_path: Path
) -> None:
    bucket = f"{request_.shared}/collections/default/dataset"
    replica = tmp_path / "replica"
    pulled(request_, replica, in_place=True)
    assert not (generation_folder(replica, "000001") / "dataset").exists()
    assert sorted(paths(replica, bucket)) == sorted(ARTICLES)
    write_files(request_.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(request_)
    pulled(request_, replica, in_place=True)
    assert "new.txt" in paths(replica, bucket)
    assert request_.shared is not None
    store = ObjectStore(request_.shared)
    keys = [entry.key for entry in store.list("collections/default/dataset/texts/data")]
    for key in keys:
        data, _ = store.get(key)
        place = len(data) // 4
        altered = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        (tmp_path / "altered").write_bytes(altered)
        store.upload(tmp_path / "altered", key, replace=True)
    current = read_current(replica)
    assert current is not None
    lengths = {len(text) for text in ARTICLES.values()}
    with pytest.raises(GenerationDamaged):  # noqa: PT012  # which read fails depends on the byte
        with closing(open_generation(replica, current, bucket=bucket)) as generation:
            for source in generation.sources():
                assert len(generation.text(source.id)) in lengths | {source.length}
        raise AssertionError("an altered text was read")


def test_a_sync_on_another_machine_goes_on_from_the_store(
    request_: SyncRequest, tmp_path: Path
) -> None:
    other = replace(request_, folder=tmp_path / "other", cache=tmp_path / "other.sqlite3")
    assert not sync_in_process(other)[0].published
    write_files(request_.corpus, {"new.txt": "A whale was seen off the cape in June."})
    assert sync_in_process(other)[0].generation == "000002"
    assert not sync_in_process(request_)[0].published
    assert paths(request_.folder) == paths(other.folder)
