"""No public entry holds the event loop or costs more than linearly, whatever text it is sent."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from api.routes.deps import MAX_QUESTION_CHARS
from api.settings import load_settings
from index.embed.factory import EmbedSpec
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.fake_wire import Reply
from tests.support.fakes import FakeModel
from tests.support.scaling import TEXTS, Work, superlinear
from tests.support.serving import Serving

QUESTION = "How long did the lake freeze in 1998?"
TURN = 20_000
TURNS = 8
REQUEST_S = 0.1
"""What any request may cost."""
LONGEST_STEP_S = 0.05
"""Ten times what is aimed at, so that a slow machine fails no test; before, seconds."""


class Steps:
    """The longest step of any event loop of this process, in seconds of its thread's time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.longest_s, self.of = 0.0, ""
        run = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            took_s = time.thread_time() - began
            if took_s > self.longest_s:
                self.longest_s, self.of = took_s, repr(handle)[:300]

        monkeypatch.setattr(asyncio.Handle, "_run", timed)


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with FakeModel() as model:
        yield model


@pytest.fixture(scope="module")
def clients(
    tmp_path_factory: pytest.TempPathFactory, fake_embeddings: FakeModel, model: FakeModel
) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of a service that quotes, and of one with a model."""
    folder = tmp_path_factory.mktemp("scaling")
    embed = EmbedSpec("openai", "fake", fake_embeddings.base_url, None, folder / "models")
    sync_in_process(sync_request(write_files(folder / "corpus", ARTICLES), folder / "data", embed))
    flags = {
        "data_dir": folder / "data",
        "embed.model": "fake",
        "embed.base_url": fake_embeddings.base_url,
        "rate_limit_per_minute": 10**6,
    }
    with_model = {"llm.model": "m", "llm.base_url": model.base_url}
    with (
        Serving(load_settings(flags)) as quoting,
        Serving(load_settings(flags | with_model)) as writing,
        httpx.Client(base_url=quoting.url, timeout=60) as one,
        httpx.Client(base_url=writing.url, timeout=60) as other,
    ):
        yield one, other


def history(text: str) -> list[dict[str, str]]:
    starts = range(0, len(text), TURN)
    return [{"role": "user", "content": text[start : start + TURN]} for start in starts]


def entries(
    clients: tuple[httpx.Client, httpx.Client], model: FakeModel
) -> dict[str, tuple[int, Work]]:
    quoting, writing = clients

    def post(client: httpx.Client, path: str, **fields: object) -> None:
        assert client.post(path, json=fields).status_code in (200, 422)

    def ask(text: str) -> None:
        model.script = Reply(f"It froze for 142 days [1.1]. {text}", piece=10**9)
        post(writing, "/v1/answers", question=QUESTION)

    def chat(text: str) -> None:
        messages = [*history(text), {"role": "user", "content": "And who is he?"}]
        post(quoting, "/v1/chat/completions", model="footnote", messages=messages)

    def view(text: str) -> None:
        source = quoting.get("/v1/sources").json()["sources"][0]["id"]
        quoting.get(f"/v1/sources/{source}/view", params={"start": 0, "end": 9, "q": text})

    return {
        "question": (
            MAX_QUESTION_CHARS,
            lambda text: post(quoting, "/v1/answers", question=text, stream=True),
        ),
        "search": (
            MAX_QUESTION_CHARS,
            lambda text: post(quoting, "/v1/search", query=text, top_k=50),
        ),
        "conversation": (
            TURNS * TURN,
            lambda text: post(
                quoting, "/v1/answers", question="And who is he?", history=history(text)
            ),
        ),
        "chat": (TURNS * TURN, chat),
        "quote to mark": (2_000, view),
        "delta of a model": (25_000, ask),
    }


@pytest.mark.parametrize("name", TEXTS)
def test_an_entry_stays_linear_and_off_the_loop(
    name: str,
    clients: tuple[httpx.Client, httpx.Client],
    model: FakeModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = Steps(monkeypatch)
    grows = {
        entry: growth
        for entry, (limit, work) in entries(clients, model).items()
        if (growth := superlinear(work, TEXTS[name], limit, free_s=REQUEST_S))
    }
    assert grows == {}
    assert steps.longest_s < LONGEST_STEP_S, steps.of
