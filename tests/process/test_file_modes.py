"""What footnote creates is readable by its user only, whatever umask and modes were before."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.processes import (
    COMMAND,
    RunningService,
    clean_environment,
    link_model,
    run_footnote,
    write_lake_articles,
)

CASE = {
    "id": "a",
    "question": "How long did the lake freeze?",
    "answers": ["142"],
    "evidence": [{"source": "lake.txt", "quote": "The lake froze for 142 days in 1998."}],
}
GROUP_AND_OTHERS = 0o077


def exposed(folder: Path) -> list[str]:
    """The files and folders that another user may open, with their modes."""
    return [
        f"{stat.S_IMODE(path.lstat().st_mode):o} {path.relative_to(folder.parent)}"
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and path.lstat().st_mode & GROUP_AND_OTHERS
    ]


def run_open(*arguments: object, cwd: Path, **env: str) -> str:
    """The output of a command that begins with a umask of 0."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        umask=0,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def articles(tmp_path: Path, seeds_data: Path) -> Path:
    write_lake_articles(tmp_path / "articles")
    link_model(tmp_path, seeds_data)
    return tmp_path


def test_nothing_that_commands_create_is_open_to_others(
    articles: Path, seeds_data: Path, open_umask: None
) -> None:
    data, models = articles / "new" / "data", (seeds_data / "models").resolve()
    run_open("keys", "create", "--data-dir", data, cwd=articles)
    (data / "models").symlink_to(models)
    run_open("sync", "articles", "--data-dir", data, cwd=articles)
    (articles / "cases.jsonl").write_text(json.dumps(CASE))
    run_open("eval", "run", "cases.jsonl", "--data-dir", data, "--out", "runs/a", cwd=articles)
    env = {"FOOTNOTE_KEEP_ANSWERS": "true", "TMPDIR": str(articles / "tmp")}
    (articles / "tmp").mkdir(0o700)
    with RunningService("--no-sync", "--data-dir", data, cwd=articles, env=env) as service:
        key = run_open("keys", "create", "--data-dir", data, cwd=articles).strip()
        answer = httpx.post(
            f"{service.url}/v1/answers",
            json={"question": CASE["question"]},
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        assert answer.json()["answered"]
        assert exposed(data) == []
        assert exposed(articles / "tmp") == [], "private copies of the index"
    assert exposed(articles / "new") == []
    assert exposed(articles / "runs") == [], "runs hold questions and answers"
    assert len(list(data.rglob("*"))) > 20


def test_an_index_that_was_open_and_read_only_is_followed_by_a_private_one(articles: Path) -> None:
    run_open("sync", "articles", cwd=articles)
    old = articles / ".data" / "collections" / "default" / "generations" / "000001"
    for path in (*old.rglob("*"), old):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (articles / "articles" / "new.txt").write_text("This article is new.\n")
    run_open("sync", "articles", cwd=articles)
    assert exposed(old.with_name("000002")) == []
    assert "This article is new" in run_open("search", "a new article", cwd=articles)


def test_uploads_are_as_open_as_the_folder_they_go_to(articles: Path) -> None:
    corpus, env = articles / "articles", {"FOOTNOTE_ALLOW_WRITES": "true"}
    corpus.chmod(0o755)
    (corpus / "closed").mkdir(0o700)
    with RunningService("articles", cwd=articles, env=env) as service:
        for path in ("new/open.txt", "closed/private.txt"):
            sent = httpx.put(f"{service.url}/v1/files/{path}", content=b"Some words.\n")
            assert sent.status_code == 202
    modes = {
        str(path.relative_to(corpus)): stat.S_IMODE(path.stat().st_mode)
        for path in corpus.rglob("*")
        if path.parent.name in ("new", "closed") or path.name == "new"
    }
    assert modes == {"new": 0o755, "new/open.txt": 0o644, "closed/private.txt": 0o600}


@pytest.mark.parametrize(
    ("mode", "is_healthy", "text"),
    [
        (0o755, False, "every user of this machine may open"),
        (0o705, False, "every user of this machine may open"),
        (0o750, True, "its group may open"),
        (0o700, True, "is writable"),
    ],
)
def test_doctor_and_serve_report_a_folder_that_is_open(
    mode: int, is_healthy: bool, text: str, lakes: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in (lakes / ".data").iterdir():
        (data / path.name).symlink_to(path.resolve())
    data.chmod(mode)
    at = ("--data-dir", data)
    doctor = run_footnote("doctor", "articles", *at, "--json", cwd=lakes)
    report = json.loads(doctor.stdout)
    (check,) = (one for one in report["checks"] if one["check"] == "data")
    assert (check["ok"], report["ok"], doctor.returncode == 0) == (is_healthy,) * 3
    assert text in check["detail"]
    assert ("chmod -R go-rwx" in check["detail"]) == (mode != 0o700)
    assert stat.S_IMODE(data.stat().st_mode) == mode, "its mode is its owner's choice"
    if mode == 0o755:
        with RunningService("--no-sync", *at, cwd=lakes) as service:
            assert f"chmod -R go-rwx {data}" in service.stop()
