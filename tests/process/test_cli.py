"""The command line: exit codes, output streams and lazy imports.

Commands run in this process unless a child process is part of the test: the imports take seconds.
"""

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.cli import run
from api.cli.ask import format_answer
from index.embed.minilm import MiniLM
from tests.support.fakes import FakeModel
from tests.support.processes import (
    COMMAND,
    ROOT,
    SEEDS,
    RunningService,
    clean_environment,
    run_footnote,
    write_lake_articles,
)

QUESTION = "How many showrooms for Xiaomi cars are there, and in how many cities?"
UNKNOWN = "Which river flows through Vienna?"


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Terminal = Callable[..., Result]


@pytest.fixture
def terminal(bare_environment: Path, capfd: pytest.CaptureFixture[str]) -> Terminal:
    """Runs commands in this process, in an empty folder with an empty environment."""

    def run_command(*arguments: object) -> Result:
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run_command


def test_the_help_imports_nothing_heavy() -> None:
    heavy = {"chromadb", "llama_index", "openai", "onnxruntime", "fastapi", "numpy", "httpx"}
    script = (
        "import sys\nfrom api.cli import run\ncode = run(['--help'])\n"
        f"print(sorted({heavy!r} & set(sys.modules)), code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[] 0"
    assert all(name in done.stdout for name in ("serve", "sync", "ask", "search", "doctor"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, ""),
        (["frobnicate"], 2, "frobnicate"),
        (["sync", "--frobnicate"], 2, "--frobnicate"),
        (["ask"], 2, "question"),
        (["ask", " "], 2, "empty"),
        (["search", "x", "--top-k", "0"], 2, "top"),
        (["sync", "no-such-folder"], 3, "no-such-folder: create it"),
        (["serve", "no-such-folder", "--port", "0"], 3, "no-such-folder: create it"),
        (["sync", "--collection", "../x"], 3, "collection"),
        (["serve", "--port", "99999"], 3, "port"),
        (["serve", "--host", "0.0.0.0"], 3, "--insecure"),
        (["ask", "why?"], 4, "footnote sync"),
        (["search", "why?"], 4, "footnote sync"),
        (["ask", "why?", "--url", "http://127.0.0.1:9"], 4, "http://127.0.0.1:9"),
        (["ask", "why?", "--url", "nonsense"], 4, "nonsense"),
    ],
)
def test_an_error_is_one_line(
    arguments: list[str], code: int, message: str, terminal: Terminal
) -> None:
    done = terminal(*arguments)
    assert done.code == code
    assert message in done.err
    assert len(done.err.splitlines()) == bool(message)


@pytest.mark.parametrize("command", ["sync", "serve"])
def test_a_data_folder_that_is_not_writable_is_3_in_one_line(command: str, home: Path) -> None:
    (home / "occupied").write_text("a file")
    data = home / "occupied" / "data"
    arguments = [command, str(SEEDS), "--data-dir", str(data)]
    done = run_footnote(*arguments, *(["--port", "0"] if command == "serve" else []), cwd=home)
    assert done.returncode == 3
    message = f"cannot write to {data} (Not a directory); choose another with --data-dir"
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_folder_is_reported_with_the_formats_that_are_read(home: Path) -> None:
    (home / "articles").mkdir()
    (home / "articles" / "notes.xyz").write_text("of no format")
    done = run_footnote("sync", "articles", cwd=home)
    assert done.returncode == 0
    assert "generation 000001: 0 passages; " in done.stdout
    warning = done.stderr.splitlines()[-1]
    assert f"no articles in {home / 'articles'}: 1 file skipped" in warning
    assert ".txt .md " in warning
    with RunningService("articles", cwd=home) as service:
        pass
    assert "no articles in" in service.log
    (home / "articles" / "lake.txt").write_text("The lake froze for 142 days.")
    filled = run_footnote("sync", "articles", cwd=home)
    assert "generation 000002: 1 passage; 1 added, " in filled.stdout
    assert "no articles in" not in filled.stderr
    status = run_footnote("status", cwd=home).stdout
    assert "generation 000002, 1 article, 1 passage\n" in status


def test_the_hint_for_an_unknown_collection_names_it(terminal: Terminal) -> None:
    done = terminal("ask", "why?", "--collection", "recipes")
    assert done.code == 4
    assert "`footnote sync FOLDER --collection recipes`" in done.err


