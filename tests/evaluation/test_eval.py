"""The evaluation on the command line: from cases to a report, a comparison and a gate."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.cli import run
from tests.support.fakes import FakeModel
from tests.support.processes import (
    COMMAND,
    ROOT,
    SEEDS,
    RunningService,
    clean_environment,
    wait_until,
)

GOLD = ROOT / "tests" / "data" / "seeds.jsonl"


@dataclass(frozen=True)
class Result:
    """A command's exit code and output."""

    code: int
    out: str
    err: str


Evaluate = Callable[..., Result]


@pytest.fixture
def evaluate(bare_environment: Path, capfd: pytest.CaptureFixture[str]) -> Evaluate:
    """Runs `footnote eval …` in this process, in an empty folder with an empty environment."""

    def runs(*arguments: object) -> Result:
        code = run(["eval", *map(str, arguments)])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return runs


@pytest.fixture(scope="session")
def seeds_run(seeds_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the gold questions over the seeds, made by the command line."""
    folder = tmp_path_factory.mktemp("eval") / "run"
    assert run(["eval", "run", str(GOLD), "--data-dir", str(seeds_data), "--out", str(folder)]) == 0
    return folder


def summary(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return content


def samples(folder: Path) -> dict[str, dict[str, Any]]:
    """A run's samples by id, without what differs between runs."""
    by_id = {}
    for line in (folder / "samples.jsonl").read_text().splitlines():
        sample = json.loads(line)
        del sample["wall_ms"], sample["response"]["timings_ms"], sample["response"]["id"]
        by_id[sample["id"]] = sample
    return by_id


def test_a_run_leaves_its_samples_its_summary_and_three_reports(seeds_run: Path) -> None:
    assert {path.name for path in seeds_run.iterdir()} == {
        "run.json",
        "samples.jsonl",
        "summary.json",
        "report.html",
        "report.md",
        "junit.xml",
    }
    report = summary(seeds_run)
    assert report["done"] == report["cases"] == 60
    assert set(report["metrics"]["answer_cited"]) >= {
        "value", "low", "high", "n", "n_failed", "method", "unit",
    }  # fmt: skip
    assert report["metrics"]["valid_citations"]["value"] == 1.0
    assert report["unlocated"] == []
    wrong = {case for ids in report["failures"].values() for case in ids}
    assert len(wrong) == round(60 * (1 - report["metrics"]["answer_cited"]["value"]))


def test_a_running_service_gives_the_same_samples(
    seeds_run: Path, service: RunningService, evaluate: Evaluate, tmp_path: Path
) -> None:
    """As many as the service answers in a minute."""
    done = evaluate("run", GOLD, "--url", service.url, "--out", tmp_path / "r", "--limit", 20)
    assert done.code == 0, done.err
    here, there = samples(seeds_run), samples(tmp_path / "r")
    assert len(there) == 20
    assert {name: here[name] for name in there} == there


def test_malformed_cases_are_reported_before_anything_runs(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "a"}\n\n{\n')
    done = evaluate("run", path, "--out", tmp_path / "r")
    assert done.code == 2
    assert "line 1: question must be" in done.err
    assert "line 3: is not JSON" in done.err
    assert "2 lines of" in done.err.splitlines()[-1]
    assert not (tmp_path / "r").exists()


def test_a_missing_case_file_is_reported_once(evaluate: Evaluate, tmp_path: Path) -> None:
    done = evaluate("run", "nowhere.jsonl", "--out", tmp_path / "r")
    assert done.code == 2
    assert done.err == "footnote: nowhere.jsonl: cannot be read (No such file or directory)\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nowhere.jsonl"], 2, "nowhere.jsonl"),
        (["run", GOLD], 4, "footnote sync"),
        (["run", GOLD, "--corpus", "nowhere"], 3, "nowhere"),
        (["run", GOLD, "--url", "http://127.0.0.1:9"], 4, "127.0.0.1:9"),
        (["run", GOLD, "--target", "nowhere:it"], 4, "nowhere:it cannot be loaded"),
        (["run", GOLD, "--target", "json:dumps"], 4, "json:dumps"),
        (["run", GOLD, "--target", "json:dumps", "--url", "http://127.0.0.1:9"], 2, "one of"),
        (["run", GOLD, "--tag", "nonesuch"], 2, "nonesuch"),
        (["show", "nowhere", "x"], 2, "contains no run"),
        (["rescore", "nowhere"], 2, "contains no run"),
        (["gate", "nowhere"], 2, "needs --min"),
        (["gate", "nowhere", "--min", "much"], 2, "invalid condition"),
        (["import", "squad", GOLD], 2, "not a squad set"),
    ],
)
def test_an_error_has_its_message_and_exit_code(
    arguments: list[object], code: int, message: str, evaluate: Evaluate
) -> None:
    done = evaluate(*arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err


def test_rescoring_gives_the_same_summary(seeds_run: Path, evaluate: Evaluate) -> None:
    before = summary(seeds_run)
    assert evaluate("rescore", seeds_run).code == 0
    after = summary(seeds_run)
    for one in (before, after):
        del one["created_at"]
    assert before == after


def test_show_prints_one_case_and_list_the_runs(seeds_run: Path, evaluate: Evaluate) -> None:
    done = evaluate("show", seeds_run, "seed-12")
    assert "10 billion dollars" in done.out
    assert json.loads(evaluate("show", seeds_run, "seed-12", "--json").out)["failure"] is None
    assert evaluate("show", seeds_run, "nonesuch").code == 2
    assert "over 60" in evaluate("list", seeds_run.parent).out


def test_a_gate_passes_against_itself_and_fails_below_a_minimum(
    seeds_run: Path, evaluate: Evaluate
) -> None:
    assert evaluate("gate", seeds_run, "--baseline", seeds_run).code == 0
    assert evaluate("gate", seeds_run, "--min", "hit@5>=0.5").code == 0
    done = evaluate("gate", seeds_run, "--min", "exact_match>=0.99", "--json")
    assert done.code == 5
    (breach,) = json.loads(done.out)["breaches"]
    assert "seed-01" in breach["cases"]


def test_comparing_needs_the_same_cases(
    seeds_run: Path, seeds_data: Path, evaluate: Evaluate, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    run_part = evaluate("run", GOLD, "--data-dir", seeds_data, "--out", part, "--tag", "number")
    assert run_part.code == 0
    assert evaluate("compare", seeds_run, part).code == 2
    assert evaluate("gate", part, "--baseline", seeds_run).code == 2
    done = evaluate("compare", seeds_run, part, "--common", "--metric", "answer_cited", "--json")
    assert done.code == 0
    assert json.loads(done.out)["changes"][0]["delta"] == 0.0


def test_another_configuration_in_the_same_folder_is_refused(
    seeds_run: Path, seeds_data: Path, evaluate: Evaluate
) -> None:
    done = evaluate("run", GOLD, "--data-dir", seeds_data, "--out", seeds_run, "--top-k", 3)
    assert done.code == 2
    assert "top_k is 5 there, 3 here" in done.err


def test_the_seed_selects_the_cases(seeds_data: Path, evaluate: Evaluate, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        out = ("--out", tmp_path / name, "--limit", 4, "--seed", seed)
        assert evaluate("run", GOLD, "--data-dir", seeds_data, *out).code == 0
    first, other = (sorted(samples(tmp_path / name)) for name in "ab")
    assert len(first) == len(other) == 4
    assert first != other


def test_a_corpus_is_synced_first(seeds_data: Path, evaluate: Evaluate, tmp_path: Path) -> None:
    done = evaluate(
        "run", GOLD, "--corpus", SEEDS, "--data-dir", seeds_data, "--out", tmp_path / "r",
        "--limit", 2,
    )  # fmt: skip
    assert done.code == 0
    assert "index: " in done.err


def test_a_models_tokens_are_priced(
    seeds_data: Path, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with FakeModel(lambda request: "120,000 [1.1]") as server:
        monkeypatch.setenv("FOOTNOTE_LLM__BASE_URL", server.base_url)
        done = evaluate(
            "run", GOLD, "--model", "fake", "--data-dir", seeds_data, "--limit", 3,
            "--out", tmp_path / "r", "--price-in", 2, "--price-out", 8,
        )  # fmt: skip
    assert done.code == 0, done.err
    assert summary(tmp_path / "r")["metrics"]["cost"]["value"] > 0


RETRIEVER = """
from pathlib import Path
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, TextNode

class Second(BaseRetriever):
    "Returns the second line of one article, for every question."
    def _retrieve(self, query):
        text = Path({path!r}).read_text("utf-8").split("\\n")[{line}]
        node = TextNode(text=text, metadata={{"file_path": {path!r}}})
        return [NodeWithScore(node=node, score=0.5)]

def retriever():
    return Second()
"""


def test_a_llama_index_retriever_is_measured_by_the_same_metrics(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = SEEDS / "the-partners-behind-xiaomis-car.md"
    lines = article.read_text("utf-8").split("\n")
    line = next(n for n, text in enumerate(lines) if "BAIC can turn out" in text)
    (tmp_path / "rival.py").write_text(RETRIEVER.format(path=str(article), line=line))
    monkeypatch.syspath_prepend(tmp_path)
    done = evaluate(
        "run", GOLD, "--target", "rival:retriever", "--corpus", SEEDS, "--out", tmp_path / "r"
    )
    assert done.code == 0, done.err
    scored = json.loads(evaluate("show", tmp_path / "r", "seed-09", "--json").out)
    assert scored["values"]["hit@1"] == 1.0
    report = summary(tmp_path / "r")
    assert 0 < report["metrics"]["hit@1"]["value"] < 0.5
    assert "answer_cited" not in report["metrics"]
    assert set(report["failures"]["not_retrieved"]) >= {"seed-01"}


class FlakyService(BaseHTTPRequestHandler):
    """A service that is overloaded, answers, fails, answers, then rejects the key."""

    calls: list[str] = []  # noqa: RUF012 - one server a test

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/v1/sources"):
            self.reply(200, {"sources": [], "next_cursor": None})
        else:
            self.reply(200, {"status": "ready", "generation": "1", "complete": True})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.calls.append(self.path)
        if len(self.calls) == 1:
            self.reply(429, {"detail": "slower"}, retry_after="0.1")
        elif len(self.calls) == 3:
            self.reply(500, {"detail": "it broke"})
        elif len(self.calls) >= 5:
            self.reply(401, {"detail": "no longer"})
        else:
            self.reply(200, {"answer": "No.", "answered": False, "reason": "low_confidence"})

    def reply(self, status: int, body: dict[str, Any], *, retry_after: str | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def flaky_service() -> Iterator[str]:
    """The URL of a flaky service."""
    FlakyService.calls.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), FlakyService)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_overloaded_service_is_retried_an_error_counts_and_a_rejected_key_stops_the_run(
    flaky_service: str, evaluate: Evaluate, tmp_path: Path
) -> None:
    done = evaluate(
        "run", GOLD, "--url", flaky_service, "--out", tmp_path / "r", "--concurrency", 1
    )
    assert done.code == 4
    assert "no longer" in done.err
    kept = [json.loads(x) for x in (tmp_path / "r" / "samples.jsonl").read_text().splitlines()]
    assert [sample["error"] and "it broke" in sample["error"] for sample in kept] == [
        None, True, None,
    ]  # fmt: skip


def test_an_interrupted_run_is_130_and_resumes(
    seeds_data: Path, evaluate: Evaluate, tmp_path: Path
) -> None:
    folder = tmp_path / "r"
    command = [
        *COMMAND, "eval", "run", str(GOLD), "--data-dir", str(seeds_data), "--out", str(folder),
        "--concurrency", "1",
    ]  # fmt: skip
    samples_file = folder / "samples.jsonl"
    with subprocess.Popen(
        command, cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE
    ) as child:
        wait_until(lambda: samples_file.exists() and samples_file.stat().st_size > 0)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate()
    kept = samples_file.read_text().count("\n")
    assert child.returncode == 130, stderr.decode()
    assert b"the same command resumes" in stderr
    assert 0 < kept < 60
    assert (folder / "report.html").exists()
    assert evaluate("run", GOLD, "--data-dir", seeds_data, "--out", folder).code == 0
    assert samples_file.read_text().count("\n") == 60


def test_a_missing_extra_is_reported_in_one_line(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['scipy'] = None\n"
        f"from api.cli import run; sys.exit(run(['eval', 'run', {str(GOLD)!r}]))"
    )
    done = subprocess.run(
        [COMMAND[0], "-c", script],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "pip install '.[eval]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_drafted_cases_can_be_run(seeds_data: Path, evaluate: Evaluate, tmp_path: Path) -> None:
    out = tmp_path / "draft.jsonl"
    assert evaluate("draft", "--data-dir", seeds_data, "--out", out, "--count", 5).code == 0
    done = evaluate("run", out, "--data-dir", seeds_data, "--out", tmp_path / "r")
    assert done.code == 0
    assert summary(tmp_path / "r")["metrics"]["hit@5"]["value"] == 1.0
