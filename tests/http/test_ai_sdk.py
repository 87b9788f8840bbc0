"""The AI SDK from npm, unmodified, against the running service: the README's example, a stream."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT, RunningService

FOLDER = Path(__file__).parents[1] / "ai-sdk"
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The folder with the SDK, installed by its lock; skips where that cannot be, fails in CI."""
    if not (FOLDER / "node_modules" / "ai").is_dir():
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        installed = shutil.which("npm") and not subprocess.call(command, cwd=FOLDER)
        if not installed:
            assert not os.environ.get("CI"), "CI must have npm: .ci/run installs it"
            pytest.skip("NO NPM, or it could not install: THE AI SDK WAS NOT TRIED")
    return FOLDER


def node(*arguments: str, folder: Path) -> str:
    command = ["node", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readmes_example_shows_an_answer_with_its_sources(
    sdk: Path, service: RunningService
) -> None:
    readme = (ROOT / "api" / "README.md").read_text("utf-8")
    (example,) = re.findall(r"^```ts\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    code = example.replace(ADDRESS, service.url)
    said = node("--input-type=module", "--eval", code, folder=sdk).splitlines()
    assert "BYD" in said[0]
    assert f"The partners behind Xiaomi's car {service.url}/v1/sources/" in said[1]


def test_a_stream_has_sources_and_ends_normally(sdk: Path, service: RunningService) -> None:
    said = json.loads(node("stream.mjs", service.url, folder=sdk))
    assert "215,000" in said["text"]
    assert said["finished"] == "stop"
    assert len(said["sources"]) == len(set(re.findall(r"\[\d+\]", said["text"]))) > 0
    assert all(source["url"].startswith(f"{service.url}/v1/sources/") for source in said["sources"])
