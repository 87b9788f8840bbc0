"""What is asked of the last answer: its proof, a reason, another language, less or more of it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.protocol import Embedder
from index.store.generation import Generation
from rag.answer import Limits, Pipeline
from rag.language.kind.intent import recognize
from rag.language.kind.last_answer import LANGUAGE_NAMES, AnswerAct
from rag.language.refusals import FOLLOW_UP_REFUSALS
from rag.language.word_cover import Language
from rag.model.requests import REQUESTS
from rag.replies.texts import EVIDENCE, NO_TRANSLATION, SERVICE
from rag.types import Answer, Ask, Turn
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel, chat_client, quote_best_sentence
from tests.support.follow_ups import FollowUpCase, read_follow_ups

ACTS: dict[AnswerAct, str] = {
    "evidence": """
        Are you sure?
        really?
        Where does it say that?
        show me the source
        Prove it!
        How do you know?
        What is your source?
        Bist du sicher?
        Wo steht das?
        Zeig mir die Quelle
        Vraiment ?
        Tu en es sûr ?
        D’où vient cela ?
        ¿De verdad?
        ¿Dónde dice eso?
        你确定吗？
        出处呢
    """,
    "why": """
        Why?
        but why is that?
        How come?
        Warum?
        Wieso denn das?
        Pourquoi ça ?
        ¿Por qué?
        为什么？
    """,
    "language": """
        In German please
        Could you answer in French, please?
        translate that to Spanish
        Say it again in Italian
        Auf Deutsch bitte
        Bitte auf Englisch
        en anglais s’il te plaît
        Traduis en allemand
        en español por favor
        请用英语回答
        能用中文说吗？
    """,
    "summary": """
        Summarise it
        Can you summarise that article?
        a short summary, please
        Fass den Artikel zusammen
        Résume l’article
        Resume el artículo
        总结一下
    """,
    "shorter": """
        shorter please
        make it shorter
        In one sentence
        kürzer bitte
        plus court
        más corto por favor
        简短一点
    """,
    "more": """
        Tell me more
        more detail
        go on
        What else?
        Mehr Details
        Erzähl mir mehr
        Dis-m’en plus
        Más detalles
        继续
    """,
}
QUESTIONS = """
    Are you sure that the SU7 is electric?
    Where does it say that lunch is paid?
    Why are exports delayed?
    Why is that fee charged?
    In Spain?
    In which language is the handbook?
    Do you have the handbook in German?
    Summarise the travel article
    What is the source of the river?
    Which sources of income are there?
    More than ten days?
    How much more do I get?
    Is it true for part-time employees?
    Warum ist der Export verschoben?
    Auf welcher Seite steht das Formular?
    Pourquoi les exportations sont-elles retardées ?
    ¿Por qué se retrasan las exportaciones?
    为什么出口推迟了？
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("question", "act"), [(one, act) for act, text in ACTS.items() for one in lines(text)]
)
def test_what_is_asked_of_the_last_answer_is_recognised_only_after_one(
    question: str, act: AnswerAct
) -> None:
    later = recognize(question, is_first=False)
    assert (later.kind, later.about) == ("last_answer", act)
    assert recognize(question).about is None


@pytest.mark.parametrize("question", lines(QUESTIONS))
def test_a_question_that_looks_alike_is_none_of_these(question: str) -> None:
    assert recognize(question, is_first=False).about is None


@pytest.mark.parametrize("case", [one for one in read_follow_ups() if one.act], ids=lambda c: c.id)
def test_the_acts_of_the_follow_up_cases_are_recognised(case: FollowUpCase) -> None:
    assert recognize(case.question, is_first=False).about == case.act


def test_a_language_is_recognised_by_its_name_in_each_language() -> None:
    assert set(LANGUAGE_NAMES.values()) == set(get_args(Language))
    assert recognize("auf Spanisch", is_first=False).language == "es"


@pytest.mark.parametrize("text", ["Tell me a joke", "are you a bot or a human", "讲个笑话"])
def test_small_talk_about_the_service_is_about_the_service(text: str) -> None:
    assert recognize(text, is_first=False).kind == "service"


# --- what comes back