def test_a_disk_that_fills_up_during_a_sync_is_4_in_one_line(home: Path) -> None:
    write_lake_articles(home / "articles")
    (home / "sitecustomize.py").write_text(
        "import errno, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('manifest.json'):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device', arguments[0])\n"
        "sys.addaudithook(hook)\n"
    )
    done = run_footnote("sync", "articles", cwd=home, env={"PYTHONPATH": f"{home}:{ROOT}"})
    folder = home / ".data" / "collections" / "default"
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert f"the disk of {folder} filled up during the sync: " in done.stderr.splitlines()[-1]
    assert list((folder / "generations").iterdir()) == [], "the half build is gone"
    assert run_footnote("sync", "articles", cwd=home).returncode == 0


def test_an_empty_list_of_keys_says_how_to_create_one(terminal: Terminal) -> None:
    done = terminal("keys", "list")
    assert (done.code, done.out) == (0, "")
    assert "footnote keys create" in done.err


def test_a_bug_is_1_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import api.wire.escape as s\ns.escape = None\n")
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = run_footnote("sync", "no-such-folder", cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_second_sync_says_that_nothing_has_changed(
    lakes: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lakes)
    done = terminal("sync", "articles", "--json")
    report = json.loads(done.out)
    assert (done.code, report["published"], report["unchanged"]) == (0, False, 2)
    assert [entry["path"] for entry in report["skipped"]] == ["picture.txt"]
    events = [json.loads(line) for line in done.err.splitlines()]
    skipped = [event["source"] for event in events if event["event"] == "skip"]
    assert skipped == ["picture.txt"], "files that are left out are named each time"


def test_another_folder_for_a_collection_needs_replace(
    lakes: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lakes)
    (lakes / "more lakes").mkdir(exist_ok=True)
    refused = terminal("sync", "more lakes")
    assert refused.code == 3
    assert "--replace" in refused.err
    assert "--collection" in refused.err
    assert terminal("sync", "more lakes", "--own-collection").code == 0
    assert (lakes / ".data" / "collections" / "more-lakes" / "CURRENT").exists()


def test_a_concurrent_sync_is_4_and_names_the_other_process(home: Path, terminal: Terminal) -> None:
    write_lake_articles(home / "articles")
    folder = home / ".data" / "collections" / "default"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        done = terminal("sync", "articles")
    assert done.code == 4
    assert "process 4711" in done.err


def test_an_interrupted_sync_is_130_and_leaves_no_child(home: Path) -> None:
    command = [*COMMAND, "sync", str(SEEDS)]
    with subprocess.Popen(
        command, cwd=home, env=clean_environment(), stderr=subprocess.PIPE, text=True
    ) as sync:
        assert sync.stderr is not None
        sync.stderr.readline()  # it has started
        sync.send_signal(signal.SIGINT)
        rest = sync.stderr.read()  # ends once no process has the stream open
    assert sync.returncode == 130
    assert "Traceback" not in rest
    assert not (home / ".data" / "collections" / "default" / "CURRENT").exists()


def test_an_answer_names_file_line_and_quote(seeds_data: Path, terminal: Terminal) -> None:
    done = terminal("ask", QUESTION, "--data-dir", seeds_data)
    assert done.code == 0
    assert "335 sales centers" in done.out
    lines = done.out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("[1] "))
    title = "[1] Xiaomi's cars in the second quarter of 2025 · Showrooms, and Europe next"
    place = "    xiaomi-cars-in-the-second-quarter-of-2025.md:25"
    assert lines[first : first + 2] == [title, place]
    assert lines[first + 2].startswith("    “Across 92 Chinese cities")
    assert lines[-1] == "Every sentence is supported by its citations."
    assert done.err == ""


def test_a_list_of_articles_names_their_files(seeds_data: Path, terminal: Terminal) -> None:
    done = terminal("ask", "Which articles do you have?", "--data-dir", seeds_data)
    assert done.code == 0
    assert done.out.startswith("Articles: 5\n- The partners behind Xiaomi's car\n")
    assert "\n\nFiles:\n    the-partners-behind-xiaomis-car.md\n" in done.out
    greeted = terminal("ask", "Hi!", "--data-dir", seeds_data, "--json")
    assert json.loads(greeted.out)["kind"] == "greeting"


