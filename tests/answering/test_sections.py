"""What a model is shown: sections around the hits, in source order, within the budget."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.protocol import Embedder
from index.store.generation import Generation
from rag.answer import Limits, Pipeline
from rag.retrieval.sections import CANDIDATES, Section, sections
from rag.types import Hit
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files

STEPS = "\n".join(f"{n}. Step {n} turns the valve named V{n} to the left." for n in range(1, 9))
FILLER = "\n\n".join(
    f"## Room {n}\n\nRoom {n} has {n + 4} windows. It is painted in colour {n}.\n\n"
    f"The door of room {n} opens to the corridor, and its key hangs at reception."
    for n in range(60)
)
FILES = {
    "boiler.md": "---\ntitle: Boiler manual\ndate: 2024-05-01\n---\n\n# Boiler manual\n\n"
    "## Restart after a power cut\n\nWait for five minutes first.\n\n"
    f"To restart the boiler after a power cut:\n\n{STEPS}\n\nThen call the caretaker.\n\n"
    "## Cleaning\n\nThe boiler is cleaned in May.\n",
    "rooms.md": f"# Rooms\n\n{FILLER}\n",
    "only-heading.md": "# Restart the boiler\n",
}


@pytest.fixture(scope="module")
def embedder(minilm_spec: EmbedSpec) -> Iterator[Embedder]:
    with closing(open_embedder(minilm_spec)) as embedder:
        yield embedder


@pytest.fixture(scope="module")
def generation(
    minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generation]:
    folder = tmp_path_factory.mktemp("sections")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    with open_generation(request) as generation:
        yield generation


def search(generation: Generation, embedder: Embedder, question: str) -> tuple[Hit, ...]:
    limits = Limits(history_chars=0, passage_chars=0)
    pipeline = Pipeline(embedder=embedder, chat=None, support_mode="flag", limits=limits)
    return pipeline.search(generation, question, top_k=CANDIDATES)


def span(section: Section) -> tuple[str, int, int]:
    first, last = section.hits[0].chunk, section.hits[-1].chunk
    return section.hits[0].source.path, first.start, last.end


def size(found: Sequence[Section]) -> int:
    return sum(end - start for _, start, end in map(span, found))


def test_a_hit_brings_its_section_and_the_whole_list(
    generation: Generation, embedder: Embedder
) -> None:
    hits = search(generation, embedder, "How do I restart the boiler after a power cut?")
    first, *_ = sections(generation, hits, chars=16_000)
    text = "\n".join(unit.text for _, unit in first.places)
    assert "Wait for five minutes" in text
    assert [f"V{n}" for n in range(1, 9)] == re.findall(r"V\d", text)
    assert "Then call the caretaker." in text


def test_a_section_is_a_run_of_neighbouring_chunks_in_their_order(
    generation: Generation, embedder: Embedder
) -> None:
    hits = search(generation, embedder, "Which room has 12 windows?")
    found = sections(generation, hits, chars=6_000)
    for section in found:
        rows = [hit.chunk.row for hit in section.hits]
        assert rows == list(range(rows[0], rows[0] + len(rows)))
        assert len({hit.source.id for hit in section.hits}) == 1
    rows = [hit.chunk.row for section in found for hit in section.hits]
    assert len(rows) == len(set(rows))
    assert hits[0].chunk.row in [hit.chunk.row for hit in found[0].hits]


def test_every_place_slices_back_to_the_source(generation: Generation, embedder: Embedder) -> None:
    hits = search(generation, embedder, "boiler restart")
    for section in sections(generation, hits, chars=16_000):
        text = generation.text(section.hits[0].source.id)
        for _, unit in (*section.places, *section.head):
            assert text[unit.start : unit.end] == unit.text


@pytest.mark.parametrize("chars", [2_000, 5_000])
def test_sections_fill_the_budget_and_keep_to_it(
    chars: int, generation: Generation, embedder: Embedder
) -> None:
    hits = search(generation, embedder, "Which room has 12 windows?")
    used = size(sections(generation, hits, chars=chars))
    assert chars / 2 < used <= chars


def test_the_best_hit_is_shown_whatever_the_budget(
    generation: Generation, embedder: Embedder
) -> None:
    hits = search(generation, embedder, "When is the boiler cleaned?")
    (only,) = sections(generation, hits, chars=1)
    assert hits[0] in only.hits
    assert sections(generation, (), chars=1_000) == ()


def test_no_passage_is_only_a_heading(generation: Generation, embedder: Embedder) -> None:
    hits = search(generation, embedder, "Restart the boiler")
    assert "only-heading.md" in {hit.source.path for hit in hits}
    found = sections(generation, hits, chars=16_000)
    assert "only-heading.md" not in {span(section)[0] for section in found}


def test_what_was_shown_is_not_shown_again(generation: Generation, embedder: Embedder) -> None:
    hits = search(generation, embedder, "Which room has 12 windows?")
    before = [Section((hit,)) for hit in hits[::3]]
    after = sections(generation, hits, chars=16_000, shown=before)
    rows = [hit.chunk.row for section in (*before, *after) for hit in section.hits]
    assert after
    assert len(rows) == len(set(rows))
    for section in after:
        assert any(hit in hits for hit in section.hits), "around a hit each"


def test_title_and_heading_are_places_only_where_they_stand_in_the_text(
    generation: Generation, embedder: Embedder
) -> None:
    hits = search(generation, embedder, "When is the boiler cleaned?")
    cleaning = next(hit for hit in hits if "cleaned in May" in hit.text)
    (section,) = sections(generation, [cleaning], chars=1)
    assert "Boiler manual" in [unit.text for _, unit in section.head]