MILL = (
    "# The mill\n\n## The wheel\n\n"
    "The wheel of the mill has a diameter of six metres. "
    "It is turned by the water of the river Tarn. "
    "In winter it stands still because the river is frozen. "
    "Every spring the carpenter of the village repairs its blades.\n\n"
    "## Flour\n\n"
    "The mill sold 12,000 sacks of flour last year. Most of it went to bakers in the valley.\n"
)
CLUB = (
    "# The club\n\nThe club closed its boathouse in May 2019.\n\n"
    "The boathouse of the club was closed because its roof had fallen in.\n"
)
BOATS = "# Boats\n\nThe Heron is a rowing boat of oak.\n"
FILES = {"mill.md": MILL, "boats.md": BOATS, "club.md": CLUB}
ASKED = "What is the diameter of the wheel of the mill?"


@pytest.fixture(scope="module")
def embedder(minilm_spec: EmbedSpec) -> Iterator[Embedder]:
    embedder = open_embedder(minilm_spec)
    yield embedder
    embedder.close()


@pytest.fixture(scope="module")
def generation(
    minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generation]:
    folder: Path = tmp_path_factory.mktemp("last_answer")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    with open_generation(request) as generation:
        yield generation


Talk = Callable[..., Answer]


@pytest.fixture
def talk(generation: Generation, embedder: Embedder) -> Talk:
    """Asks one question after the other; returns the last answer."""
    pipeline = Pipeline(embedder=embedder, chat=None, support_mode="flag", limits=Limits())

    def run(*questions: str, top_k: int = 5) -> Answer:
        history = list[Turn]()
        for question in questions:
            ask = Ask(question, tuple(history), top_k=top_k)
            answer = asyncio.run(pipeline.answer(generation, ask))
            history += [Turn("user", question), Turn("assistant", answer.answer)]
        return answer

    return run


def quotes(answer: Answer) -> list[str]:
    for one in answer.citations:
        assert FILES[one.source][one.start : one.end] == one.quote
    return [one.quote for one in answer.citations]


@pytest.mark.parametrize(
    ("question", "language"), [("Are you sure?", "en"), ("Wo steht das?", "de")]
)
def test_the_evidence_is_the_quoted_sentence_with_its_neighbours(
    question: str, language: Language, talk: Talk
) -> None:
    answer = talk(ASKED, question)
    assert (answer.kind, answer.answered, answer.standalone_question) == (
        "last_answer",
        True,
        ASKED,
    )
    assert answer.answer.startswith(EVIDENCE[language] + "\n")
    assert any("six metres" in one for one in quotes(answer))
    assert len(quotes(answer)) >= 2
    first, *others = answer.sentences
    assert (first.text, first.status, first.citations) == (EVIDENCE[language], "remark", ())
    assert answer.answer[first.start : first.end] == first.text
    assert {one.status for one in others} == {"supported"}


def test_more_is_what_follows_in_the_section_and_was_not_quoted(talk: Talk) -> None:
    before = quotes(talk(ASKED))
    more = quotes(talk(ASKED, "Tell me more"))
    assert more
    assert not set(before) & set(more)
    further = quotes(talk(ASKED, "Tell me more", "go on"))
    assert not (set(before) | set(more)) & set(further)


def test_more_uses_no_more_passages_than_asked_for(talk: Talk) -> None:
    assert len(talk(ASKED, "Tell me more", top_k=1).passages) == 1


def test_when_everything_was_quoted_nothing_more_is_said(talk: Talk) -> None:
    answer = talk("What is the Heron made of?", "more please")
    assert (answer.answered, answer.reason) == (False, "low_confidence")
    assert answer.answer == FOLLOW_UP_REFUSALS["en"]["more"]


def test_shorter_is_the_first_sentence_alone(talk: Talk) -> None:
    whole, short = talk("Summarise the mill article"), talk("Summarise the mill article", "shorter")
    assert quotes(short) == quotes(whole)[:1]


def test_the_article_of_the_last_answer_is_summed_up(talk: Talk) -> None:
    answer = talk("How many sacks of flour did the mill sell?", "summarise that article")
    assert {one.source for one in answer.citations} == {"mill.md"}
    assert len(quotes(answer)) >= 3


