"""Every engine gives the same answers: one corpus, several syncs, each method of the protocol."""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from index.access import AccessPolicy
from index.embed.factory import EmbedSpec, open_embedder
from index.embed.protocol import Embedder
from index.engine import open_generation, verify
from index.lance.opened import LanceGeneration
from index.store.bm25 import Ints
from index.store.generation import Generation
from index.store.manifest import read_current
from index.store.opened import CandidateQuery, StoredGeneration
from index.store.restricted import AccessTable
from index.sync.process import SyncRequest
from index.types import NO_FILTERS, Chunk, Filters
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.support.corpus_builder import ARTICLES, sync_in_process, sync_request, write_files
from tests.support.extras import needs
from tests.support.fakes import FakeModel
from tests.support.processes import SEEDS

pytestmark = needs("lance")

OTHERS: Mapping[str, str] = {
    "umlaute.md": (
        "---\ntags: schiff, hafen\ndate: 2021-05-04\n---\n# Die Fähre nach Ærø\n\n"
        "Die Fähre über den Öresund fährt täglich um sechs Uhr früh vom Äußeren Kai ab.\n\n"
        "Im Winter übernehmen größere Schiffe die Überfahrt, weil das Eis den Bug drückt.\n"
    ),
    "中文.txt": "灯塔建于一八七一年。它高四十一米。\n看守人写了一本日志,记录了二百一十二次风暴。\n",
    "日本語.txt": "灯台は1871年に点灯されました。高さは41.5メートルです。\n",
    "ships/list.md": "---\ntags: ships\ndate: 2023\n---\n# Ships\n\n"
    + "".join(
        f"- The ship number {number} was built in {1800 + number} of oak and copper.\n"
        for number in range(60)
    ),
    "one.txt": "Short.",
}
QUESTIONS = (
    "When was the lighthouse lit?",
    "Who paid a penny?",
    "Wann fährt die Fähre über den Öresund ab?",
    "灯塔高多少米?",
    "Which ship was built in 1834 of oak?",
    "How many model ships does the museum keep?",
    "zzzz",
)


@dataclass(frozen=True)
class Pair:
    """One corpus indexed by both engines, and the generations that serve it, open."""

    requests: tuple[SyncRequest, SyncRequest]
    generations: tuple[Generation, LanceGeneration]
    embedder: Embedder


def opened(request: SyncRequest) -> StoredGeneration:
    current = read_current(request.folder)
    assert current is not None
    return open_generation(request.folder, current)


def both(corpus: Path, data: Path, spec: EmbedSpec) -> tuple[SyncRequest, SyncRequest]:
    """Syncs the corpus with either engine; the second takes the first's embeddings."""
    chroma = sync_request(corpus, data, spec)
    lance = replace(chroma, folder=data / "collections" / "lance", engine="lance")
    for request in (chroma, lance):
        sync_in_process(request)
    return chroma, lance


def open_pair(requests: tuple[SyncRequest, SyncRequest]) -> Iterator[Pair]:
    chroma, lance = (opened(request) for request in requests)
    assert isinstance(chroma, Generation)
    assert isinstance(lance, LanceGeneration)
    with closing(chroma), closing(lance), closing(open_embedder(requests[0].embed)) as embedder:
        yield Pair(requests, (chroma, lance), embedder)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory, fake_embeddings: FakeModel) -> EmbedSpec:
    models = tmp_path_factory.mktemp("models")
    return EmbedSpec("openai", "fake", fake_embeddings.base_url, None, models)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, spec: EmbedSpec) -> Iterator[Pair]:
    """Some articles, as they were built first."""
    folder = tmp_path_factory.mktemp("pair")
    corpus = write_files(folder / "corpus", {**ARTICLES, **OTHERS})
    yield from open_pair(both(corpus, folder / "data", spec))


@pytest.fixture(scope="module")
def changed_pair(tmp_path_factory: pytest.TempPathFactory, spec: EmbedSpec) -> Iterator[Pair]:
    """The same after several syncs: sources removed, changed, added, and back again."""
    folder = tmp_path_factory.mktemp("changed")
    corpus = write_files(folder / "corpus", {**ARTICLES, **OTHERS})
    requests = both(corpus, folder / "data", spec)
    for number in range(4):
        (corpus / "one.txt").unlink(missing_ok=True)
        write_files(corpus, {"lighthouse.txt": f"The lighthouse has {number} lamps.\n" * 3})
        if number % 2:
            (corpus / "harbour/bridge.md").unlink()
            write_files(corpus, {f"new-{number}.txt": "A whale was seen off the cape in June."})
        else:
            write_files(corpus, {"harbour/bridge.md": ARTICLES["harbour/bridge.md"]})
        for request in requests:
            sync_in_process(request)
    yield from open_pair(requests)