def test_unsupported_sentences_of_a_model_are_listed_under_the_answer(
    seeds_data: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    completion = "## Sales\n\nThere are 400 sales centers [1.2]. The weather is fine."
    with FakeModel(completion) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        done = terminal("ask", QUESTION, "--model", "fake", "--data-dir", seeds_data)
    heading, answer, warnings, source = done.out.split("\n\n")
    assert heading == "## Sales"
    assert answer == "There are 400 sales centers. [1] The weather is fine."
    assert warnings.splitlines() == [
        "! not supported: the number 400 is not in the cited text — "
        "There are 400 sales centers. [1]",
        "! no source given — The weather is fine.",
    ]
    assert source.startswith("[1] ")


def test_an_answer_is_wrapped_between_words_at_the_terminal_width() -> None:
    cited = {"n": 1, "source": "a/lake.txt", "title": "lake", "heading": None, "page": None}
    quote = "The lake froze for 142 days in the winter of 1998, and people walked over it."
    answer = {
        "answer": f"{quote} [1]",
        "format": "text",
        "answered": True,
        "degraded": False,
        "sentences": [{"text": quote, "status": "supported", "why": None}],
        "citations": [cited | {"line": 3, "quote": quote}],
        "passages": [],
    }
    narrow = format_answer(answer, width=40)
    assert max(map(len, narrow.splitlines())) <= 40
    assert "\n[1] a/lake.txt:3\n    “The lake froze for 142 days in the\n    winter" in narrow
    assert narrow.split() == format_answer(answer).split()
    assert len(format_answer(answer | {"format": "markdown"}, width=40).splitlines()[0]) > 40


def test_a_refusal_is_6(seeds_data: Path, terminal: Terminal) -> None:
    done = terminal("ask", UNKNOWN, "--data-dir", seeds_data)
    assert done.code == 6
    assert "Not answered: " in done.out
    body = json.loads(terminal("ask", UNKNOWN, "--data-dir", seeds_data, "--json").out)
    assert (body["answered"], bool(body["reason"])) == (False, True)


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_service_and_the_local_index_give_the_same_result(
    command: str, service: RunningService, seeds_data: Path, terminal: Terminal
) -> None:
    local = terminal(command, QUESTION, "--json", "--data-dir", seeds_data)
    remote = terminal(command, QUESTION, "--json", "--url", service.url)
    assert local.code == remote.code == 0
    ours, theirs = json.loads(local.out), json.loads(remote.out)
    for changing in ("id", "timings_ms"):
        assert (ours.pop(changing, None) is None) == (theirs.pop(changing, None) is None)
    assert ours == theirs


def test_filters_restrict_search_and_ask(seeds_data: Path, terminal: Terminal) -> None:
    options = ["--data-dir", seeds_data, "--json"]
    searched = terminal("search", "Xiaomi", "--source", "waiting-for-a-xiaomi-car.txt", *options)
    sources = {hit["source"] for hit in json.loads(searched.out)["hits"]}
    assert (searched.code, sources) == (0, {"waiting-for-a-xiaomi-car.txt"})
    refused = terminal("ask", QUESTION, "--since", "2026-01-01", *options)
    assert (refused.code, json.loads(refused.out)["reason"]) == (6, "nothing_retrieved")


def test_a_problem_of_a_service_is_shown_with_its_detail(
    service: RunningService, terminal: Terminal
) -> None:
    done = terminal("ask", "x" * 5_000, "--url", service.url)
    assert done.code == 2
    assert "4,000" in done.err


@pytest.mark.parametrize("command", ["ask", "search"])
def test_an_article_cannot_control_the_terminal(
    command: str, lakes: Path, terminal: Terminal
) -> None:
    done = terminal(command, "What is the capital of Examplia?", "--data-dir", lakes / ".data")
    assert "\\u202eExample" in done.out
    assert not {"\u202e", "\x1b"} & set(done.out)


def test_doctor_checks_every_part(seeds_data: Path, terminal: Terminal) -> None:
    done = terminal("doctor", SEEDS, "--data-dir", seeds_data, "--json")
    checks = {check["check"]: check["ok"] for check in json.loads(done.out)["checks"]}
    names = ["python", "weights", "data", "state", "corpus", "index"]
    assert (done.code, checks) == (0, dict.fromkeys(names, True) | {"shared": None, "model": None})


def test_doctor_reports_an_index_with_the_vectors_of_an_older_version(
    seeds_data: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MiniLM, "fingerprint", "all-MiniLM-L6-v2@newer")
    done = terminal("doctor", SEEDS, "--data-dir", seeds_data)
    assert done.code == 4
    assert "FAIL  index     the index was built with all-MiniLM-L6-v2@53aa51172d14" in done.out
    assert "run `footnote sync`" in done.out


def test_doctor_reports_what_is_missing(home: Path, terminal: Terminal) -> None:
    done = terminal("doctor")
    assert done.code == 4
    assert "FAIL  corpus" in done.out
    assert "FAIL  index" in done.out
