"""Main content of web pages of four kinds, fetched from a server, and their cost."""

from collections.abc import Callable
from pathlib import Path
from statistics import mean

import httpx
import pytest

from index.formats.html import extract_html, parse_html
from tests.support.scaling import superlinear
from tests.support.web_pages import KINDS, PAGES, Page, Score, score, served


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Score]:
    folder: Path = tmp_path_factory.mktemp("pages")
    with served(folder) as address, httpx.Client(base_url=address) as client:
        return {
            page.name: score(page, extract_html(client.get(f"/{page.name}").content).text)
            for page in PAGES
        }


def test_there_are_ten_pages_of_each_kind() -> None:
    assert [sum(page.kind == kind for page in PAGES) for kind in KINDS] == [10] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_main_text_is_kept_and_furniture_is_not(kind: str, scores: dict[str, Score]) -> None:
    of_kind = [scores[page.name] for page in PAGES if page.kind == kind]
    assert mean(one.recall for one in of_kind) >= 0.95
    assert mean(one.furniture for one in of_kind) <= 0.05


def test_no_page_is_lost(scores: dict[str, Score]) -> None:
    assert min(one.recall for one in scores.values()) >= 0.9
    assert max(one.furniture for one in scores.values()) <= 0.1


@pytest.mark.parametrize("page", PAGES[::7], ids=lambda page: page.name)
def test_units_lie_within_blocks_in_order(page: Page) -> None:
    document = parse_html(page.markup)
    ends = [0]
    for unit in document.units:
        assert any(s <= unit.start and unit.end <= e for s, e in document.blocks)
        assert unit.start >= ends[-1]
        ends.append(unit.end)
        assert all(0 <= start < end <= unit.start for start, end in unit.under)


NESTED: dict[str, Callable[[int], str]] = {
    "buttons": lambda n: "<button aria-expanded=false>a?</button><div hidden>b</div>" * (n // 57),
    "labels": lambda n: "<label>a<input value=b>" * (n // 23),
    "marks": lambda n: "<p>" + "x<sup><a href='#n'>1</a></sup> " * (n // 31),
    "items": lambda n: "<ul><li>x" * (n // 9),
    "terms": lambda n: "<dl><dt>x<dd>y" * (n // 14),
    "tables": lambda n: "<table><tr><td>" * (n // 15),
    "spans": lambda n: "<table>" + "<tr><td rowspan=9999 colspan=9999>x</td></tr>" * (n // 45),
    "sections": lambda n: "<section><h2>x</h2><a href=x>y</a>" * (n // 34),
    "banners": lambda n: "<div>cookies <a href=x>accept</a>" * (n // 33),
    "styles": lambda n: f"<p style='{'color:white;' * (n // 12)}'>x</p>",
}


@pytest.mark.parametrize("make", NESTED.values(), ids=NESTED)
def test_the_cost_of_a_page_grows_with_its_length(make: Callable[[int], str]) -> None:
    assert superlinear(parse_html, make, 15_000) is None
