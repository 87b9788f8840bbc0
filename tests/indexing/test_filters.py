"""A search can be limited to some articles: by path, by tag, by day."""

import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embed.factory import EmbedSpec
from index.filters import matches, parse_day
from index.store.generation import Generation
from index.types import NO_FILTERS, Filters
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files

FILES = {
    "news/flood.md": "---\ndate: 2026-03-01\ntags: [River, weather]\n---\n\nIt rose by 3 m.\n",
    "news/dry.md": "---\ndate: 2025-08-09\ntags: river\n---\n\nThe river fell by 2 m.\n",
    "manual.md": "---\ntags: pump\n---\n\nThe pump lifts the river's water by 9 m.\n",
    "plain.txt": "The river has a bridge of 40 m.\n",
}


@pytest.fixture(scope="module")
def tagged(
    tmp_path_factory: pytest.TempPathFactory, minilm_spec: EmbedSpec
) -> Iterator[Generation]:
    folder = tmp_path_factory.mktemp("tagged")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    with open_generation(request) as generation:
        yield generation


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        (NO_FILTERS, set(FILES)),
        (Filters(tags=("RIVER",)), {"news/flood.md", "news/dry.md"}),
        (Filters(tags=("pump", "weather")), {"news/flood.md", "manual.md"}),
        (Filters(sources=("news/",), tags=("weather", "pump")), {"news/flood.md"}),
        (Filters(since=date(2026, 3, 1)), {"news/flood.md"}),
        (Filters(until=date(2026, 2, 28)), {"news/dry.md"}),
        (
            Filters(since=date(2025, 1, 1), until=date(2026, 12, 31)),
            {"news/flood.md", "news/dry.md"},
        ),
        (Filters(tags=("nothing",)), set()),
    ],
)
def test_only_sources_that_match_all_filters_remain(
    tagged: Generation, filters: Filters, paths: set[str]
) -> None:
    rows = tagged.rows_matching(filters)
    chunks = [chunk for chunk, _ in tagged.chunks(sorted(rows))]
    filtered = {source.path for chunk in chunks if (source := tagged.source(chunk.source_id))}
    assert filtered == paths


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-24", date(2026, 11, 24)),
        ("2026-11-24T10:00:00Z", date(2026, 11, 24)),
        ("2026-11-24 10:00", date(2026, 11, 24)),
        ("2026-11", date(2026, 11, 1)),
        ("2026-02-30", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_first_day_of_a_date_is_parsed(text: str, day: date | None) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize("path_form", ["NFC", "NFD"])
@pytest.mark.parametrize("filter_form", ["NFC", "NFD"])
@pytest.mark.parametrize("sources", [("Größen/Übersicht.md",), ("x.md", "Größen/")])
def test_the_unicode_form_of_a_path_does_not_matter(
    path_form: Literal["NFC", "NFD"], filter_form: Literal["NFC", "NFD"], sources: tuple[str, ...]
) -> None:
    path = unicodedata.normalize(path_form, "Größen/Übersicht.md")
    filters = Filters(sources=tuple(unicodedata.normalize(filter_form, s) for s in sources))
    assert matches(filters, path, {})
    assert not matches(filters, "Grossen/Ubersicht.md", {})


@given(st.text(), st.dictionaries(st.sampled_from(["tags", "date"]), st.text()))
def test_no_front_matter_breaks_a_filter(path: str, metadata: dict[str, str]) -> None:
    filters = Filters(("a/",), ("b",), date(2026, 1, 1), None)
    assert matches(NO_FILTERS, path, metadata)
    assert matches(filters, path, metadata) in (True, False)
