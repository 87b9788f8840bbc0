"""`footnote widget snippet` and `footnote doctor --origin`: what a site needs, what is missing."""

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
def test_what_is_no_origin_is_refused(tmp_path: Path, origin: str) -> None:
    done = run_footnote("widget", "snippet", "--origin", origin, cwd=tmp_path)
    assert done.returncode == 3
    assert "--origin" in done.stderr


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, ["FOOTNOTE_WIDGET_ORIGINS does not hold", "only this machine reaches"]),
        ({"FOOTNOTE_WIDGET_ORIGINS": SITE}, ["only this machine reaches"]),
        (
            {"FOOTNOTE_WIDGET_ORIGINS": SITE, "FOOTNOTE_PUBLIC_URL": "http://kb.example"},
            ["an https page may not ask http://kb.example"],
        ),
        ({"FOOTNOTE_WIDGET_ORIGINS": SITE} | PUBLIC, []),
    ],
    ids=["nothing_set", "loopback", "mixed", "well"],
)
def test_doctor_says_what_would_block_a_site(
    home: Path, env: dict[str, str], said: list[str]
) -> None:
    done = run_footnote("doctor", "--origin", SITE, "--json", cwd=home, env=env)
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["widget"]["ok"] is (not said)
    assert [part for part in said if part not in checks["widget"]["detail"]] == []