@pytest.fixture(params=["pair", "changed_pair"])
def either(request: pytest.FixtureRequest) -> Pair:
    """Both states of the corpus."""
    result: Pair = request.getfixturevalue(request.param)
    return result


def by_id(generation: StoredGeneration) -> dict[str, Chunk]:
    """Every chunk by its id, which does not depend on the engine, without its row."""
    chunks = [
        chunk for source in generation.sources() for chunk in generation.source_chunks(source.id)
    ]
    assert sorted(chunk.row for chunk in chunks) == sorted(
        row for rows in generation.source_rows.values() for row in rows
    )
    return {chunk.id: chunk for chunk in chunks}


def same(chunks: list[Chunk]) -> list[Chunk]:
    return [replace(chunk, row=0) for chunk in chunks]


def rows_of(generation: StoredGeneration, ids: list[str]) -> Ints:
    chunks = by_id(generation)
    return np.array([chunks[name].row for name in ids], np.int64)


def ids_of(generation: StoredGeneration, rows: list[int]) -> list[str]:
    return [chunk.id for chunk, _ in generation.chunks(rows)]


def test_both_hold_the_same_sources_and_texts(either: Pair) -> None:
    chroma, lance = either.generations
    assert lance.sources() == chroma.sources()
    assert [source for source, _ in lance.all_sources().values()] == chroma.sources()
    paths = [source.path for source in chroma.sources()]
    for after, limit in ((paths[1], 2), (paths[-1], 3), (None, 1), ("a", -1), (paths[0] + "x", 1)):
        assert lance.sources(after=after, limit=limit) == chroma.sources(after=after, limit=limit)
    for source in chroma.sources():
        assert lance.text(source.id) == chroma.text(source.id)
        assert lance.source(source.id) == source
        assert lance.passage_count(source.id) == chroma.passage_count(source.id)
    assert lance.source("nothing") is None
    with pytest.raises(KeyError):
        lance.text("nothing")


def test_both_hold_the_same_chunks(either: Pair) -> None:
    chroma, lance = either.generations
    first, second = by_id(chroma), by_id(lance)
    assert first.keys() == second.keys()
    assert same(list(first.values())) == same(list(second.values()))
    for chunk in first.values():
        other = second[chunk.id]
        ((_, text),), ((_, other_text),) = chroma.chunks([chunk.row]), lance.chunks([other.row])
        assert text == other_text == chroma.text(chunk.source_id)[chunk.start : chunk.end]
        assert same(lance.neighbours(other, 1, 2)) == same(chroma.neighbours(chunk, 1, 2))
        for offset in (chunk.start, chunk.end - 1, chunk.end):
            mine, other_mine = (g.chunk_at(chunk.source_id, offset) for g in either.generations)
            assert (mine and mine.id) == (other_mine and other_mine.id)
        window = {"start": chunk.start + 1, "end": chunk.end + 40}
        assert same(lance.source_chunks(chunk.source_id, **window)) == same(
            chroma.source_chunks(chunk.source_id, **window)
        )
    assert lance.source_chunks("nothing") == []
    assert lance.chunk_at("nothing", 3) is None


def test_both_sample_as_many_chunks(either: Pair) -> None:
    chroma, lance = either.generations
    for count in (0, 1, 3, 10_000):
        assert len(lance.sample(count)) == len(chroma.sample(count))


def test_both_know_the_same_terms(either: Pair) -> None:
    chroma, lance = either.generations
    terms = ["lighthous", "penni", "whale", "ship", "灯塔", "faehr", "fähr", "nothing", "oak"]
    terms += chroma.all_terms()
    mine, others = chroma.vocabulary(terms), lance.vocabulary(terms)
    assert mine.keys() == others.keys()
    counts = [mine[term][1] for term in mine]
    assert counts == [others[term][1] for term in mine]
    assert np.array_equal(chroma.idf(counts), lance.idf(counts))


def test_both_count_the_same_for_callers_who_may_read_a_part(either: Pair) -> None:
    chroma = either.generations[0]
    ids = sorted(by_id(chroma))[::2]
    terms = sorted(chroma.vocabulary(chroma.all_terms()))
    counts = []
    for generation in either.generations:
        rows = rows_of(generation, ids)
        numbers = [generation.vocabulary([term])[term][0] for term in terms]
        counts.append(
            [
                [generation.document_frequencies()[number] for number in numbers],
                generation.count_documents(rows)[numbers].tolist(),
                generation.term_counts(rows).tolist(),
            ]
        )
    assert counts[0] == counts[1]


