"""Syncs of several collections: the slow files of one hold up no other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from api.app import create_app
from api.service.background_sync import BackgroundSync
from api.settings import load_settings
from index.embed.factory import EmbedSpec
from tests.support.corpus_builder import ARTICLES, sync_request, write_files
from tests.support.processes import wait_until

SLOW = {"slow.html": "<div>" * 180_000 + "x"}
"""Takes the parser longer than the 15 s that a file of its size has."""


@contextmanager
def stopped(*syncs: BackgroundSync) -> Iterator[None]:
    try:
        yield
    finally:
        for sync in syncs:
            sync.stop()


def test_a_collection_is_synced_while_another_reads_a_slow_file(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    slots = threading.BoundedSemaphore(2)
    slow, quick = BackgroundSync(slots), BackgroundSync(slots)
    with stopped(slow, quick):
        slow.start(
            sync_request(write_files(tmp_path / "slow", SLOW), tmp_path / "a", hosted), watch=False
        )
        quick.start(
            sync_request(write_files(tmp_path / "quick", ARTICLES), tmp_path / "b", hosted),
            watch=False,
        )
        wait_until(lambda: quick.has_succeeded)
        assert slow.is_running


def test_a_job_is_done_while_another_collection_reads_a_slow_file(
    tmp_path: Path, hosted: EmbedSpec
) -> None:
    write_files(tmp_path / "slow", SLOW)
    write_files(tmp_path / "quick", ARTICLES)
    settings = load_settings(
        {
            "collections": {name: {"corpus": tmp_path / name} for name in ("slow", "quick")},
            "data_dir": tmp_path / "data",
            "allow_writes": True,
            "embed": {"model": hosted.model, "base_url": hosted.base_url},
        }
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
        jobs = {
            name: client.post("/v1/sync", json={"collection": name}).json()["id"]
            for name in ("slow", "quick")
        }

        def status(name: str) -> str:
            return str(client.get(f"/v1/jobs/{jobs[name]}").json()["status"])

        wait_until(lambda: status("quick") == "done")
        assert status("slow") == "running"
