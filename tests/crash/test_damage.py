"""Damage to a published generation is detected before it serves; two writers never both write."""

import contextlib
import json
import os
import random
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec
from index.errors import GenerationMissing
from index.serving import Serving
from index.store.manifest import read_published
from index.sync.process import SyncRequest
from tests.support.corpus_builder import (
    ARTICLES,
    open_generation,
    source_paths,
    sync_in_process,
    sync_request,
    write_files,
)

SOAK = bool(os.environ.get("SOAK"))
TIMES = 20 if SOAK else 4
LOG = "\n".join(
    f"On day {day} the keeper of the lamp counted {day * day} gulls on the reef, and wrote in his "
    f"log that the wind had come from the west for {day + 3} hours without a rest."
    for day in range(60)
)
PARTS = ("manifest.json", "catalog.sqlite3", "lexical", "vectors", "parts.npy")


@pytest.fixture
def request_(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A collection with two generations."""
    request = sync_request(write_files(tmp_path / "corpus", ARTICLES), tmp_path / "data", hosted)
    sync_in_process(request)
    write_files(request.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(request)
    return request


def damaged(path: Path, dice: random.Random) -> bytes:
    """Flips a byte or cuts the end off; returns what was there."""
    whole = path.read_bytes()
    place = dice.randrange(len(whole))
    if dice.random() < 0.5:
        path.write_bytes(whole[:place])
    else:
        flipped = whole[place] ^ (1 << dice.randrange(8))
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
    return whole


@pytest.mark.parametrize("part", PARTS)
def test_flipped_and_cut_bytes_are_detected_and_the_previous_generation_serves(
    request_: SyncRequest, part: str
) -> None:
    dice = random.Random(part)
    newest = request_.folder / "generations" / "000002"
    target = newest / part
    files = sorted(p for p in target.rglob("*") if p.is_file() and p.stat().st_size) or [target]
    for _ in range(TIMES):
        path = dice.choice(files)
        whole = damaged(path, dice)
        serving = Serving(request_.folder, "default")
        serving.refresh()
        with serving.lease() as generation:
            assert generation.info.generation == "000001"
        assert "000002 is damaged" in str(serving.error_message)
        serving.close()
        path.write_bytes(whole)
    damaged(files[0], dice)
    assert sync_in_process(request_)[0].published
    assert "new.txt" in source_paths(request_)


@pytest.fixture
def grown(tmp_path: Path, hosted: EmbedSpec) -> SyncRequest:
    """A collection of two generations, the second of which shares most files with the first."""
    files = {**ARTICLES, "log.txt": LOG}
    request = sync_request(write_files(tmp_path / "corpus", files), tmp_path / "data", hosted)
    sync_in_process(request)
    write_files(request.corpus, {"new.txt": "A whale was seen off the cape in June."})
    sync_in_process(request)
    return request


def test_damage_of_what_was_added_is_detected_and_the_previous_generation_serves(
    grown: SyncRequest,
) -> None:
    dice, newest = random.Random(1), grown.folder / "generations" / "000002"
    files = [*sorted((newest / "added").iterdir()), newest / "catalog.sqlite3"]
    assert len(files) == 9
    for path in files:
        whole = damaged(path, dice)
        serving = Serving(grown.folder, "default")
        serving.refresh()
        with serving.lease() as generation:
            assert generation.info.generation == "000001"
        assert "000002 is damaged" in str(serving.error_message)
        serving.close()
        path.write_bytes(whole)


def test_damage_of_shared_files_is_detected_and_the_next_sync_repairs_it(
    grown: SyncRequest,
) -> None:
    dice, newest = random.Random(2), grown.folder / "generations" / "000002"
    shared = [path for path in sorted(newest.rglob("*")) if path.is_file() and is_shared(path)]
    names = {path.name for path in shared}
    assert {"chunks.npy", "parts.npy", "terms.npy", "equal.npy", "data_level0.bin"} <= names
    for path in shared:
        whole = damaged(path, dice)
        serving = Serving(grown.folder, "default")
        serving.refresh()
        with pytest.raises(GenerationMissing), serving.lease():
            pass
        serving.close()
        path.write_bytes(whole)
    damaged(newest / "parts.npy", dice)
    events = sync_in_process(grown)[1]
    assert "parts.npy" in next(str(e["cause"]) for e in events if e["event"] == "rebuild")
    assert "new.txt" in source_paths(grown)


def is_shared(path: Path) -> bool:
    return path.stat().st_nlink > 1 and path.stat().st_size > 0


WRITER = """
import json, sys, time
from index.errors import SyncBusy
from index.sync.run import sync
from index.sync.process import request_from_json

def report(*words):
    print(*words, flush=True)

def hold(event):  # the first event comes with the lock held
    global held
    if not held:
        held = True
        report("holding")
        sys.stdin.readline()

request = request_from_json(sys.argv[1])
for line in sys.stdin:
    held, started = False, time.monotonic()
    try:
        report("done", sync(request, hold).generation)
    except SyncBusy as error:
        report("busy", error.pid, time.monotonic() - started)
"""


def test_of_two_writers_one_wins_and_one_is_refused(request_: SyncRequest) -> None:
    command = [sys.executable, "-c", WRITER, json.dumps(asdict(request_), default=str)]
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]
        wins, slowest = [0, 0], 0.0
        for number in range(100 if SOAK else 5):
            write_files(
                request_.corpus, {"new.txt": f"Whale number {number} was seen off the cape."}
            )
            for writer in writers:
                go(writer)
            reports = [read_report(writer) for writer in writers]
            winner = reports.index(["holding"])
            _, pid, seconds = reports[1 - winner]
            assert int(pid) == writers[winner].pid
            go(writers[winner])
            assert read_report(writers[winner])[0] == "done"
            assert len(read_published(request_.folder)) == 2
            with open_generation(request_) as generation:
                assert generation.find_lexical([str(number)], limit=1)
            wins[winner] += 1
            slowest = max(slowest, float(seconds))
    print(f"won {wins}, refused in at most {slowest * 1000:.0f} ms")  # noqa: T201  # what it is for


def go(writer: "subprocess.Popen[str]") -> None:
    assert writer.stdin
    writer.stdin.write("go\n")
    writer.stdin.flush()


def read_report(writer: "subprocess.Popen[str]") -> list[str]:
    assert writer.stdout
    return writer.stdout.readline().split()
