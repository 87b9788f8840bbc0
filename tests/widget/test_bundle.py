"""The committed bundles: what the source gives, small, of this version; one for any site."""

import gzip
import hashlib
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.support.processes import ROOT, RunningService

WIDGET = ROOT / "api" / "widget"
BUNDLE = (WIDGET / "dist" / "widget.js").read_bytes()
CONSOLE = (WIDGET / "dist" / "console.js").read_bytes()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def tools() -> Path:
    """The folder of the bundle's tools; skips where they are not installed, fails in CI."""
    modules = WIDGET / "node_modules"
    if shutil.which("node") is None or not modules.is_dir():
        assert not os.environ.get("CI"), "CI must have node and the tools: .ci/run installs them"
        pytest.skip("NO NODE, or no `npm ci` in api/widget: THE BUNDLE WAS NOT REBUILT")
    return modules


def test_the_bundles_are_small() -> None:
    assert len(gzip.compress(BUNDLE, 9)) <= 50_000
    assert len(gzip.compress(CONSOLE, 9)) <= 45_000


@pytest.fixture
def copy(tools: Path, tmp_path: Path) -> Path:
    """The widget's source in another folder, with its tools."""
    folder = tmp_path / "api" / "widget"
    shutil.copytree(WIDGET, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "*.d.ts"))
    shutil.copy(WIDGET / "src" / "globals.d.ts", folder / "src")
    shutil.copy(WIDGET / "v1.d.ts", folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "openapi.json", tmp_path)
    (folder / "node_modules").symlink_to(tools)
    return folder


def test_the_bundle_is_what_its_source_gives_in_any_folder(copy: Path) -> None:
    subprocess.run(["npm", "run", "--silent", "build"], cwd=copy, check=True)
    assert (copy / "dist" / "widget.js").read_bytes() == BUNDLE, "make widget"
    assert (copy / "dist" / "console.js").read_bytes() == CONSOLE, "make widget"


def test_the_source_is_strictly_typed_by_the_openapi_document(copy: Path) -> None:
    command = ["npm", "run", "--silent", "check"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (copy / "src" / "openapi.d.ts").is_file()


def test_any_site_may_load_the_bundle_and_keeps_it_for_minutes(service: RunningService) -> None:
    reply = httpx.get(f"{service.url}/widget/v1.js")
    assert reply.content == BUNDLE
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
    assert reply.headers["cache-control"] == "public, max-age=300"
    tag = reply.headers["etag"]
    assert hashlib.sha256(BUNDLE).hexdigest()[:16] in tag
    again = httpx.get(f"{service.url}/widget/v1.js", headers={"if-none-match": f'"x", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")


def test_the_address_of_a_version_never_changes_and_no_other_exists(
    service: RunningService,
) -> None:
    reply = httpx.get(f"{service.url}/widget/{VERSION}/widget.js")
    assert reply.content == BUNDLE
    assert "immutable" in reply.headers["cache-control"]
    other = httpx.get(f"{service.url}/widget/0.0.0/widget.js")
    assert (other.status_code, other.json()["code"]) == (404, "not_found")


def test_the_bundle_is_of_this_version_and_holds_nothing_of_a_machine() -> None:
    assert f'"{VERSION}"' in BUNDLE.decode()
    for text in (BUNDLE.decode(), CONSOLE.decode()):
        assert "sourceMappingURL" not in text
        assert str(ROOT) not in text


def test_only_the_services_own_page_may_load_the_console(service: RunningService) -> None:
    page = httpx.get(f"{service.url}/console")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "require-trusted-types-for 'script'; trusted-types lit-html" in policy
    assert "unsafe" not in policy
    script = httpx.get(f"{service.url}/console/v1.js")
    assert script.content == CONSOLE
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "access-control-allow-origin" not in script.headers
    assert "cross-origin-resource-policy" not in script.headers or (
        script.headers["cross-origin-resource-policy"] == "same-origin"
    )
