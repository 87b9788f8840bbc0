import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from index.embed.factory import EmbedSpec
from index.embed.minilm import MiniLM
from index.serving import Serving
from index.store.generation import Generation
from rag.answer import Limits, Pipeline, SupportMode
from rag.language.refusals import NAMES, REFUSALS, is_refusal_text, refusal_text
from rag.language.word_cover import Language
from rag.retrieval.article_language import other_language
from rag.retrieval.condense_rules import condense_by_rules
from rag.retrieval.weights import fitted_weights
from rag.types import (
    Answer,
    Ask,
    CitationMade,
    Delta,
    Done,
    Event,
    PassagesFound,
    Reason,
    SentenceClosed,
    Turn,
)
from tests.support.corpus_builder import (
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.fakes import FakeModel, Reply, Request, chat_client, quote_best_sentence
from tests.support.processes import ROOT

CASES = [
    json.loads(line)
    for line in (ROOT / "tests" / "data" / "seeds.jsonl").read_text("utf-8").splitlines()
]
QUESTION = "How many showrooms for Xiaomi cars are there, and in how many cities?"


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


def quoter(embedder: MiniLM, mode: SupportMode = "flag") -> Pipeline:
    limits = Limits(history_chars=4000, passage_chars=12000)
    return Pipeline(embedder=embedder, chat=None, support_mode=mode, limits=limits)


@contextmanager
def modelled(
    embedder: MiniLM, server: FakeModel, mode: SupportMode = "flag", passage_chars: int = 12_000
) -> Iterator[Pipeline]:
    chat = chat_client(server, total_s=5.0, between_tokens_s=1.0)
    limits = Limits(history_chars=4000, passage_chars=passage_chars)
    yield Pipeline(embedder=embedder, chat=chat, support_mode=mode, limits=limits)


async def drained(pipeline: Pipeline, generation: Generation, ask: Ask) -> list[Event]:
    try:
        return [event async for event in pipeline.stream(generation, ask)]
    finally:
        await pipeline.close()


def ended(events: list[Event]) -> Answer:
    assert isinstance(events[-1], Done)
    return events[-1].answer


@pytest.mark.parametrize(("certain", "expected"), [(0.0, False), (1.01, True)])
def test_an_answer_that_is_not_certain_says_so(
    embedder: MiniLM, generation: Generation, certain: float, expected: bool
) -> None:
    limits = Limits(history_chars=4000, passage_chars=12000)
    weights = replace(fitted_weights(), certain=certain)
    pipeline = Pipeline(
        embedder=embedder, chat=None, support_mode="flag", limits=limits, weights=weights
    )
    told, refused = (
        asyncio.run(pipeline.answer(generation, Ask(question)))
        for question in (QUESTION, "Who won the chess championship in 1972?")
    )
    assert (told.answered, told.tentative) == (True, expected)
    assert (refused.answered, refused.tentative) == (False, False)


def check_proofs(answer: Answer, generation: Generation) -> None:
    for citation in answer.citations:
        text = generation.text(citation.source_id)
        assert text[citation.start : citation.end] == citation.quote
        assert citation.line == text.count("\n", 0, citation.start) + 1
        assert text[: citation.start].endswith(citation.before)
        assert text[citation.end :].startswith(citation.after)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_citation_slices_back_to_its_quote(
    case: dict[str, object], generation: Generation, embedder: MiniLM
) -> None:
    ask = Ask(str(case["question"]))
    answer = ended(asyncio.run(drained(quoter(embedder), generation, ask)))
    check_proofs(answer, generation)
    assert len(answer.sentences) <= 4
    assert len(answer.answer) <= 600
    if not answer.answered:
        assert answer.reason is not None
        assert answer.answer == REFUSALS["en"][answer.reason]
        assert answer.citations == answer.sentences == ()


def test_the_stream_says_what_the_plain_answer_holds(
    generation: Generation, embedder: MiniLM
) -> None:
    events = asyncio.run(drained(quoter(embedder), generation, Ask(QUESTION)))
    answer = ended(events)
    assert isinstance(events[0], PassagesFound)
    assert "".join(e.text for e in events if isinstance(e, Delta)) == answer.answer
    assert tuple(e.sentence for e in events if isinstance(e, SentenceClosed)) == answer.sentences
    assert tuple(e.citation for e in events if isinstance(e, CitationMade)) == answer.citations
    assert [answer.answer[s.start : s.end] for s in answer.sentences] == [
        s.text for s in answer.sentences
    ]


def test_an_extractive_answer_quotes_its_sources(generation: Generation, embedder: MiniLM) -> None:
    answer = asyncio.run(quoter(embedder).answer(generation, Ask(QUESTION)))
    assert answer.answered
    assert answer.answerer == "extractive"
    assert answer.format == "text"
    assert "335" in answer.answer
    for sentence, citation in zip(answer.sentences, answer.citations, strict=False):
        assert sentence.text.startswith(f"{citation.quote} [{citation.n}]")
        assert sentence.status == "supported"


def test_a_model_answers_with_resolved_citations(generation: Generation, embedder: MiniLM) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(quote_best_sentence) as server:
        answer = ended(asyncio.run(ask(server)))
    assert answer.answerer == "model"
    assert answer.model == "fake"
    assert answer.format == "markdown"
    assert answer.citations
    assert answer.usage is not None
    check_proofs(answer, generation)


@pytest.mark.parametrize(
    "fault", ["http_401", "http_500", "html_200", "empty_choices", "no_answer"]
)
def test_a_failing_model_falls_back_to_quoting(
    fault: str, generation: Generation, embedder: MiniLM, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel("unused", fault=fault) as server:
        answer = ended(asyncio.run(ask(server)))
    assert answer.degraded
    assert answer.answerer == "extractive"
    assert answer.answered
    assert "the model failed" in caplog.text


def test_markers_that_point_nowhere_are_dropped_and_counted(
    generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel("There are 335 of them [1.1][77.1][1.99].") as server:
        answer = ended(asyncio.run(ask(server)))
    assert answer.dropped_markers == 2
    assert [citation.n for citation in answer.citations] == [1]
    assert "77" not in answer.answer


SUPPORTED = "Visitors can walk into one of 335 sales centers across 92 Chinese cities."


@pytest.mark.parametrize("mode", ["flag", "strict"])
@pytest.mark.parametrize("written", [SUPPORTED, f"{SUPPORTED} [77.1]"])
def test_a_sentence_without_a_marker_gets_the_citation_that_supports_it(
    written: str, mode: SupportMode, generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server, mode) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(f"{written} Whether that is many is for others to say.") as server:
        events = asyncio.run(ask(server))
    answer = ended(events)
    assert answer.sentences[0].status == "supported"
    assert answer.sentences[0].text == f"{SUPPORTED} [1]"
    assert "335" in answer.citations[0].quote
    assert [said.status for said in answer.sentences[1:]] == ["uncited"][: mode == "flag"]
    assert "".join(e.text for e in events if isinstance(e, Delta)) == answer.answer
    check_proofs(answer, generation)


def test_a_sentence_that_nothing_supports_stays_uncited(
    generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    wrong = SUPPORTED.replace("335", "533")
    code = f"```\n{SUPPORTED}\n```"
    with FakeModel(f"{wrong} Yes.\n\n{code}") as server:
        answer = ended(asyncio.run(ask(server)))
    assert {said.status for said in answer.sentences} == {"uncited"}
    assert answer.answer == f"{wrong} Yes.\n\n{code}"


def test_a_marker_means_the_passage_of_that_number_in_the_prompt(
    generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server, passage_chars=900) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION, top_k=50))

    def last_passage(request: Request) -> str:
        number, text = re.findall(r"^\[(\d+\.\d+)\] (.+)$", request.last, re.MULTILINE)[-1]
        seen.append(text)
        return f"Something else altogether [{number}]."

    seen: list[str] = []
    with FakeModel(last_passage) as server:
        answer = ended(asyncio.run(ask(server)))
    assert " ".join(answer.citations[0].quote.split()) == " ".join(seen[0].split())
    assert answer.citations[0].quote not in answer.passages[1].text, "the second did not fit"


@pytest.mark.parametrize("rewrite", [QUESTION, Reply(fault="http_500")])
def test_a_follow_up_is_rewritten_by_the_model_and_shown(
    rewrite: str | Reply, generation: Generation, embedder: MiniLM
) -> None:
    history = (Turn("user", "How many Xiaomi showrooms are there?"), Turn("assistant", "Many."))

    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask("And in how many cities?", history))

    def script(request: Request) -> str | Reply:
        return quote_best_sentence(request) if "<passages-" in request.last else rewrite

    with FakeModel(script) as server:
        answer = ended(asyncio.run(ask(server)))
    by_rule = condense_by_rules("And in how many cities?", history)
    assert answer.standalone_question == (rewrite if rewrite == QUESTION else by_rule)
    assert f"Question: {answer.standalone_question}" in server.requests[-1].last
    assert answer.answerer == "model"
    assert answer.citations


def test_a_model_that_declines_is_a_refusal(generation: Generation, embedder: MiniLM) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel("NO_ANSWER") as server:
        events = asyncio.run(ask(server))
    answer = ended(events)
    assert answer.reason == "model_declined"
    assert "".join(e.text for e in events if isinstance(e, Delta)) == answer.answer


@pytest.mark.parametrize("mode", ["flag", "strict"])
def test_a_model_that_repeats_its_prompt_is_not_shown(
    mode: SupportMode, generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server, mode) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(lambda request: f"{request.last}\n\nThere are 335 of them [1.1].") as server:
        answer = ended(asyncio.run(ask(server)))
    assert answer.degraded
    assert "passages-" not in answer.answer


def test_a_fence_at_the_end_of_an_answer_is_left_out(
    generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    def script(request: Request) -> str:
        fence = re.findall(r"</passages-\w+>", request.last)[0]
        return f"{quote_best_sentence(request)}\n{fence}\n\nQuestion: What else?"

    with FakeModel(script) as server:
        answer = ended(asyncio.run(ask(server)))
    assert answer.answer.endswith("[1]")
    assert not answer.degraded


@pytest.mark.parametrize(
    "line", ["Source: [1.1]", "(Sources: [1.1][1.2])", "**References**\n- [1.1]"]
)
def test_a_line_of_sources_is_no_statement_to_judge(
    line: str, generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(lambda request: f"{quote_best_sentence(request)}\n\n{line}") as server:
        answer = ended(asyncio.run(ask(server)))
    assert not [said for said in answer.sentences if said.status == "unsupported"]
    assert answer.sentences[0].status == "supported"


def test_an_answer_that_was_cut_at_its_token_limit_shows_it(
    generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(
        Reply("There are 335 of them [1.1]. In as ma", finish_reason="length")
    ) as server:
        answer = ended(asyncio.run(ask(server)))
    assert answer.answer.endswith("In as ma…")
    with FakeModel(Reply("There are 335 of them [1.1].", finish_reason="length")) as server:
        assert ended(asyncio.run(ask(server))).answer.endswith("[1]")


@pytest.mark.parametrize("mode", ["flag", "strict"])
@pytest.mark.parametrize(
    "said", ["Answer: NO_ANSWER", "I’m sorry, but the passages do not mention any showrooms."]
)
def test_a_model_that_declines_in_its_own_words_is_a_refusal(
    said: str, mode: SupportMode, generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server, mode) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(said) as server:
        answer = ended(asyncio.run(ask(server)))
    assert (answer.answered, answer.reason) == (False, "model_declined")


def test_a_refusal_recognized_too_late_to_be_held_back_stays_as_the_model_put_it(
    generation: Generation, embedder: MiniLM
) -> None:
    words = "Based on the passages that you have provided to me here, it is not stated anywhere."

    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel(words) as server:
        events = asyncio.run(ask(server))
    answer = ended(events)
    assert (answer.answered, answer.reason, answer.sentences) == (False, "model_declined", ())
    shown = "".join(event.text for event in events if isinstance(event, Delta))
    assert shown == answer.answer == words


def test_text_reaches_the_reader_within_forty_characters_of_the_model(
    generation: Generation, embedder: MiniLM
) -> None:
    words = "The passages say that there are 335 showrooms in the cities [1.1]. More are planned."

    async def ask(server: FakeModel) -> tuple[int, int]:
        with modelled(embedder, server) as pipeline:
            events = await drained(pipeline, generation, Ask(QUESTION))
        deltas = [event.text for event in events if isinstance(event, Delta)]
        return len(deltas[0]), len(deltas)

    reply = Reply(words, piece=4, pause_s=0.03, is_slow=True)
    with FakeModel(reply) as server:
        first, count = asyncio.run(ask(server))
    assert first <= 44
    assert count >= 8


def test_an_unsupported_sentence_is_flagged(generation: Generation, embedder: MiniLM) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server) as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel("There are 9,999 showrooms in 77 cities [1.1]. Nothing cited here.") as server:
        answer = ended(asyncio.run(ask(server)))
    assert [sentence.status for sentence in answer.sentences] == ["unsupported", "uncited"]
    assert answer.sentences[0].why


def test_strict_mode_withholds_what_is_not_supported(
    generation: Generation, embedder: MiniLM
) -> None:
    async def ask(server: FakeModel) -> list[Event]:
        with modelled(embedder, server, "strict") as pipeline:
            return await drained(pipeline, generation, Ask(QUESTION))

    with FakeModel("There are 9,999 showrooms in 77 cities [1.1]. Nothing cited here.") as server:
        events = asyncio.run(ask(server))
    answer = ended(events)
    assert answer.reason == "unsupported"
    assert "".join(e.text for e in events if isinstance(e, Delta)) == answer.answer
    assert not [e for e in events if isinstance(e, CitationMade)]


def test_an_off_topic_question_is_refused_with_a_reason(
    generation: Generation, embedder: MiniLM
) -> None:
    answer = asyncio.run(quoter(embedder).answer(generation, Ask("Which river is in Rome?")))
    assert not answer.answered
    assert answer.reason == "low_confidence"
    assert answer.passages


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Welcher Fluss fließt durch Rom?", "de"),
        ("Quel fleuve traverse la ville de Rome ?", "fr"),
        ("¿Qué río pasa por la ciudad de Roma?", "es"),
        ("哪条河流经罗马？", "zh"),
    ],
)
def test_a_refusal_in_another_language_names_what_finds_across_languages(
    generation: Generation, embedder: MiniLM, question: str, language: Language
) -> None:
    answer = asyncio.run(quoter(embedder).answer(generation, Ask(question)))
    assert answer.answer == refusal_text("low_confidence", language, articles="en")
    assert answer.answer.startswith(REFUSALS[language]["low_confidence"])
    assert NAMES[language]["en"] in answer.answer
    assert "`multilingual`" in answer.answer
    assert is_refusal_text(answer.answer)


def test_a_refusal_in_the_language_of_the_articles_is_one_sentence(
    generation: Generation, embedder: MiniLM
) -> None:
    answer = asyncio.run(quoter(embedder).answer(generation, Ask("Which river is in Rome?")))
    assert answer.answer == REFUSALS["en"]["low_confidence"]


@pytest.mark.parametrize("finds", [True, None])
def test_an_embedder_that_may_find_across_languages_is_not_blamed(
    generation: Generation, embedder: MiniLM, finds: bool | None
) -> None:
    other = copy(embedder)
    other.across_languages = finds
    answer = asyncio.run(quoter(other).answer(generation, Ask("Welcher Fluss fließt durch Rom?")))
    assert answer.answer == REFUSALS["de"]["low_confidence"]


def test_a_language_that_many_passages_are_in_is_one_of_the_articles(
    tmp_path: Path, minilm_spec: EmbedSpec, generation: Generation
) -> None:
    files = {
        "a.txt": "Der Turm wurde im Jahr 1871 gebaut und ist heute vierzig Meter hoch.",
        "b.txt": "Die Brücke führt über den Fluss, und sie ist nur am Sonntag für alle offen.",
        "c.txt": "The lamp was lit in 1871, and the keeper of the lighthouse has left since then.",
    }
    request = sync_request(write_files(tmp_path / "corpus", files), tmp_path / "data", minilm_spec)
    sync_in_process(request)
    with open_generation(request) as german:
        assert other_language(german, "fr") == "de"
        assert other_language(german, "de") is None
        assert other_language(german, "en") is None  # a third of them
    assert other_language(generation, "de") == "en"
    assert other_language(generation, "en") is None


def test_every_language_has_every_refusal() -> None:
    assert all(set(texts) == set(get_args(Reason)) for texts in REFUSALS.values())


def test_an_empty_index_is_refused_as_such(generation: Generation, embedder: MiniLM) -> None:
    class Empty:
        info = replace(generation.info, chunks=0)

    pipeline = quoter(embedder)
    answer = asyncio.run(pipeline.answer(Empty(), Ask(QUESTION)))  # type: ignore[arg-type]  # all that is read of it
    assert answer.reason == "index_empty"


def test_one_who_leaves_while_it_searches_waits_for_the_search(
    generation: Generation, embedder: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it reads is closed next, and to close SQLite under a reader ends the process."""
    pipeline, ended = quoter(embedder), []
    find = pipeline._finder.search

    def slow(*given: object, **more: object) -> object:
        time.sleep(0.3)
        found = find(*given, **more)  # type: ignore[arg-type]  # as they came
        ended.append(found)
        return found

    monkeypatch.setattr(pipeline._finder, "search", slow)

    async def leave() -> None:
        asking = asyncio.create_task(drained(pipeline, generation, Ask("How many showrooms?")))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert len(ended) == 1

    asyncio.run(leave())


def test_a_refusal_suggests_questions_that_are_answered(
    generation: Generation, embedder: MiniLM
) -> None:
    ask = Ask("What is the top speed of the SU7?")
    refusal = ended(asyncio.run(drained(quoter(embedder), generation, ask)))
    assert refusal.reason == "low_confidence"
    assert 0 < len(refusal.suggestions) <= 3
    for question in refusal.suggestions:
        answer = ended(asyncio.run(drained(quoter(embedder), generation, Ask(question))))
        assert answer.answered
        assert not answer.suggestions
