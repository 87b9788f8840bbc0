"""The model path: what the model is asked and shown, and the searches it may ask for.

A scripted model over real HTTP, with the real client.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.embed.minilm import MiniLM
from index.serving import Serving
from index.store.generation import Generation
from rag.answer import MAX_SEARCHES, Limits, Pipeline, SupportMode
from rag.types import Answer, Ask, Delta, Done, Event, PassagesFound, SearchMade, Turn
from tests.support.fakes import (
    FakeModel,
    Request,
    Script,
    chat_client,
    quote_best_sentence,
)

QUESTION = "How many showrooms for Xiaomi cars are there, and in how many cities?"
OTHER = "Who supplies the batteries of the SU7?"


@pytest.fixture(scope="module")
def embedder(seeds_data: Path) -> MiniLM:
    return MiniLM(seeds_data / "models")


@pytest.fixture(scope="module")
def generation(seeds_data: Path) -> Iterator[Generation]:
    serving = Serving(seeds_data / "collections" / "default", "default")
    serving.refresh()
    with serving.lease() as generation:
        yield generation
    serving.close()


class Told:
    """What came of a question: its events, the answer, and the requests that the model got."""

    def __init__(self, events: list[Event], requests: list[Request]) -> None:
        self.events, self.requests = events, requests
        assert isinstance(events[-1], Done)
        self.answer: Answer = events[-1].answer
        self.queries = [event.query for event in events if isinstance(event, SearchMade)]
        self.shown = "".join(event.text for event in events if isinstance(event, Delta))


def tell(
    embedder: MiniLM,
    generation: Generation,
    script: Script,
    question: str = QUESTION,
    *,
    mode: SupportMode = "flag",
    passage_chars: int = 16_000,
    history: tuple[Turn, ...] = (),
) -> Told:
    async def drain(server: FakeModel) -> list[Event]:
        limits = Limits(passage_chars=passage_chars)
        chat = chat_client(server, total_s=10.0)
        pipeline = Pipeline(embedder=embedder, chat=chat, support_mode=mode, limits=limits)
        try:
            return [event async for event in pipeline.stream(generation, Ask(question, history))]
        finally:
            await pipeline.close()

    with FakeModel(script) as server:
        return Told(asyncio.run(drain(server)), server.requests)


def numbers(text: str) -> list[str]:
    return re.findall(r"^\[(\d+\.\d+)\] ", text, re.MULTILINE)


def search_first(*lines: str) -> Script:
    """A script: these replies one after the other, then the best sentence of the last message."""
    left = list(lines)
    return lambda request: left.pop(0) if left else quote_best_sentence(request)


def test_a_model_searches_again_and_answers_from_what_is_found(
    generation: Generation, embedder: MiniLM
) -> None:
    told = tell(
        embedder,
        generation,
        search_first(f"SEARCH: {OTHER}"),
        passage_chars=1_000,
    )
    assert told.queries == [OTHER]
    assert [type(event) for event in told.events[:2]] == [PassagesFound, SearchMade]
    first, second = told.requests
    roles = [message["role"] for message in second.body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert not set(numbers(first.last)) & set(numbers(second.last)), "numbered on from the last"
    assert told.shown == told.answer.answer
    assert told.answer.answered
    (citation,) = told.answer.citations
    text = generation.text(citation.source_id)
    assert text[citation.start : citation.end] == citation.quote
    assert told.answer.usage is not None


@pytest.mark.parametrize("mode", ["flag", "strict"])
def test_a_model_that_only_searches_is_stopped_and_declines(
    mode: SupportMode, generation: Generation, embedder: MiniLM
) -> None:
    told = tell(embedder, generation, "SEARCH: more and more\n" * 50, mode=mode)
    assert len(told.queries) == MAX_SEARCHES == 2
    assert len(told.requests) == 3
    assert "No further search is possible" in told.requests[-1].last
    assert (told.answer.answered, told.answer.reason) == (False, "model_declined")
    assert "SEARCH" not in told.shown


@pytest.mark.parametrize("mode", ["flag", "strict"])
@pytest.mark.parametrize(
    "reply",
    [
        f"```\nSEARCH: {OTHER}\n```",
        f"`SEARCH: {OTHER}`",
        f"The passages do not say.\n\n- **SEARCH: {OTHER}**",
    ],
)
def test_a_search_that_hides_in_markup_is_made_and_not_shown(
    reply: str, mode: SupportMode, generation: Generation, embedder: MiniLM
) -> None:
    told = tell(embedder, generation, search_first(reply), mode=mode, passage_chars=1_000)
    assert told.queries == [OTHER]
    assert "SEARCH" not in told.shown
    assert told.answer.answered


def test_a_search_after_the_answer_has_begun_is_left_out(
    generation: Generation, embedder: MiniLM
) -> None:
    words = "There are 335 sales centers in 92 Chinese cities, and more of them are planned."
    told = tell(embedder, generation, f"{words} [1.1]\n\n```\nSEARCH: more\n```\n")
    assert told.queries == []
    assert len(told.requests) == 1
    assert "SEARCH" not in told.shown
    assert told.shown.startswith(words)


def test_a_search_without_words_is_a_refusal(generation: Generation, embedder: MiniLM) -> None:
    told = tell(embedder, generation, "SEARCH: `…`")
    assert told.queries == []
    assert told.answer.reason == "model_declined"


def test_a_model_that_fails_after_a_search_falls_back_to_quoting(
    generation: Generation, embedder: MiniLM
) -> None:
    def script(request: Request) -> str:
        fence = re.findall(r"</passages-\w+>", request.prompt)[0]
        return fence if len(request.body["messages"]) > 2 else "SEARCH: showrooms"

    told = tell(embedder, generation, script)
    assert told.queries == ["showrooms"]
    assert told.answer.degraded
    assert told.answer.answerer == "extractive"


def test_a_remark_needs_no_citation_and_carries_no_fact(
    generation: Generation, embedder: MiniLM
) -> None:
    def script(request: Request) -> str:
        return f"{quote_best_sentence(request)} The passages do not name a price."

    told = tell(embedder, generation, script)
    assert [one.status for one in told.answer.sentences] == ["supported", "remark"]
    assert told.answer.sentences[-1].citations == ()


@pytest.mark.parametrize(
    "question", ["Wer liefert die Batterien für den SU7?", "Wie spät ist es?", "joke please"]
)
def test_a_model_is_asked_whatever_the_confidence(
    question: str, generation: Generation, embedder: MiniLM
) -> None:
    told = tell(embedder, generation, quote_best_sentence, question)
    (request,) = told.requests
    assert request.last.endswith(f"Question: {question}")
    assert told.answer.confidence < 0.3
    assert told.answer.reason != "low_confidence"


def test_the_passages_fill_the_budget(generation: Generation, embedder: MiniLM) -> None:
    small, large = (
        len(tell(embedder, generation, "NO_ANSWER", passage_chars=chars).requests[0].last)
        for chars in (2_000, 8_000)
    )
    assert 1_000 < small < 2_800
    assert 6_000 < large < 9_500


def test_what_is_cited_is_among_the_passages(generation: Generation, embedder: MiniLM) -> None:
    def cite_last(request: Request) -> str:
        number = numbers(request.last)[-1]
        return f"There is something else altogether in it [{number}]."

    told = tell(embedder, generation, cite_last)
    (citation,) = told.answer.citations
    ranks = [hit.rank for hit in told.answer.passages]
    assert ranks == list(range(1, len(ranks) + 1))
    assert len(ranks) > 5
    assert any(
        (hit.source.id, hit.chunk.start) <= (citation.source_id, citation.start)
        and hit.source.id == citation.source_id
        and citation.end <= hit.chunk.end
        for hit in told.answer.passages
    )
    first = told.events[0]
    assert isinstance(first, PassagesFound)
    assert first.hits == told.answer.passages[:5]


def test_a_title_line_is_cited_as_it_stands_in_the_source(
    generation: Generation, embedder: MiniLM
) -> None:
    def cite_title(request: Request) -> str:
        marker, title = re.findall(r"^Passage \d+ (\[\d+\.0\]): (.+?) \(", request.last, re.M)[0]
        return f"It is called {title} {marker}."

    told = tell(embedder, generation, cite_title, passage_chars=1_000)
    (citation,) = told.answer.citations
    text = generation.text(citation.source_id)
    assert citation.quote == citation.title == text[citation.start : citation.end]
    assert citation.unit == "heading"
