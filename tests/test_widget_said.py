"""What the chat shows a reader in plain sight."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browsing import ask, tab
from tests.standin import Page, StandIn, answer, host, steps

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TABLE = "| year | days | depth of the ice in centimetres | remark |\n|-|-|-|-|\n"
TABLE += "| 1998 | 142 | 88 | the longest of all [1] |"


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn() as running:
        running.pages["/"] = Page(host(running))
        yield running


def test_a_narrow_table_breaks_no_word(browser: "Browser", service: StandIn) -> None:
    service.script = lambda _: steps(answer(TABLE))
    with tab(browser, viewport={"width": 320, "height": 640}) as (page, _):
        page.goto(service.url)
        ask(page, "?")
        cells = page.locator("footnote-chat :is(td, th):nth-child(-n + 2)")
        lines = cells.evaluate_all(
            "(cells) => cells.map((cell) => { const range = document.createRange();"
            " range.selectNodeContents(cell); return range.getClientRects().length; })"
        )
        assert lines == [1, 1, 1, 1]
        log = page.locator("footnote-chat .log")
        assert log.evaluate("(log) => log.scrollWidth <= log.clientWidth")
