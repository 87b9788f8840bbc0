"""Traces: exported only to the configured collector, without any content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.errors import SettingRefused
from api.settings import load_settings
from tests.support.fakes import FakeModel, Reply
from tests.support.otlp_collector import FakeOtlpCollector, attributes
from tests.support.processes import RunningService, free_port

CANARY = "qanary7"
QUESTION = f"How long did the lake freeze in 1998, {CANARY}?"
PARENT = f"00-{0xABC:032x}-{0xDEF:016x}-01"


@dataclass(frozen=True)
class Traced:
    """What a collector got of six requests, by the request ids that they were sent with."""

    spans: list[Any]
    resource: dict[str, Any]
    log: str
    everything: str

    def of(self, name: str) -> list[dict[str, Any]]:
        return [attributes(span) for span in self.spans if span.name == name]


@pytest.fixture(scope="module")
def traced(lakes: Path) -> Traced:
    answer = Reply(
        text="The lake froze for 142 days in 1998 [1.1]. It froze for 999 days [1.1][7.7]."
    )
    with FakeOtlpCollector() as collector, FakeModel(answer) as model:
        env = {
            "FOOTNOTE_OTLP_ENDPOINT": collector.endpoint,
            "FOOTNOTE_LLM__MODEL": "a-model",
            "FOOTNOTE_LLM__BASE_URL": model.base_url,
            "FOOTNOTE_LLM__API_KEY": CANARY,
        }
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            history = [{"role": "user", "content": CANARY}]
            url, ask = service.url + "/v1/answers", {"question": QUESTION}
            with httpx.Client(timeout=60, headers={"Authorization": f"Bearer {CANARY}"}) as client:
                client.post(url, json=ask, headers={"traceparent": PARENT})
                client.post(url, json=ask | {"stream": True, "history": history})
                model.script = Reply(text=f"The lake froze for {CANARY}", fault="ended", piece=2)
                client.post(url, json=ask | {"stream": True})
                client.get(f"{service.url}/v1/sources/{CANARY}/text?start=1&{CANARY}={CANARY}")
                client.get(f"{service.url}/{CANARY}?{CANARY}", headers={"Host": f"{CANARY}.test"})
                client.get(f"{service.url}/livez")
            log = service.stop()
    spans = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    return Traced(spans, collector.resources[0], log, str(collector.spans))


def test_a_questions_stages_are_spans_below_its_request(traced: Traced) -> None:
    ours = [span for span in traced.spans if span.trace_id.hex() == f"{0xABC:032x}"]
    by_id = {span.span_id: span for span in ours}
    above = {
        span.name: by_id[span.parent_span_id].name if span.parent_span_id in by_id else None
        for span in ours
    }
    assert above == {
        "POST /v1/answers": None,
        "retrieve": "POST /v1/answers",
        "answer": "POST /v1/answers",
        "cite": "answer",
        "support": "answer",
    }
    for span in ours:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert f"{0xABC:032x}" in traced.log


def test_they_say_what_was_done_in_genai_attributes(traced: Traced) -> None:
    retrieve, answer = traced.of("retrieve")[0], traced.of("answer")[0]
    assert retrieve["gen_ai.operation.name"] == "retrieval"
    assert retrieve["gen_ai.data_source.id"] == "default"
    assert retrieve["footnote.passages"] == 2
    assert answer["gen_ai.operation.name"] == "chat"
    assert answer["gen_ai.request.model"] == "a-model"
    assert answer["gen_ai.usage.input_tokens"] > answer["gen_ai.usage.output_tokens"] > 0
    assert answer["gen_ai.response.time_to_first_chunk"] > 0
    assert answer["footnote.outcome"] == "answered"
    cite, support = traced.of("cite")[0], traced.of("support")[0]
    assert (cite["footnote.citations"], cite["footnote.dropped_markers"]) == (1, 1)
    assert support["footnote.sentences.supported"] == support["footnote.sentences.unsupported"] == 1


def test_a_follow_up_is_a_span_where_there_is_something_to_follow(traced: Traced) -> None:
    assert len(traced.of("follow_up")) == 1
    assert len(traced.of("retrieve")) == 3


def test_an_answer_that_broke_says_so(traced: Traced) -> None:
    broken = [span for span in traced.spans if span.status.code == 2]
    assert [span.name for span in broken] == ["answer"]
    assert attributes(broken[0])["error.type"] == "ModelMisbehaved"
    assert attributes(broken[0])["footnote.outcome"] == "failed"


def test_no_content_is_in_a_span(traced: Traced) -> None:
    assert CANARY not in traced.everything.lower()
    assert "froze" not in traced.everything
    (text,) = traced.of("GET /v1/sources/{source_id}/text")
    assert (text["url.path"], text["url.query"]) == ("REDACTED", "REDACTED")
    assert text["http.route"] == "/v1/sources/{source_id}/text"
    assert traced.resource["service.name"] == "footnote"


def test_probes_are_not_traced(traced: Traced) -> None:
    assert {span.name for span in traced.spans if span.kind == 2} == {
        "POST /v1/answers",
        "GET /v1/sources/{source_id}/text",
        "GET",
    }


def test_content_is_in_spans_only_if_the_setting_says_so(lakes: Path) -> None:
    with FakeOtlpCollector() as collector:
        env = {"FOOTNOTE_OTLP_ENDPOINT": collector.endpoint, "FOOTNOTE_LOG_CONTENT": "true"}
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            httpx.post(f"{service.url}/v1/answers", json={"question": QUESTION}, timeout=60)
            service.stop()
    spans = {span.name: attributes(span) for span in collector.spans}
    assert spans["retrieve"]["gen_ai.retrieval.query.text"] == QUESTION
    assert "142 days" in spans["answer"]["gen_ai.output.messages"]
    assert "gen_ai.request.model" not in spans["answer"]


def test_a_collector_that_only_the_environment_names_gets_nothing(lakes: Path) -> None:
    with FakeOtlpCollector() as collector:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_TRACES_EXPORTER": "otlp",
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        }
        with RunningService("--no-sync", cwd=lakes, env=env) as service:
            answer = httpx.post(
                f"{service.url}/v1/answers", json={"question": QUESTION}, timeout=60
            )
            log = service.stop()
    assert answer.json()["answered"]
    assert collector.spans == []
    assert "trace_id" not in log


def test_a_collector_that_is_gone_holds_up_neither_answers_nor_the_end(lakes: Path) -> None:
    env = {"FOOTNOTE_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    with RunningService("--no-sync", cwd=lakes, env=env) as service:
        answer = httpx.post(f"{service.url}/v1/answers", json={"question": QUESTION}, timeout=60)
        service.stop()  # fails after 30 s
    assert answer.json()["answered"]
    assert service.process.returncode == 0


def test_an_endpoint_with_a_password_is_refused_without_naming_it(bare_environment: Path) -> None:
    with pytest.raises(SettingRefused) as refused:
        load_settings({"otlp_endpoint": f"http://me:{CANARY}@127.0.0.1:4317"})
    assert "OTEL_EXPORTER_OTLP_HEADERS" in str(refused.value)
    assert CANARY not in str(refused.value)
