from dataclasses import replace

import pytest

from index.types import Chunk, Source
from rag.answering.extractive import is_fragment, pick_sentences, rank_sentences
from rag.language.answer_type import (
    AnswerType,
    contains_answer_type,
    expected_answer_type,
    is_statement,
)
from rag.retrieval.fusion import lead
from rag.types import Hit, ScoredSentence, Scores


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many cars were sold?", "number"),
        ("What is the yearly capacity of BAIC?", "measure"),
        ("What share of the market does CATL hold?", "measure"),
        ("When was it founded?", "date"),
        ("In which year did Xiaomi first appear?", "date"),
        ("Who makes it?", "person"),
        ("Where is it sold?", "place"),
        ("Why does Xiaomi make chips?", "reason"),
        ("What is the Xring O1?", "open"),
    ],
)
def test_a_question_tells_what_kind_of_answer_it_wants(question: str, kind: AnswerType) -> None:
    assert expected_answer_type(question) == kind


@pytest.mark.parametrize(
    "text",
    [
        "Statins increase blood cholesterol.",
        "Patients who sleep less when they travel are ill more often.",
        "The opening of the chain bridge",
        "Naming the plant took how long it took to build it.",
    ],
)
def test_a_claim_or_a_title_is_a_statement_and_asks_for_no_kind_of_thing(text: str) -> None:
    assert is_statement(text)
    assert expected_answer_type(text) == "open"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes.",
        "lighthouse keeper 1849",
        "opening of the bridge",
        "who kept the lighthouse of the town",
        "And in which year was it lit",
        "The tower has how many steps",
        "It was lit in what year",
        "It was lit, but when was it put out?",
        "Please tell me about the keeper of the lighthouse.",
        "I want to know who kept the lighthouse.",
        "What’s the height of the tower.",
    ],
)
def test_a_question_a_request_or_key_words_are_no_statement(text: str) -> None:
    assert not is_statement(text)


def test_what_is_stated_is_proved_by_the_sentence_that_has_its_words() -> None:
    near, covering = "The lamp burns paraffin and is bright.", "It burns oil at its top all night."
    first = hit(1, near, covering)
    sentences = (
        replace(first.sentences[0], similarity=0.8, cover=0.5),
        replace(first.sentences[1], similarity=0.6, cover=0.8),
    )
    first = replace(first, sentences=sentences)
    assert pick_sentences("What does the lamp burn?", [first])[0].sentence == 0
    ranked = rank_sentences("The lamp burns oil at night.", [first])
    assert [pick.sentence for pick in ranked] == [1, 0]


def test_a_figure_of_the_question_is_no_answer() -> None:
    question = "How many orders came in 18 hours?"
    assert not contains_answer_type("number", "Orders came in within 18 hours.", question)
    assert contains_answer_type("number", "240,000 orders came in within 18 hours.", question)


def test_a_measure_is_written_in_figures_or_round_words() -> None:
    question = "What is the horsepower of the car?"
    assert not contains_answer_type("measure", "It is one of the five fastest cars.", question)
    assert contains_answer_type("measure", "It has 673 horsepower.", question)
    assert contains_answer_type("measure", "It has half the power of a tram.", question)
    assert contains_answer_type("number", "It has five doors.", "How many doors does it have?")


def test_a_date_is_found_as_a_year_or_a_month() -> None:
    assert contains_answer_type("date", "It began in 2010.", "When did it begin?")
    assert not contains_answer_type(
        "date", "It began long ago with 5 people.", "When did it begin?"
    )


@pytest.mark.parametrize(
    "text", ["Also read", "## A heading", "What is the limit for Xiaomi?", "See these articles:"]
)
def test_headings_questions_and_scraps_are_fragments(text: str) -> None:
    assert is_fragment(text)


def test_a_long_line_without_a_full_stop_is_a_statement() -> None:
    assert not is_fragment("For this reason Lei Jun said that Xiaomi is looking at Europe")


def hit(rank: int, *texts: str, score: float = 0.8) -> Hit:
    sentences, at = [], 0
    for text in texts:
        sentences.append(ScoredSentence(at, at + len(text), text, score, score))
        at += len(text) + 1
    spans = tuple((s.start, s.end) for s in sentences)
    chunk = Chunk(rank, f"c{rank}", f"s{rank}", 0, at - 1, spans)
    source = Source(f"s{rank}", f"{rank}.txt", f"Title {rank}", "0" * 64, at, 0, at)
    scores = Scores(score, score, score)
    return Hit(rank, chunk, source, " ".join(texts), score, scores, tuple(sentences))


def test_sources_that_say_the_same_are_cited_together() -> None:
    said = "The plant made 81,302 cars between April and June of the year."
    picks = pick_sentences("How many cars were made?", [hit(1, said), hit(2, said)])
    assert [(pick.hit, pick.agreeing) for pick in picks] == [(0, ((1, 0),))]


def test_sources_whose_figures_differ_are_shown_side_by_side() -> None:
    one = "The plant made 81,302 cars between April and June of the year."
    other = "The plant made 79,000 cars between April and June of the year."
    picks = pick_sentences("How many cars were made?", [hit(1, one), hit(2, other)])
    assert [pick.hit for pick in picks] == [0, 1]
    assert not any(pick.agreeing for pick in picks)


def test_a_sentence_without_what_was_asked_for_does_not_join_one_that_has_it() -> None:
    first = hit(1, "The plant made 81,302 cars.", "The plant made cars at great speed, it is said.")
    picks = pick_sentences("How many cars were made?", [first])
    assert [pick.sentence for pick in picks] == [0]


def test_the_lead_is_over_the_next_passage_that_says_something_else() -> None:
    first = hit(1, "Some 312 birds nest on the island each spring.", score=0.9)
    again = hit(2, "Some 312 birds nest on the island each spring.", score=0.85)
    other = hit(3, "Ferries leave the harbour twice a day.", score=0.5)
    assert lead([first, again, other]) == pytest.approx(0.4)
    assert lead([first, other]) == pytest.approx(0.4)
    assert lead([first, again]) == lead([first]) == 0
