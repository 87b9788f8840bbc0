from dataclasses import replace

import pytest

from index.types import Chunk, Source
from rag.answering.extractive import Pick, is_fragment, pick_sentences, rank_sentences
from rag.types import Hit, ScoredUnit, Scores


def test_what_is_stated_is_proved_by_the_sentence_that_has_its_words() -> None:
    near, covering = "The lamp burns paraffin and is bright.", "It burns oil at its top all night."
    first = hit(1, near, covering)
    sentences = (
        replace(first.units[0], similarity=0.8, cover=0.5),
        replace(first.units[1], similarity=0.6, cover=0.8),
    )
    first = replace(first, units=sentences)
    assert picked("What does the lamp burn?", [first])[0].sentence == 0
    ranked = rank_sentences("The lamp burns oil at night.", [first])
    assert [pick.sentence for pick in ranked] == [1, 0]


@pytest.mark.parametrize(
    "text", ["Also read", "## A heading", "What is the limit for Xiaomi?", "See these articles:"]
)
def test_headings_questions_and_scraps_are_fragments(text: str) -> None:
    assert is_fragment(text)


def test_a_long_line_without_a_full_stop_is_a_statement() -> None:
    assert not is_fragment("For this reason Lei Jun said that Xiaomi is looking at Europe")


def picked(question: str, hits: list[Hit]) -> list[Pick]:
    return pick_sentences(rank_sentences(question, hits), hits)


def hit(rank: int, *texts: str, score: float = 0.8) -> Hit:
    sentences, at = [], 0
    for text in texts:
        sentences.append(ScoredUnit(at, at + len(text), text, score, score))
        at += len(text) + 1
    spans = tuple((s.start, s.end) for s in sentences)
    chunk = Chunk(rank, f"c{rank}", f"s{rank}", 0, at - 1, spans)
    source = Source(f"s{rank}", f"{rank}.txt", f"Title {rank}", "0" * 64, at, 0, at)
    scores = Scores(score, score, score)
    return Hit(rank, chunk, source, " ".join(texts), score, scores, tuple(sentences))


def test_sources_that_say_the_same_are_cited_together() -> None:
    said = "The plant made 81,302 cars between April and June of the year."
    picks = picked("How many cars were made?", [hit(1, said), hit(2, said)])
    assert [(pick.hit, pick.agreeing) for pick in picks] == [(0, ((1, 0),))]


def test_sources_whose_figures_differ_are_shown_side_by_side() -> None:
    one = "The plant made 81,302 cars between April and June of the year."
    other = "The plant made 79,000 cars between April and June of the year."
    picks = picked("How many cars were made?", [hit(1, one), hit(2, other)])
    assert [pick.hit for pick in picks] == [0, 1]
    assert not any(pick.agreeing for pick in picks)


def test_a_sentence_without_what_was_asked_for_does_not_join_one_that_has_it() -> None:
    first = hit(1, "The plant made 81,302 cars.", "The plant made cars at great speed, it is said.")
    picks = picked("How many cars were made?", [first])
    assert [pick.sentence for pick in picks] == [0]


def test_a_sentence_that_points_back_brings_what_it_points_to() -> None:
    first = hit(1, "The lamp burns oil at night.", "It is bright enough for a whole harbour.")
    units = (replace(first.units[0], similarity=0.1), replace(first.units[1], similarity=0.9))
    picks = picked("How bright is the lamp?", [replace(first, units=units)])
    assert [pick.sentence for pick in picks] == [0, 1]


def test_a_further_sentence_that_points_back_is_left_out() -> None:
    first = hit(1, "The lamp burns oil at night.")
    other = hit(2, "The plant made 81,302 cars.", "It burns oil at night as the lamp does.")
    units = (replace(other.units[0], similarity=0.0), other.units[1])
    ranked = rank_sentences("What does the lamp burn?", [first, replace(other, units=units)])
    assert (1, 1) in [(pick.hit, pick.sentence) for pick in ranked]
    picks = pick_sentences(ranked, [first, other])
    assert [(pick.hit, pick.sentence) for pick in picks] == [(0, 0)]


def test_the_sentence_that_says_who_somebody_is_comes_before_what_they_did() -> None:
    acting, defined = (
        "Viewers pressed Lei Jun about production.",
        "Lei Jun is the founder of Xiaomi.",
    )
    ranked = rank_sentences("Who is Lei Jun?", [hit(1, acting, defined)])
    assert ranked[0].sentence == 1


def test_an_answer_has_four_units_at_most() -> None:
    texts = [f"The plant number {n} made {n}00 cars in the year." for n in range(1, 9)]
    assert len(picked("How many cars were made?", [hit(1, *texts)])) == 4
