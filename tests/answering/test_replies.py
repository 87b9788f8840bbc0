"""Replies that quote no searched sentence: greetings, the service, its articles, a summary."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.protocol import Embedder
from index.store.generation import Generation
from index.types import Filters
from rag.answer import Limits, Pipeline
from rag.replies.catalogue import MAX_LISTED
from rag.timing import Outcome
from rag.types import Answer, Ask, Delta, Done, Event, PassagesFound, Turn
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel, chat_client, quote_best_sentence

TRAVEL = (
    "# Travel policy\n\n"
    "The travel policy says who may travel for the firm and what the firm pays for it.\n\n"
    "This is what it is for.\n\n"
    "## Trains\n\n"
    "Journeys of less than four hours are made by train, and the firm pays for second class.\n\n"
    "## Flights\n\n"
    "Flights are booked by the travel office two weeks before the journey at the latest.\n\n"
    "## Hotels\n\n"
    "The firm pays for hotels of up to 120 euros a night, or 180 euros in a capital city.\n\n"
    "## Meals\n\n- Breakfast: 9 euros\n- Dinner: 20 euros\n"
)
FILES = {
    "travel.md": TRAVEL,
    "report-q2.md": "---\ndate: 2025-07-31\n---\n# Report on the second quarter\n\n"
    "The mill sold 12,000 sacks of flour in the second quarter of the year.\n",
    "report-q1.md": "---\ndate: 2025-04-30\n---\n# Report on the first quarter\n\n"
    "The mill sold 9,000 sacks of flour in the first quarter, when the river was frozen.\n",
    "boats.md": "# Boats\n\nThe Heron is a rowing boat of oak for four people.\n\n"
    "It is painted green every spring by the members of the club.\n",
    "ferry.md": "# Ferry\n\nThe Osprey is a ferry of steel, and carries forty cars.\n",
    "mill.md": "---\ndate: 2024-02-01\n---\n# The old mill\n\nThe wheel turns by the river.\n",
    **{f"notes/{n}.md": f"# Note {n}\n\nNumber {n} is about hay.\n" for n in range(30)},
}


@pytest.fixture(scope="module")
def embedder(minilm_spec: EmbedSpec) -> Iterator[Embedder]:
    embedder = open_embedder(minilm_spec)
    yield embedder
    embedder.close()


@pytest.fixture(scope="module")
def generation(
    minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generation]:
    folder: Path = tmp_path_factory.mktemp("replies")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    with open_generation(request) as generation:
        yield generation


@pytest.fixture
def answer(generation: Generation, embedder: Embedder) -> Callable[[Ask], Answer]:
    pipeline = Pipeline(embedder=embedder, chat=None, support_mode="flag", limits=Limits())
    return lambda ask: asyncio.run(pipeline.answer(generation, ask))


def ask_model(
    generation: Generation, embedder: Embedder, server: FakeModel, ask: Ask
) -> tuple[Answer, list[Event]]:
    async def run() -> list[Event]:
        chat = chat_client(server, total_s=5.0, between_tokens_s=1.0)
        pipeline = Pipeline(embedder=embedder, chat=chat, support_mode="strict", limits=Limits())
        try:
            return [event async for event in pipeline.stream(generation, ask)]
        finally:
            await pipeline.close()

    events = asyncio.run(run())
    assert isinstance(events[-1], Done)
    return events[-1].answer, events


@pytest.mark.parametrize(
    ("question", "kind", "begins"),
    [
        ("Hi!", "greeting", "Hello!"),
        ("Danke!", "greeting", "Gern"),
        ("再见", "greeting", "再见"),
        ("What can you do?", "service", "This service answers"),
        ("¿Quién eres?", "service", "Este servicio"),
        ("Which articles do you have?", "catalogue", "Articles: 36\n- "),
    ],
)
def test_a_reply_cites_nothing_and_asks_no_model(
    question: str, kind: str, begins: str, generation: Generation, embedder: Embedder
) -> None:
    with FakeModel("unused") as server:
        answer, events = ask_model(generation, embedder, server, Ask(question))
        assert server.requests == []
    assert (answer.kind, answer.answered, answer.reason) == (kind, True, None)
    assert answer.answer.startswith(begins)
    assert answer.format == "text"
    assert (answer.citations, answer.sentences, answer.passages) == ((), (), ())
    assert not answer.tentative
    assert isinstance(events[0], PassagesFound)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == answer.answer
    assert answer.timings_ms.keys() == {"retrieve", "answer", "total"}


def test_a_reply_is_counted_as_answered(generation: Generation, embedder: Embedder) -> None:
    outcomes = list[Outcome]()
    pipeline = Pipeline(
        embedder=embedder,
        chat=None,
        support_mode="flag",
        limits=Limits(),
        observer=outcomes.append,
    )
    asyncio.run(pipeline.answer(generation, Ask("Thanks!")))
    assert [one.answer and one.answer.answered for one in outcomes] == [True]


def test_a_long_list_is_cut_and_counted(answer: Callable[[Ask], Answer]) -> None:
    reply = answer(Ask("List all articles"))
    assert len(reply.sources) == MAX_LISTED
    assert reply.answer.endswith(f"\n… and {36 - MAX_LISTED} more")


def test_articles_are_listed_by_what_they_mention_titles_first(
    answer: Callable[[Ask], Answer],
) -> None:
    reply = answer(Ask("How many articles do you have about mills?"))
    assert [one.path for one in reply.sources] == ["mill.md", "report-q1.md", "report-q2.md"]
    assert reply.answer.startswith("Articles that mention “mills”: 3\n- The old mill (2024-02-01)")


def test_what_none_mentions_is_said_to_be_in_none(answer: Callable[[Ask], Answer]) -> None:
    reply = answer(Ask("Welche Artikel gibt es zu Elefanten?"))
    assert reply.answer == "Artikel, die „Elefanten“ erwähnen: keine"
    assert reply.answered


def test_new_articles_come_first_and_undated_ones_are_counted(
    answer: Callable[[Ask], Answer],
) -> None:
    reply = answer(Ask("What is new since March 2025?"))
    assert [one.path for one in reply.sources] == ["report-q2.md", "report-q1.md"]
    assert reply.answer.startswith("Articles (dated 2025-03-01 or later): 2")
    assert reply.answer.endswith("Articles that state no date: 33")


@pytest.mark.parametrize(
    "question", ["What can you do?", "Which articles do you have?", "Which articles mention mills?"]
)
def test_only_articles_that_the_filters_allow_are_listed_and_counted(
    question: str, answer: Callable[[Ask], Answer]
) -> None:
    reply = answer(Ask(question, filters=Filters(until=date(2024, 12, 31))))
    assert "1" in reply.answer.split("\n")[0]
    assert [one.path for one in reply.sources] in ([], ["mill.md"])


def test_a_summary_quotes_the_article_that_is_named_in_its_order(
    answer: Callable[[Ask], Answer],
) -> None:
    reply = answer(Ask("Summarise the travel article"))
    assert (reply.kind, reply.answered) == ("summary", True)
    assert {one.source for one in reply.citations} == {"travel.md"}
    starts = [one.start for one in reply.citations]
    assert starts == sorted(starts)
    assert 3 <= len(starts) <= 5
    for one in reply.citations:
        assert TRAVEL[one.start : one.end] == one.quote
        assert not one.quote.startswith("This is")
    assert {one.status for one in reply.sentences} == {"supported"}


def test_a_quarter_in_figures_is_one_in_words(answer: Callable[[Ask], Answer]) -> None:
    reply = answer(Ask("Summarise the Q2 report, please"))
    assert {one.source for one in reply.citations} == {"report-q2.md"}


@pytest.mark.parametrize("question", ["Summarise the report article", "Summarise the tax article"])
def test_without_a_clear_article_it_is_an_ordinary_question(
    question: str, answer: Callable[[Ask], Answer]
) -> None:
    assert answer(Ask(question)).kind == "question"


def test_a_summary_is_of_no_article_that_the_filters_leave_out(
    answer: Callable[[Ask], Answer],
) -> None:
    asked = Ask("Summarise the travel article", filters=Filters(sources=("notes/",)))
    assert answer(asked).kind == "question"


def test_a_summary_uses_no_more_passages_than_asked_for(answer: Callable[[Ask], Answer]) -> None:
    reply = answer(Ask("Summarise the travel article", top_k=1))
    assert len(reply.passages) == 1


def test_a_model_sums_up_the_whole_article(generation: Generation, embedder: Embedder) -> None:
    with FakeModel(quote_best_sentence) as server:
        reply, _ = ask_model(generation, embedder, server, Ask("Summarise the travel article"))
        shown = server.requests[-1].last
    assert reply.answerer == "model"
    assert reply.kind == "summary"
    assert "Breakfast" in shown
    assert "hay" not in shown


@pytest.mark.parametrize("question", ["Thanks!", "Which articles are there?", "who are you?"])
def test_a_reply_needs_nothing_of_the_conversation(
    question: str, answer: Callable[[Ask], Answer]
) -> None:
    history = (Turn("user", "How much does the firm pay for hotels?"), Turn("assistant", "120."))
    assert answer(Ask(question, history)).standalone_question == question


def test_a_greeting_is_no_subject_of_a_follow_up(answer: Callable[[Ask], Answer]) -> None:
    history = (Turn("user", "Hi there"), Turn("assistant", "Hello!"))
    asked = "And how much is it in a capital city?"
    assert answer(Ask(asked, history)).standalone_question == asked


@pytest.mark.parametrize("top_k", [5, 2])
def test_a_comparison_quotes_both_sides(top_k: int, answer: Callable[[Ask], Answer]) -> None:
    reply = answer(Ask("Compare the Heron and the Osprey", top_k=top_k))
    assert (reply.kind, reply.answered) == ("comparison", True)
    assert {"boats.md", "ferry.md"} <= {one.source for one in reply.citations}
    assert len(reply.passages) == top_k
    assert [hit.rank for hit in reply.passages] == list(range(1, top_k + 1))
    for one in reply.citations:
        assert FILES[one.source][one.start : one.end] == one.quote


def test_a_comparison_with_what_no_article_has_is_not_made_up(
    answer: Callable[[Ask], Answer],
) -> None:
    reply = answer(Ask("Compare elephants and giraffes"))
    assert not reply.answered
