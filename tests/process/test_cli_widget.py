"""`footnote widget snippet` and `footnote doctor --origin`: embedding the widget on a site."""

import json
from pathlib import Path

import pytest

from tests.support.processes import run_footnote

SITE = "https://site.example"
PUBLIC = {"FOOTNOTE_PUBLIC_URL": "https://kb.example/docs/"}


def test_the_snippet_is_the_tag_the_policy_and_the_setting(tmp_path: Path) -> None:
    done = run_footnote(
        "widget", "snippet", "--origin", f"{SITE}:443/", "--json", cwd=tmp_path, env=PUBLIC
    )
    assert json.loads(done.stdout) == {
        "tag": '<script src="https://kb.example/docs/widget/v1.js" defer></script>'
        "<footnote-chat></footnote-chat>",
        "csp": ["script-src https://kb.example/docs/", "connect-src https://kb.example/docs/"],
        "setting": f"FOOTNOTE_WIDGET_ORIGINS={SITE}",
    }


def test_the_snippet_can_be_read(tmp_path: Path) -> None:
    done = run_footnote("widget", "snippet", "--origin", SITE, cwd=tmp_path)
    assert "http://127.0.0.1:8000/widget/v1.js" in done.stdout
    assert "connect-src http://127.0.0.1:8000" in done.stdout


@pytest.mark.parametrize("origin", ["site.example", "null", "https://a/b", "https://*.example"])
def test_an_invalid_origin_is_refused(tmp_path: Path, origin: str) -> None:
    done = run_footnote("widget", "snippet", "--origin", origin, cwd=tmp_path)
    assert done.returncode == 3
    assert "--origin" in done.stderr


@pytest.mark.parametrize(
    ("env", "reasons"),
    [
        ({}, ["add it to FOOTNOTE_WIDGET_ORIGINS", "only this machine can reach"]),
        ({"FOOTNOTE_WIDGET_ORIGINS": SITE}, ["only this machine can reach"]),
        (
            {"FOOTNOTE_WIDGET_ORIGINS": SITE, "FOOTNOTE_PUBLIC_URL": "http://kb.example"},
            ["https pages cannot call http://kb.example"],
        ),
        ({"FOOTNOTE_WIDGET_ORIGINS": SITE} | PUBLIC, []),
    ],
    ids=["nothing_set", "loopback", "mixed_content", "allowed"],
)
def test_doctor_reports_what_blocks_the_widget_on_a_site(
    home: Path, env: dict[str, str], reasons: list[str]
) -> None:
    done = run_footnote("doctor", "--origin", SITE, "--json", cwd=home, env=env)
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["widget"]["ok"] is (not reasons)
    assert [reason for reason in reasons if reason not in checks["widget"]["detail"]] == []
