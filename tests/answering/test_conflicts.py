"""Sources that answer one question with different figures are quoted side by side."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from rag.answer import Limits, Pipeline
from rag.answering.conflicts import differ, is_other_version
from rag.types import Answer, Ask
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files

CONFLICTS = {
    "How many beds does the Arlen hospital have?": (
        "The Arlen hospital has 340 beds and two operating theatres.",
        "Since its extension, 412 beds stand in the hospital of Arlen.",
    ),
    "When was the Quill dam finished?": (
        "The Quill dam was finished in 1957.",
        "It took until 12 June 1959 before the Quill dam could be called finished.",
    ),
    "How much does a season ticket of the Marl cable car cost?": (
        "A season ticket of the Marl cable car costs €180.",
        "For 210 euros one buys a season ticket for the cable car of Marl.",
    ),
    "How deep is Lake Sorn?": (
        "Lake Sorn is 48 metres deep at its deepest place.",
        "Divers measured a depth of 61 m in Lake Sorn.",
    ),
    "What is the population of Tevel?": (
        "The population of Tevel was 8,400 at the turn of the century.",
        "A register of the county gives Tevel a population of 9,150.",
    ),
}
OTHERS = {
    "How many teams played in the Brell cup in 2019?": (
        "In the Brell cup of 2019 there played 16 teams.",
        "In the Brell cup of 2021 there played 24 teams.",
    ),
    "How old is the church of Wend?": (
        "The church of Wend is 700 years old.",
        "The church of Holm is 450 years old.",
    ),
}
FILLER = "The council met on Tuesday and spoke of the coming years, as it does each month."


@pytest.fixture(scope="module")
def ask(
    minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Answer]]:
    files = {}
    for number, (one, other) in enumerate([*CONFLICTS.values(), *OTHERS.values()]):
        files[f"{number}-note.txt"] = f"{FILLER}\n\nThis is known so far. {one}\n"
        files[f"{number}-report.txt"] = f"A second report. {other} {FILLER}\n"
    folder: Path = tmp_path_factory.mktemp("conflicts")
    request = sync_request(write_files(folder / "corpus", files), folder / "data", minilm_spec)
    sync_in_process(request)
    answering = Pipeline(
        embedder=open_embedder(minilm_spec),
        chat=None,
        support_mode="flag",
        limits=Limits(history_chars=0, passage_chars=0),
    )
    with open_generation(request) as generation:
        yield lambda question: asyncio.run(answering.answer(generation, Ask(question)))


@pytest.mark.parametrize("question", CONFLICTS)
def test_conflicting_figures_are_quoted_each_with_its_source(
    question: str, ask: Callable[[str], Answer]
) -> None:
    answer = ask(question)
    assert {citation.quote for citation in answer.citations} == set(CONFLICTS[question])
    assert len({citation.source for citation in answer.citations}) == 2
    assert [said.citations for said in answer.sentences] == [(1,), (2,)]


@pytest.mark.parametrize("question", OTHERS)
def test_another_subject_or_year_is_no_conflict(
    question: str, ask: Callable[[str], Answer]
) -> None:
    answer = ask(question)
    assert [citation.quote for citation in answer.citations] == [OTHERS[question][0]]


@pytest.mark.parametrize(
    ("question", "one", "other", "expected"),
    [
        ("How many cars were sold?", "They sold 40 cars.", "They sold 52 cars.", True),
        ("How many cars were sold?", "They sold 40 cars.", "Forty cars were sold.", False),
        ("How many cars were sold?", "They sold 40 cars.", "40 of 52 cars were sold.", False),
        ("How many cars were sold?", "They sold 40 cars.", "They sold 52 ships.", False),
        ("How many cars were sold?", "In 2020, 40 cars.", "In 2020, 52 cars.", True),
        ("How many of 40 cars were sold?", "Of 40 cars 9 cars.", "Of 41 cars 9 cars.", False),
        ("How heavy is it?", "It weighs 2 kg.", "It weighs 2,000 g.", False),
        ("How heavy is it?", "It weighs 2 kg.", "It weighs 2,500 g.", True),
        ("How much is it?", "About $1.2 million.", "Exactly $1,234,567.", False),
        ("How heavy is an F-16?", "An F-16 is heavy.", "An F-15 is heavy.", False),
        ("What is the number of ships?", "The number is 12.", "A number of 14.", True),
        ("What is the number of ships?", "The number, in 1912.", "A number in 1914.", False),
        ("When was it?", "On 3 May 1871.", "In 1873.", True),
        ("When was it?", "On 3 May 1871.", "In May 1871.", False),
        ("When was it?", "On 3 May 1871.", "May 4, 1871.", True),
        ("When was it?", "On 3 May 1871.", "1871-05-03.", False),
        ("When was it?", "In the 1990s.", "In 1985.", False),
        ("When in 1990 was it?", "In 1990, in May.", "In 1990, in June.", False),
        ("Why was it?", "For 3 reasons.", "For 4 reasons.", False),
    ],
)
def test_figures_differ_where_they_answer_the_same(
    question: str, one: str, other: str, expected: bool
) -> None:
    assert differ(question, one, other) is expected
    assert differ(question, other, one) is expected


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("When does the shop open?", "The shop opens at nine.", "The shop opens at ten."),
        (
            "When is paper collected?",
            "Paper is collected on Monday.",
            "Paper is collected on Friday.",
        ),
        (
            "Must visitors wear a badge?",
            "Visitors always wear a badge.",
            "Visitors never wear a badge.",
        ),
        (
            "Who signs the form?",
            "The form is signed by the mayor.",
            "The form is signed by the clerk.",
        ),
        ("May one park here?", "Staff may park in the yard.", "Staff may not park in the yard."),
        (
            "How is it paid?",
            "The fee is paid in euros a month.",
            "The fee is paid in euros a year.",
        ),
    ],
)
def test_versions_of_a_sentence_differ_in_any_word(question: str, one: str, other: str) -> None:
    assert is_other_version(question, one, other)
    assert is_other_version(question, other, one)


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (
            "When does the shop open?",
            "The shop opens at nine.",
            "The shop opens at nine on Mondays.",
        ),
        ("When does the shop open?", "The shop opens at nine.", "The mill opens at ten."),
        (
            "Who signs the form?",
            "The form is signed by the mayor.",
            "It was a cold and wet summer.",
        ),
        ("How deep is Lake Orr?", "Lake Orr is 40 metres deep.", "Lake Sorn is 61 metres deep."),
    ],
)
def test_more_words_or_another_subject_are_no_other_version(
    question: str, one: str, other: str
) -> None:
    assert not is_other_version(question, one, other)
    assert not is_other_version(question, other, one)
