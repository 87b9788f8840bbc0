"""Private copies: never shared, and removed after their process ends."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from index.store.private_copy import PrivateCopy

KILLED = (
    "import os, signal, sys\n"
    "from index.store.private_copy import PrivateCopy\n"
    "print(PrivateCopy().folder, flush=True)\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


@pytest.fixture(autouse=True)
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temp folder of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_copy_of_a_killed_process_is_removed_by_the_next_one() -> None:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert left.is_dir()
    PrivateCopy().close()
    assert not left.exists()


def test_a_copy_in_use_stays() -> None:
    first, second = PrivateCopy(), PrivateCopy()
    assert first.folder.is_dir()
    assert second.folder.is_dir()
    first.close()
    assert second.folder.is_dir()
    second.close()
    assert not second.folder.exists()


def test_a_folder_that_is_just_being_made_stays_for_a_while(temp: Path) -> None:
    young, old = temp / "footnote-run-young", temp / "footnote-run-old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 3600,) * 2)
    PrivateCopy().close()
    assert young.is_dir()
    assert not old.exists()
