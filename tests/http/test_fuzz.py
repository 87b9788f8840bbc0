"""What schemathesis sends by the committed document is answered as the document says.

About 2,000 requests, 50,000 with SOAK=1, to the running service over articles of its own, with a
key that may do everything; planted secrets are in none of its answers and not in its log.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.processes import ROOT, SEEDS, RunningService, link_model, run_footnote

SOAK = bool(os.environ.get("SOAK"))
LEAST = 50_000 if SOAK else 2_000
EXAMPLES, STORIES = (4_000, 400) if SOAK else (90, 90)
"""Of each operation; a story is a chain of requests that use what the last ones answered."""
ASKING = "^/v1/(answers|chat|search)"
RUNS = (
    ("--phases", "examples,coverage,fuzzing", "-n", str(EXAMPLES), "--include-path-regex", ASKING),
    ("--phases", "examples,coverage,fuzzing", "-n", str(EXAMPLES), "--exclude-path-regex", ASKING),
    ("--phases", "stateful", "-n", str(STORIES)),
)
"""Two at a time: schemathesis takes longer to think of a request than the service to answer it."""
ORIGIN = "https://pages.example"
SEED = "" if SOAK else "5"  # another one each time would fail other people's changes
# these two take a limit that JSON Schema cannot say, such as a blank question, for a mistake
EXCLUDED = "negative_data_rejection,positive_data_acceptance"
PLANTED = {
    "OPENAI_API_KEY": "sk-canary-5b1d0c9e",
    "FOOTNOTE_LLM__API_KEY": "sk-canary-77aa02fe",
    "CANARY": "canary-of-the-environment-41c7",
}


@pytest.fixture(scope="module")
def home(seeds_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `articles/` that may be written to; its data folder knows the model's graph."""
    home = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(SEEDS, home / "articles")
    link_model(home, seeds_data)
    return home


@pytest.fixture(scope="module")
def key(home: Path) -> str:
    scopes = [part for scope in ("read", "write", "admin") for part in ("--scope", scope)]
    made = run_footnote("keys", "create", *scopes, "--json", cwd=home)
    key: str = json.loads(made.stdout)["key"]
    return key


@pytest.fixture(scope="module")
def running(home: Path, key: str) -> Iterator[RunningService]:
    env = PLANTED | {
        "FOOTNOTE_RATE_LIMIT_PER_MINUTE": "0",
        "FOOTNOTE_ALLOW_WRITES": "true",
        "FOOTNOTE_WIDGET_ORIGINS": ORIGIN,
    }
    with RunningService("articles", cwd=home, env=env) as made:
        yield made


def fuzz(
    running: RunningService, key: str, *options: str, canaries: list[str], folder: Path
) -> tuple[int, str]:
    """Returns schemathesis' exit code and what it said."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(ROOT / "openapi.json")),
            *("--url", running.url, "--header", f"Authorization: Bearer {key}", "--no-color"),
            *("--request-timeout", "60", "--suppress-health-check", "all", *options),
        ],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks",
            "CANARIES": json.dumps(canaries),
            "ORIGIN": ORIGIN,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_the_document_allows_and_forbids_is_answered_as_it_says(
    running: RunningService, key: str, home: Path, tmp_path: Path
) -> None:
    canaries = [*PLANTED.values(), key, str(home), str(ROOT), sys.prefix]

    def run(number: int) -> int:
        options = [*RUNS[number], "--checks", "all", "--exclude-checks", EXCLUDED]
        options += ["--seed", SEED] if SEED else []
        folder = tmp_path / str(number)
        folder.mkdir()
        code, said = fuzz(running, key, *options, canaries=canaries, folder=folder)
        assert code == 0, said[:20_000]
        sent = re.search(r"(\d+) generated, (\d+) passed", said)
        assert sent is not None, said
        return int(sent[1])

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, range(len(RUNS)))) >= LEAST
    log = running.stop()
    assert log.count('"request"') >= LEAST
    assert [canary for canary in canaries if canary in log] == []


def test_the_search_for_canaries_finds_one(service: RunningService, tmp_path: Path) -> None:
    options = ["--checks", "leaks_no_secret", "--include-path", "/v1/models", "-n", "1"]
    code, said = fuzz(service, "none", *options, canaries=["footnote/default"], folder=tmp_path)
    assert code == 1
    assert "a canary is in the response" in said
