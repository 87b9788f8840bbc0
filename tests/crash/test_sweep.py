"""After a sync ended at any point, an intact generation serves and the next sync completes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.support.extras import needs

SOAK = bool(os.environ.get("SOAK"))


def swept(*arguments: str, module: str = "tests.crash.sweep") -> dict[str, int]:
    """Runs a sweep in a process of its own, which forks; its points by kind."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    print(result["points"])  # noqa: T201  # the figure that the sweep is for
    assert result["failures"] == []
    points: dict[str, int] = result["points"]
    return points


def test_a_sync_that_ends_anywhere_leaves_an_intact_index() -> None:
    points = swept("--points", "80" if SOAK else "6")
    assert all(points.values())


@needs("lance")
def test_a_sync_with_lance_that_ends_anywhere_leaves_an_intact_index() -> None:
    points = swept("--engine", "lance", "--points", "80" if SOAK else "3")
    assert all(points.values())


def test_a_sync_that_ends_in_any_thread_leaves_an_intact_index() -> None:
    if not shutil.which("strace"):
        assert not os.environ.get("CI"), "CI must have strace: .ci/run installs it"
        pytest.skip("NO STRACE: it is not installed, so NO SYSTEM CALL WAS MADE TO FAIL")
    if SOAK:
        assert sum(swept("--points", "16", "--strace").values()) >= 200
    else:
        assert all(swept("--points", "1", "--strace", "fsync", "rename").values())


@needs("obstore")
def test_a_machine_that_ends_at_any_request_to_the_store_leaves_a_whole_generation() -> None:
    points = swept("--points", "0" if SOAK else "1", module="tests.crash.shared_sweep")
    assert all(points.values())


@needs("lance")
def test_a_sync_that_ends_in_any_thread_of_lance_leaves_an_intact_index() -> None:
    if not shutil.which("strace"):
        assert not os.environ.get("CI"), "CI must have strace: .ci/run installs it"
        pytest.skip("NO STRACE: it is not installed, so NO SYSTEM CALL WAS MADE TO FAIL")
    if SOAK:
        assert sum(swept("--engine", "lance", "--points", "16", "--strace").values()) >= 200
    else:
        assert all(swept("--engine", "lance", "--points", "1", "--strace", "write").values())
