"""axe-core in a page: what of it not everybody can use."""

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = ROOT / "api" / "widget" / "node_modules" / "axe-core" / "axe.min.js"


def axe_script() -> str:
    """Returns axe-core; skips where it is not installed, fails in CI."""
    if not AXE.is_file():
        assert not os.environ.get("CI"), "CI must have axe-core: .ci/run installs it"
        pytest.skip("NO AXE: run `npm ci` in api/widget; ACCESSIBILITY WAS NOT CHECKED")
    return AXE.read_text("utf-8")


def violations(page: "Page", axe: str) -> list[tuple[Any, ...]]:
    """Returns the rule, the place and the reason of each violation in a page."""
    page.evaluate(axe)
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    assert found["passes"], "axe ran"
    return [
        (broken["id"], node["target"], node["failureSummary"])
        for broken in found["violations"]
        for node in broken["nodes"]
    ]
