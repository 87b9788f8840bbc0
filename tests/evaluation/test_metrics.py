"""Every figure agrees with a hand-computed case or with another implementation."""

import math
import unicodedata
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, Qrel, R, ScoredDoc, Success, nDCG

from rag.evaluation.metrics import matching, ranking
from rag.evaluation.metrics.matching import (
    contains_answer,
    covered_chars,
    exact_match,
    number_values,
    numeric_match,
    spans_match,
    strip_markers,
    token_f1,
)
from rag.evaluation.results import Citation, GoldEvidence, Passage
from rag.evaluation.targets import CorpusFolder


def passage(rank: int, source: str, start: int = 0, end: int = 100) -> Passage:
    return Passage(rank, source, start, end, "w " * ((end - start) // 2), 1 / rank)


def gold(source: str, start: int = 0, end: int = 100) -> GoldEvidence:
    return GoldEvidence(source, ((start, end),))


# --- answers


def test_markers_are_removed_from_an_answer() -> None:
    assert strip_markers("It is a lake. [1] In Spain. [2, 3]") == "It is a lake. In Spain."


def test_exact_match_ignores_case_articles_and_punctuation() -> None:
    assert exact_match("The Denver Broncos!", ["denver broncos"])
    assert not exact_match("the Broncos of Denver", ["denver broncos"])


def test_containment_is_of_whole_words() -> None:
    assert contains_answer("He won 15 medals.", ["15"])
    assert not contains_answer("He won 150 medals.", ["15"])
    assert not contains_answer("Nothing", ["the"])


def test_token_f1_is_that_of_the_squad_paper() -> None:
    """Three words, two of them among the gold's three: P = R = 2/3."""
    assert token_f1("Denver Broncos won", ["Denver Broncos team"]) == pytest.approx(2 / 3)
    assert token_f1("a b b", ["b b c d"]) == pytest.approx(2 * (2 / 2) * (2 / 4) / (1 + 0.5))
    assert token_f1("x", ["y", "x"]) == 1.0
    assert token_f1("", ["x"]) == 0.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("7", "seven"),
        ("Twenty-one days.", "21 days"),
        ("two hundred and five", "205"),
        ("1.5 million", "1.50 million"),
        ("siebenundzwanzig Tage", "27 Tage"),
        ("quatre-vingt-dix-sept jours", "97 jours"),
        ("treinta y uno", "31"),
        ("七天", "7天"),
        ("三万五千", "35000"),
        ("€89", "89 euros"),
        ("89 €", "EUR 89"),
        ("five per cent", "5%"),
        ("$1,200", "1200 dollars"),
    ],
)
def test_numbers_in_words_and_figures_are_equal(answer: str, gold: str) -> None:
    assert exact_match(answer, [gold])
    assert token_f1(answer, [gold]) == 1.0
    assert contains_answer(f"It is {answer}", [gold]) or not answer.isascii()


@pytest.mark.parametrize(
    ("answer", "gold"),
    [("twenty-one", "20"), ("ein Haus", "1 Haus"), ("someone", "1"), ("one and two", "3")],
)
def test_other_words_are_no_numbers(answer: str, gold: str) -> None:
    assert not exact_match(answer, [gold])


@pytest.mark.parametrize("text", ["one " * 20_000, "一万" * 20_000, "1," * 50_000, "€" * 50_000])
def test_long_runs_of_numbers_are_read(text: str) -> None:
    assert exact_match(text, [text])


def test_numbers_are_compared_by_value() -> None:
    assert number_values("1,200.50 and 2.55 and 3.10.2 and 1,2") == [
        "1200.5",
        "2.55",
        "3.10.2",
        "1,2",
    ]
    assert numeric_match("It cost 1,200 yuan", ["1200"]) is True
    assert numeric_match("It cost 12,000 yuan", ["1200"]) is False
    assert numeric_match("between 5 and 7", ["from 5 to 7", "6"]) is True
    assert numeric_match("anything", ["a lake"]) is None


def test_spans_match_when_they_share_half_of_either() -> None:
    assert spans_match((0, 10), (5, 100))
    assert not spans_match((0, 10), (6, 100))
    assert spans_match((40, 45), (0, 100))
    assert not spans_match((0, 10), (10, 20))


def test_coverage_counts_no_character_twice() -> None:
    assert covered_chars([(0, 10), (5, 12)], [(3, 20), (8, 30)]) == 9