def test_why_is_answered_by_a_sentence_that_gives_a_reason(talk: Talk) -> None:
    answer = talk("When did the club close its boathouse?", "Why?")
    assert quotes(answer) == [
        "The boathouse of the club was closed because its roof had fallen in."
    ]
    assert answer.tentative


def test_why_is_not_answered_by_the_same_sentence(talk: Talk) -> None:
    answer = talk("How many sacks of flour did the mill sell?", "why?")
    assert (answer.answered, answer.reason) == (False, "low_confidence")
    assert answer.answer == FOLLOW_UP_REFUSALS["en"]["why"]


def test_why_after_a_refusal_is_refused(talk: Talk) -> None:
    assert talk("Who wrote Hamlet?", "why?").reason == "low_confidence"


@pytest.mark.parametrize(
    ("question", "language"),
    [("In German please", "de"), ("en español por favor", "es"), ("Auf Englisch bitte", "en")],
)
def test_without_a_model_nothing_is_translated_and_the_reply_says_so(
    question: str, language: Language, talk: Talk
) -> None:
    answer = talk(ASKED, question)
    assert (answer.kind, answer.answered) == ("last_answer", True)
    assert answer.answer == NO_TRANSLATION[language]
    assert answer.citations == ()


def test_a_refused_question_stays_refused(talk: Talk) -> None:
    assert talk("Who wrote Hamlet?", "are you sure?").reason == "low_confidence"


def test_the_evidence_after_why_is_that_of_the_question_before(talk: Talk) -> None:
    answer = talk(ASKED, "why?", "are you sure?")
    assert answer.standalone_question == ASKED
    assert any("six metres" in one for one in quotes(answer))


def test_where_nothing_was_answered_the_service_says_what_it_does(talk: Talk) -> None:
    answer = talk("Hi", "are you sure?")
    assert (answer.kind, answer.answer) == ("service", SERVICE["en"].format(count=3))


def test_what_was_asked_of_an_answer_is_no_subject(talk: Talk) -> None:
    answer = talk("How many sacks of flour did the mill sell?", "are you sure?", "and the boats?")
    assert "flour" in answer.standalone_question


def ask_model(
    generation: Generation, embedder: Embedder, question: str, *, fault: str | None = None
) -> tuple[Answer, list[str]]:
    """Returns the answer of a model that quotes, and the last messages it was sent."""

    async def run(server: FakeModel) -> Answer:
        chat = chat_client(server, total_s=5.0, between_tokens_s=1.0)
        pipeline = Pipeline(embedder=embedder, chat=chat, support_mode="flag", limits=Limits())
        history = (Turn("user", ASKED), Turn("assistant", "Six metres [1]."))
        try:
            return await pipeline.answer(generation, Ask(question, history))
        finally:
            await pipeline.close()

    with FakeModel(quote_best_sentence if fault is None else "x", fault=fault) as server:
        answer = asyncio.run(run(server))
        return answer, [request.last for request in server.requests]


@pytest.mark.parametrize(
    ("question", "act"),
    [
        ("Are you sure?", "evidence"),
        ("In German please", "language"),
        ("shorter", "shorter"),
        ("tell me more", "more"),
        ("summarise it", "summary"),
    ],
)
def test_a_model_is_told_what_to_do_with_its_last_answer(
    question: str, act: AnswerAct, generation: Generation, embedder: Embedder
) -> None:
    answer, (sent,) = ask_model(generation, embedder, question)
    assert (answer.kind, answer.answerer) == ("last_answer", "model")
    assert f"The question before: {ASKED}\n\n{REQUESTS[act]}\n\nQuestion: {question}" in sent
    assert "six metres" in sent
    assert ("12,000 sacks" in sent) or act != "summary"


def test_why_is_condensed_by_a_model(generation: Generation, embedder: Embedder) -> None:
    _, sent = ask_model(generation, embedder, "Why?")
    assert len(sent) == 2
    assert sent[-1].count("The question before") == 0


def test_if_the_model_fails_the_evidence_is_quoted(
    generation: Generation, embedder: Embedder
) -> None:
    answer, _ = ask_model(generation, embedder, "Are you sure?", fault="http_500")
    assert answer.degraded
    assert any("six metres" in one for one in quotes(answer))