def test_both_find_the_same_for_callers_who_may_read_a_part(either: Pair) -> None:
    policy = AccessPolicy({path: frozenset({"crew"}) for path in ("ships/", "museum.html")})
    for groups in (frozenset(), frozenset({"crew"})):
        found = []
        for generation in either.generations:
            view = AccessTable(generation, policy).view(groups)
            query = analyze_query(view, either.embedder, "Which ship was built of oak?")
            hits = retrieve(view, query, weights=fitted_weights(), top_k=20).hits
            last = min((hit.score for hit in hits), default=0.0)
            found.append(sorted((-hit.score, hit.chunk.id) for hit in hits if hit.score > last))
            assert len(view.sources()) == view.info.sources
        assert found[0] == found[1]


def test_scores_are_made_of_the_same_numbers(either: Pair) -> None:
    chroma = either.generations[0]
    ids = sorted(by_id(chroma))
    evidences = [g.evidence(rows_of(g, ids)) for g in either.generations]
    for name in ("chunks", "headings", "contexts"):
        one, other = (getattr(evidence.vectors, name) for evidence in evidences)
        assert np.array_equal(one, other)
    words, other_words = (evidence.vectors.words for evidence in evidences)
    assert words is not None
    assert other_words is not None
    assert np.array_equal(words.rows, other_words.rows)
    assert np.array_equal(words.counts, other_words.counts)
    terms = sorted(chroma.vocabulary(chroma.all_terms()))
    scores = []
    for generation, evidence in zip(either.generations, evidences, strict=True):
        entries = generation.vocabulary(terms)
        numbers = np.array([entries[term][0] for term in terms])
        idf = generation.idf([entries[term][1] for term in terms])
        positions = evidence.terms.positions(numbers)
        scores.append(evidence.terms.bm25(positions.frequencies(), idf))
        assert np.array_equal(generation.chunk_terms(evidence.rows).numbers, evidence.terms.numbers)
    assert np.array_equal(*scores)


@pytest.mark.parametrize("filters", [
    NO_FILTERS,
    Filters(("ships/",)),
    Filters(("ships/", "umlaute.md")),
    Filters(tags=("hafen",)),
    Filters(since=date(2022, 1, 1)),
    Filters(("nothing/",)),
])  # fmt: skip
def test_both_find_the_same(either: Pair, filters: Filters) -> None:
    for question in QUESTIONS:
        found = []
        for generation in either.generations:
            query = analyze_query(generation, either.embedder, question)
            result = retrieve(
                generation, query, weights=fitted_weights(), top_k=10, filters=filters
            )
            last = min(
                (hit.score for hit in result.hits), default=0.0
            )  # may have equals that are cut
            best = [hit for hit in result.hits if hit.score > last]
            found.append(sorted((-hit.score, hit.chunk.id) for hit in best))
        assert found[0] == found[1]


def test_both_find_chunks_by_words_and_by_vector(either: Pair) -> None:
    chroma, lance = either.generations
    for chunk in by_id(chroma).values():
        vector = chroma.vector(chunk.row)
        best = [ids_of(g, g.find_dense(vector, limit=1)) for g in either.generations]
        cosines = [
            g.similarities(rows_of(g, b), vector)[0]
            for g, b in zip(either.generations, best, strict=True)
        ]
        assert cosines[0] == pytest.approx(cosines[1], abs=1e-3)
    for terms in (["ship"], ["lighthous", "lamp"], ["灯塔"], ["nothing"], []):
        one, other = (set(ids_of(g, g.find_lexical(terms, limit=500))) for g in either.generations)
        assert one == other
    assert len(lance.find_lexical(["ship"], limit=2)) == 2