# --- rankings, compared with ir_measures


DOCS = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=8)


@given(retrieved=DOCS, relevant=DOCS, k=st.sampled_from([1, 3, 5]))
def test_file_metrics_agree_with_ir_measures(
    retrieved: list[str], relevant: list[str], k: int
) -> None:
    ours = ranking.rank_files(
        [passage(rank, source) for rank, source in enumerate(retrieved, start=1)],
        [gold(source) for source in relevant],
    )
    qrels = [Qrel("q", source, 1) for source in relevant]
    run = [ScoredDoc("q", source, -rank) for rank, source in enumerate(retrieved)]
    theirs = ir_measures.calc_aggregate([nDCG @ k, RR @ k, R @ k, Success @ k], qrels, run)
    assert ours.ndcg(k) == pytest.approx(theirs[nDCG @ k], abs=1e-4)
    assert ours.reciprocal_rank(k) == pytest.approx(theirs[RR @ k])
    assert ours.recall(k) == pytest.approx(theirs[R @ k])
    assert float(ours.hit(k)) == theirs[Success @ k]


@given(retrieved=DOCS, relevant=DOCS, k=st.sampled_from([1, 3, 5]))
def test_passage_metrics_agree_with_ir_measures(
    retrieved: list[str], relevant: list[str], k: int
) -> None:
    """Where each passage holds one piece of evidence at most, overlap mean the same."""
    ours = ranking.rank_passages(
        [
            passage(rank, "file", 1000 * ord(name), 1000 * ord(name) + 99)
            for rank, name in enumerate(retrieved, start=1)
        ],
        [gold("file", 1000 * ord(name) + 10, 1000 * ord(name) + 60) for name in relevant],
    )
    qrels = [Qrel("q", name, 1) for name in relevant]
    run = [ScoredDoc("q", name, -rank) for rank, name in enumerate(retrieved)]
    theirs = ir_measures.calc_aggregate([nDCG @ k, RR @ k, R @ k, Success @ k], qrels, run)
    assert ours.ndcg(k) == pytest.approx(theirs[nDCG @ k], abs=1e-4)
    assert ours.reciprocal_rank(k) == pytest.approx(theirs[RR @ k])
    assert ours.recall(k) == pytest.approx(theirs[R @ k])
    assert float(ours.hit(k)) == theirs[Success @ k]


