"""Packaging: dependencies locked by hash, no torch, no machine path or registry in any file."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = re.findall(r"^([a-z0-9._-]+)==", LOCK, re.MULTILINE)


def test_the_lock_pins_every_package_by_hash() -> None:
    blocks = re.split(r"^(?=[a-z0-9._-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(PINS) > 50
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_contains_no_host_and_no_path() -> None:
    assert re.findall(r"https?://|file://|--(?:extra-)?index-url|--find-links|@ ", LOCK) == []


def test_no_torch_is_locked() -> None:
    forbidden = {"torch", "sentence-transformers", "transformers", "tensorflow", "jax"}
    assert forbidden.isdisjoint(PINS)
    assert not [name for name in PINS if name.startswith("nvidia-")]


def test_the_lock_contains_every_dependency() -> None:
    declared = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    names = {re.split(r"[<>=; ]", line)[0].lower() for line in declared}
    assert names - set(PINS) == set()


def test_the_project_cannot_be_published_by_accident() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_the_wheel_contains_the_three_packages_with_their_pages(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"api", "index", "rag"}
    assert {"api/pages/ask.html", "api/pages/ask.js", "api/pages/footnote.css"} <= names
    widget = {name for name in names if "/widget/" in name}
    bundles = {"api/widget/dist/widget.js", "api/widget/dist/console.js"}
    assert widget == {*bundles, "api/widget/v1.d.ts"}


def test_no_tracked_file_contains_a_machine_path_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    hosts = ["python" + "hosted", "py" + "pi.org", "registry." + "npm", "deb." + "debian"]
    words = re.compile("|".join(map(re.escape, [*hosts, "/ro" + "ot/", "/wo" + "rk/"])))
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    offenders = [
        path.name
        for path in files
        if path.is_file() and words.search(path.read_text(errors="replace"))
    ]
    assert offenders == []
