"""`/metrics`: what it counts, who may read it, and that several workers add up."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.telemetry.metrics import MULTIPROCESS_VARIABLE, multiprocess_metrics
from tests.support.fakes import FakeModel
from tests.support.processes import RunningService, descendant_pids, free_port, wait_until

ASK = {"question": "How long did the lake freeze in 1998?"}
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum over the samples with these labels."""
    return sum(
        number
        for (sample, sample_labels), number in samples.items()
        if sample == f"footnote_{name}" and labels.items() <= dict(sample_labels).items()
    )


def scrape(service: RunningService, **headers: str) -> Samples:
    response = httpx.get(service.url + "/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return parse(response.text)


def ask(service: RunningService, question: str = ASK["question"], **more: object) -> int:
    body = {"question": question} | more
    return httpx.post(service.url + "/v1/answers", json=body, timeout=60).status_code


@pytest.fixture(scope="module")
def samples(lakes: Path) -> Iterator[Samples]:
    """The metrics after six questions, two of them to be refused, and a search."""
    says = "The lake froze for 142 days in 1998 [1.1]. It froze for 999 days in 1998 [1.1] [7.7]."
    with FakeModel(says) as model:
        env = {"FOOTNOTE_LLM__MODEL": "a-model", "FOOTNOTE_LLM__BASE_URL": model.base_url}
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            ask(service)
            ask(service, stream=True)
            model.script = "NO_ANSWER"
            ask(service)
            ask(service, stream=True)
            model.script = ""
            ask(service)
            httpx.post(service.url + "/v1/search", json={"query": "lake"}, timeout=60)
            httpx.get(service.url + "/nothing/here")
            ask(service, "")
            yield scrape(service)


def test_questions_are_counted_by_how_they_ended(samples: Samples) -> None:
    assert value(samples, "answers_total") == 5
    assert value(samples, "answers_total", outcome="answered", degraded="false") == 2
    assert value(samples, "answers_total", outcome="abstained", reason="model_declined") == 2
    degraded = {"outcome": "answered", "degraded": "true", "answerer": "extractive"}
    assert value(samples, "answers_total", collection="default", **degraded) == 1


def test_what_was_wrong_with_answers_is_counted(samples: Samples) -> None:
    assert value(samples, "dropped_markers_total") == 2
    assert value(samples, "sentences_total", status="unsupported") == 2
    assert value(samples, "sentences_total", status="supported") >= 3
    assert value(samples, "model_tokens_total", model="a-model", kind="completion") > 0


def test_times_are_measured_by_stage_and_to_the_first_text(samples: Samples) -> None:
    for stage in ("follow_up", "retrieve", "answer", "cite", "support"):
        assert value(samples, "stage_seconds_count", stage=stage) >= 3
    assert value(samples, "stage_seconds_sum", stage="retrieve") > 0
    assert value(samples, "first_text_seconds_count", answerer="model") == 4


def test_requests_are_counted_by_route_and_status(samples: Samples) -> None:
    assert value(samples, "http_request_seconds_count", route="/v1/answers", status="200") == 5
    assert value(samples, "http_request_seconds_count", route="/v1/answers", status="422") == 1
    assert value(samples, "http_request_seconds_count", route="/v1/search", method="POST") == 1
    assert value(samples, "http_request_seconds_count", status="404", route="") == 1


def test_the_state_of_the_service_and_its_index_are_gauges(samples: Samples) -> None:
    assert value(samples, "ready") == 1
    assert value(samples, "sources", collection="default") == 2
    assert value(samples, "generation_built_timestamp_seconds") > 1_700_000_000
    assert value(samples, "answer_places") == 8
    assert value(samples, "answers_under_way") == value(samples, "answers_waiting") == 0


def test_its_own_port_is_loopback_and_needs_no_key(lakes: Path) -> None:
    port = free_port()
    with RunningService(
        "--no-sync",
        "--insecure",
        "--host",
        "0.0.0.0",
        cwd=lakes,
        env={"FOOTNOTE_METRICS_PORT": str(port)},
    ) as service:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        for host in ("evil.example", "localhost.evil.example", "10.0.0.1", ""):
            foreign = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Host": host})
            assert foreign.status_code == 421
            assert "footnote_" not in foreign.text
        listening = Path("/proc/net/tcp").read_text()
        service.stop()
    assert value(parse(text), "answer_places") == 8
    assert f"0100007F:{port:04X} 00000000:0000 0A" in listening
    assert f"00000000:{port:04X}" not in listening


def test_workers_add_up_and_one_that_fell_leaves_what_it_counted(
    lakes: Path, tmp_path: Path
) -> None:
    port = free_port()
    env = {"FOOTNOTE_METRICS_PORT": str(port), "TMPDIR": str(tmp_path)}
    with RunningService("--no-sync", "--workers", 2, cwd=lakes, env=env) as service:
        wait_until(lambda: value(scrape(service), "answer_places") == 16)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: ask(service), range(12)))
        before = value(scrape(service), "answers_total")
        workers = {
            pid
            for pid in descendant_pids(service.process.pid)
            if "--as-worker" in Path(f"/proc/{pid}/cmdline").read_text()
        }
        os.kill(workers.pop(), signal.SIGKILL)
        wait_until(lambda: value(scrape(service), "answer_places") == 8)
        wait_until(lambda: value(scrape(service), "answer_places") == 16)
        assert ask(service) == 200, "the new one takes no question before its index is open"
        wait_until(lambda: value(scrape(service), "ready") == 1)
        text = httpx.get(f"http://127.0.0.1:{port}/").text
        after = value(scrape(service), "answers_total")
        service.stop()
    assert (before, after) == (12, 13)
    assert value(parse(text), "answers_total") == 13
    assert value(parse(text), "ready") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_starting_does_not_fail_a_scrape() -> None:
    """Its file is empty for a moment."""
    with multiprocess_metrics() as collector:
        (Path(os.environ[MULTIPROCESS_VARIABLE]) / "counter_1.db").touch()
        assert list(collector.collect()) == []