def test_of_many_filtered_chunks_the_best_are_found(
    tmp_path: Path, spec: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("index.store.generation", "index.lance.opened"):
        monkeypatch.setattr(f"{module}.MAX_EXACT_ROWS", 100)
    dice = random.Random(1)
    words = [f"word{number}" for number in range(100)]
    files = {
        f"{'in' if number % 5 else 'out'}/{number}.txt": "\n\n".join(
            " ".join(dice.choices(words, k=30)).capitalize() + "." for _ in range(10)
        )
        for number in range(25)
    }
    corpus = write_files(tmp_path / "corpus", files)
    for pair in open_pair(both(corpus, tmp_path / "data", spec)):
        filters = Filters(("in/",))
        assert len(pair.generations[1].rows_matching(filters)) > 100
        overlaps = []
        for number in range(20):
            found = []
            for generation in pair.generations:
                question = f"word{number} and word{number + 7}"
                query = analyze_query(generation, pair.embedder, question)
                made = CandidateQuery(
                    query.known_terms, query.term_ids, query.known_idf, query.vector
                )
                rows = generation.candidates(made, limit=10, filters=filters)
                chunks = generation.chunks(rows.tolist())
                assert all(generation.source(c.source_id).path.startswith("in/") for c, _ in chunks)
                found.append({chunk.id for chunk, _ in chunks})
            overlaps.append(len(found[0] & found[1]) / max(map(len, found)))
        assert np.mean(overlaps) >= 0.9


def test_an_empty_corpus_and_a_single_source_can_be_asked(tmp_path: Path, spec: EmbedSpec) -> None:
    corpus = write_files(tmp_path / "corpus", {})
    requests = both(corpus, tmp_path / "data", spec)
    for pair in open_pair(requests):
        _, lance = pair.generations
        lance.warm()
        verify(lance)
        assert lance.sample(3) == []
        assert lance.find_lexical(["a"], limit=3) == []
        assert not len(lance.evidence(np.empty(0, np.int64)).rows)
        query = analyze_query(lance, pair.embedder, "What is this?")
        assert retrieve(lance, query, weights=fitted_weights(), top_k=5).hits == ()
    write_files(corpus, {"one.txt": "The lighthouse at Cape Orrin was lit on 3 May 1871."})
    for request in requests:
        sync_in_process(request)
    for pair in open_pair(requests):
        _, lance = pair.generations
        verify(lance, lance.all_rows().tolist())
        assert len(lance.find_lexical(["lighthous"], limit=3)) == 1
    (corpus / "one.txt").unlink()
    for request in requests:
        sync_in_process(request)
    for pair in open_pair(requests):
        verify(pair.generations[1])
        assert pair.generations[1].sources() == []


def test_a_first_sync_of_a_large_corpus_is_searchable_by_words_first(
    tmp_path: Path, spec: EmbedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.sync.run.LEXICAL_FIRST", 2)
    corpus = write_files(tmp_path / "corpus", ARTICLES)
    request = sync_request(corpus, tmp_path / "data", spec, engine="lance")
    early: list[list[int]] = []

    def on_event(event: dict[str, object]) -> None:
        if event["event"] == "publish" and not event["complete"]:
            with closing(opened(request)) as generation:
                generation.warm()
                verify(generation)
                assert not generation.info.complete
                rows = np.array(generation.find_lexical(["museum"], limit=3))
                assert generation.evidence(rows).vectors.words is None
                early.append(rows.tolist())

    from index.sync.run import sync

    sync(request, on_event)
    assert early[0]
    with closing(opened(request)) as generation:
        assert generation.info.complete


@pytest.fixture(scope="module")
def seeds(seeds_data: Path, minilm_spec: EmbedSpec) -> Iterator[Pair]:
    """The bundled articles with the real model."""
    chroma = sync_request(SEEDS, seeds_data, minilm_spec)
    lance = replace(
        chroma, folder=seeds_data / "collections" / "lance", collection="default", engine="lance"
    )
    sync_in_process(lance)
    yield from open_pair((chroma, lance))


def test_questions_find_the_same_passages_and_every_quote_stands(seeds: Pair) -> None:
    cases = Path(__file__).parents[1] / "data" / "seeds.jsonl"
    questions = [json.loads(line)["question"] for line in cases.read_text().splitlines()]
    same_best, overlaps = [], []
    for question in questions:
        found = []
        for generation in seeds.generations:
            query = analyze_query(generation, seeds.embedder, question)
            hits = retrieve(generation, query, weights=fitted_weights(), top_k=10).hits
            for hit in hits:
                text = generation.text(hit.chunk.source_id)
                assert text[hit.chunk.start : hit.chunk.end] == hit.text
            found.append([hit.chunk.id for hit in hits])
        same_best.append(found[0][:1] == found[1][:1])
        overlaps.append(len({*found[0]} & {*found[1]}) / len(found[0]))
    print(f"same best hit {np.mean(same_best)}, overlap@10 {np.mean(overlaps)}")  # noqa: T201
    assert np.mean(same_best) >= 0.99
    assert np.mean(overlaps) >= 0.98
