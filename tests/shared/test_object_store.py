"""An object store keeps what it is given, and of several conditional writes one wins."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from index.errors import SettingInvalid, SharedUnavailable
from index.object_store import PART_BYTES, ObjectStore
from tests.support.extras import needs
from tests.support.processes import free_port
from tests.support.seaweed import SECRET_KEY, Seaweed

RACES = 200 if os.environ.get("SOAK") else 12
"""A loser of SeaweedFS waits up to two seconds for its lock; a winner takes 10 ms."""
WRITERS = 4


def test_an_object_is_read_as_it_was_written(url: str) -> None:
    store = ObjectStore(url)
    assert store.put_new("a/b", b"bytes")
    data, tag = store.get("a/b")
    assert data == b"bytes"
    assert tag
    (listed,) = store.list("a")
    assert (listed.key, listed.size) == ("a/b", 5)
    assert abs(listed.modified - datetime.now(UTC)) < timedelta(minutes=1)
    assert abs(store.modified("a/b") - listed.modified) < timedelta(seconds=1)


def test_a_taken_key_is_not_written_again(url: str, tmp_path: Path) -> None:
    store, path = ObjectStore(url), tmp_path / "file"
    path.write_bytes(b"second")
    assert store.put_new("key", b"first")
    assert not store.put_new("key", b"second")
    assert not store.put_new("key", path)
    assert not store.upload(path, "key")
    assert store.get("key")[0] == b"first"
    assert store.upload(path, "key", replace=True)
    assert store.get("key")[0] == b"second"


def test_what_is_missing_is_a_key_error_and_can_be_deleted(url: str, tmp_path: Path) -> None:
    store = ObjectStore(url)
    for read in (store.get, store.modified, lambda key: store.download(key, tmp_path / "file")):
        with pytest.raises(KeyError):
            read("missing")
    store.delete("missing")
    store.put_new("key", b"")
    store.delete("key")
    assert list(store.list("key")) == []
    assert list(store.list("nothing/here")) == []


def test_a_file_of_several_parts_is_hashed_while_it_is_read(url: str, tmp_path: Path) -> None:
    store, path = ObjectStore(url), tmp_path / "file"
    path.write_bytes(os.urandom(2 * PART_BYTES + 1))
    assert store.upload(path, "large")
    assert not store.upload(path, "large")
    assert (
        store.download("large", tmp_path / "copy") == hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()


def test_only_the_object_that_was_read_is_replaced(url: str) -> None:
    store = ObjectStore(url)
    assert store.swap("key", b"x", '"another"') is None
    first = store.swap("key", b"1", None)
    assert first
    assert store.swap("key", b"2", None) is None
    second = store.swap("key", b"2", first)
    assert second
    assert store.get("key") == (b"2", second)
    assert store.swap("key", b"3", first) is None
    assert store.get("key")[0] == b"2"


def test_a_write_whose_reply_was_lost_counts_as_written(url: str) -> None:
    store = ObjectStore(url)
    first = store.swap("key", b"1", None)
    second = store.swap("key", b"2", first)
    assert store.swap("key", b"2", first) == second


def test_of_several_writers_one_wins(url: str) -> None:
    store = ObjectStore(url)
    tag: str | None = None
    with ThreadPoolExecutor(WRITERS) as pool:
        for race in range(RACES):
            contents = [f"{race} {writer}".encode() for writer in range(WRITERS)]
            tags = list(pool.map(lambda data: store.swap("key", data, tag), contents))  # noqa: B023
            (winner,) = (n for n, new in enumerate(tags) if new)
            assert store.get("key") == (contents[winner], tags[winner])
            tag = tags[winner]
            made = list(pool.map(lambda data: store.put_new(f"new/{race}", data), contents))  # noqa: B023
            assert store.get(f"new/{race}")[0] == contents[made.index(True)]
            assert made.count(True) == 1


def test_a_key_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path.as_uri())
    for key in ("../x", "/etc/passwd", "a/../../x", ".lock", ""):
        with pytest.raises(ValueError, match="not a key"):
            store.get(key)


def test_a_folder_that_is_not_mounted_is_named(tmp_path: Path) -> None:
    store = ObjectStore((tmp_path / "mount").as_uri())
    with pytest.raises(SharedUnavailable, match="there is no such folder: mount it"):
        store.put_new("key", b"")
    assert not (tmp_path / "mount").exists()


@needs("obstore")
def test_a_missing_bucket_and_wrong_credentials_are_named(
    seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SharedUnavailable, match="there is no such bucket: create it"):
        ObjectStore("s3://missing/prefix").get("key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(SharedUnavailable, match=r"403 Forbidden \(SignatureDoesNotMatch\)"):
        ObjectStore("s3://missing/prefix").get("key")


@needs("obstore")
def test_an_endpoint_that_does_not_answer_is_an_error_without_secrets(
    seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET_KEY}@127.0.0.1:{free_port()}")
    with pytest.raises(SharedUnavailable, match="error sending request") as failed:
        ObjectStore("s3://bucket/prefix").get("key")
    assert SECRET_KEY not in str(failed.value)
    with pytest.raises(SettingInvalid, match="cannot be used"):
        ObjectStore("az://")