def test_ndcg_of_relevant_documents_at_ranks_two_and_four() -> None:
    """By hand: (1/log2 3 + 1/log2 5) / (1 + 1/log2 3)."""
    ranked = ranking.Ranking((0, 1, 0, 1), 2)
    by_hand = (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    assert ranked.ndcg(5) == pytest.approx(by_hand)


def test_finding_the_same_evidence_again_earns_nothing() -> None:
    ranked = ranking.rank_passages([passage(1, "a"), passage(2, "a")], [gold("a"), gold("b")])
    assert ranked.gains == (1, 0)
    assert ranked.recall(5) == 0.5


def test_one_passage_with_all_the_evidence_is_a_perfect_ranking() -> None:
    ranked = ranking.rank_passages([passage(1, "a")], [gold("a", 0, 40), gold("a", 50, 90)])
    assert ranked.ndcg(5) == ranked.recall(1) == 1.0


def test_span_recall_adds_up_what_passages_cover_together() -> None:
    ranked = ranking.rank_spans(
        [passage(1, "a", 0, 40), passage(2, "a", 30, 60), passage(3, "b", 0, 100)], [gold("a")]
    )
    assert ranked.recall(1) == pytest.approx(0.4)
    assert ranked.recall(3) == pytest.approx(0.6)
    assert not ranked.hit(1)
    assert ranked.hit(2)
    assert ranked.reciprocal_rank(5) == 0.5


def test_evidence_that_is_not_in_the_sources_counts_as_missed() -> None:
    lost = GoldEvidence("a", ())
    assert ranking.rank_passages([passage(1, "a")], [lost]).recall(5) == 0.0
    assert ranking.rank_spans([passage(1, "a")], [lost, gold("a")]).recall(5) == pytest.approx(0.5)


def test_token_overlap_is_that_of_the_chroma_report() -> None:
    """4 gold words, 6 retrieved, 3 shared: IoU 3 / (4 + 6 - 3)."""
    text = "one two three four five six seven eight"
    retrieved = Passage(
        1, "a", 0, len("one two three four five six"), "one two three four five six", 1
    )
    quote = "four five six seven"
    at = text.index(quote)
    overlap = ranking.token_overlap(
        [retrieved], [GoldEvidence("a", ((at, at + len(quote)),))], [quote]
    )
    assert overlap.iou == pytest.approx(3 / 7)
    assert overlap.recall == pytest.approx(3 / 4)
    assert overlap.precision == pytest.approx(1 / 2)


def test_tokens_retrieved_twice_weigh_on_precision_once_on_recall() -> None:
    one = Passage(1, "a", 0, 7, "one two", 1)
    overlap = ranking.token_overlap([one, one], [GoldEvidence("a", ((0, 7),))], ["one two"])
    assert overlap.recall == 1.0
    assert overlap.precision == 0.5


# --- citations


def cited(n: int, source: str, start: int, end: int) -> Citation:
    return Citation(n, source, start, end, "")


def test_citation_precision_and_recall_by_span() -> None:
    """Two of three citations are on evidence, one of two pieces is cited: F1 = 4/7."""
    result = matching.citations_by_span(
        [cited(1, "a", 0, 50), cited(2, "a", 60, 100), cited(3, "b", 500, 600)],
        [gold("a"), gold("b")],
    )
    assert result.precision == pytest.approx(2 / 3)
    assert result.recall == pytest.approx(1 / 2)
    assert result.f1 == pytest.approx(4 / 7)


def test_citation_precision_and_recall_by_file() -> None:
    result = matching.citations_by_file(
        [cited(1, "a", 900, 950), cited(2, "c", 0, 9)], [gold("a"), gold("b")]
    )
    assert (result.precision, result.recall) == (0.5, 0.5)


def test_nothing_cited_has_no_precision_and_f1_zero() -> None:
    result = matching.citations_by_span([], [gold("a")])
    assert result.precision is None
    assert (result.recall, result.f1) == (0.0, 0.0)


FACTS = {"s1": {"A", "B"}, "s2": {"C"}, "s3": {"D"}}


def holds(sentence: str, quotes: object) -> bool:
    assert isinstance(quotes, list)
    return FACTS[sentence] <= {fact for quote in quotes for fact in quote}


def test_alce_recall_and_precision_by_hand() -> None:
    """As in ALCE's figure: s1 needs overlap of its first two quotes and not the third; s2's quote
    says something else; s3 cites nothing. Recall 1/3, precision 2/4.
    """
    result = matching.alce([("s1", ["A", "B", "X"]), ("s2", ["Y"]), ("s3", [])], holds)
    assert result.recall == pytest.approx(1 / 3)
    assert result.precision == pytest.approx(2 / 4)


def test_alce_counts_each_of_two_sufficient_citations() -> None:
    result = matching.alce([("s2", ["C", "C"])], holds)
    assert (result.recall, result.precision) == (1.0, 1.0)


def test_the_unicode_form_of_a_path_does_not_matter() -> None:
    """Files copied from a Mac have decomposed names; people type composed ones."""
    composed = "Größenübersicht.md"
    decomposed = unicodedata.normalize("NFD", composed)
    citation = Citation(1, decomposed, 0, 100, "w")
    assert matching.matches_evidence(citation, gold(composed))
    assert matching.citations_by_file([citation], [gold(composed)]).recall == 1.0
    passages = [passage(1, "x"), passage(2, decomposed)]
    assert ranking.rank_files(passages, [gold(composed)]).gains == (0.0, 1.0)
    assert ranking.rank_spans(passages, [gold(composed)]).gains == (0.0, 1.0)
    assert ranking.token_overlap(passages, [gold(composed)], ["w " * 50]).recall == 1.0


@pytest.mark.parametrize("path", ["Größen/Übersicht.md", "가.md", "a/é.txt"])
def test_a_corpus_folder_finds_a_file_in_either_unicode_form(tmp_path: Path, path: str) -> None:
    for typed, there in ("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC"):
        folder = tmp_path / typed / there
        place = folder / unicodedata.normalize(there, path)
        place.parent.mkdir(parents=True)
        place.write_text("text")
        corpus = CorpusFolder(folder)
        assert corpus.text(unicodedata.normalize(typed, path)) == "text"
        assert corpus.text("Ö/" + path) is corpus.text("../é/" + path) is None
