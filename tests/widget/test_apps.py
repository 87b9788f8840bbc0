"""The widget in applications: its types against tsc, its package in real React and Vue apps.

The libraries come from the npm registry, by the lock in `apps/`.
"""

import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.browser import open_tab
from tests.support.processes import ROOT, RunningService

if TYPE_CHECKING:
    from playwright.sync_api import Browser

APPS = Path(__file__).parent / "apps"
WIDGET = ROOT / "api" / "widget"
TYPES = WIDGET / "v1.d.ts"
VERSION = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
PACKED = {
    f"package/{name}"
    for name in (
        "package.json README.md index.js index.d.ts react.js react.d.ts vue.js vue.d.ts v1.d.ts "
        "widget.js"
    ).split()
}


@pytest.fixture(scope="module")
def libraries() -> Path:
    """The folder of React, Vue and their tools; skips where there is no registry, fails in CI."""
    modules = APPS / "node_modules"
    if not (modules / ".package-lock.json").is_file():
        command = "npm ci --silent --no-audit --no-fund --ignore-scripts".split()
        if not shutil.which("npm") or subprocess.call(command, cwd=APPS):
            assert not os.environ.get("CI"), "CI must have npm and its registry"
            pytest.skip("NO NPM, OR NO REGISTRY: THE WIDGET WAS TRIED IN NO APPLICATION")
    return modules


@pytest.fixture(scope="module")
def package(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package, built by `npm pack`."""
    folder = tmp_path_factory.mktemp("package")
    run("npm", "pack", "--silent", "--pack-destination", folder, cwd=WIDGET / "npm")
    (archive,) = folder.glob("*.tgz")
    return archive


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_any_page_may_read_the_types(service: RunningService) -> None:
    reply = httpx.get(f"{service.url}/widget/v1.d.ts")
    assert reply.text == TYPES.read_text("utf-8")
    assert reply.headers["access-control-allow-origin"] == "*"


def test_the_types_hold_for_scripts_react_and_vue_and_find_misuses(
    libraries: Path, tmp_path: Path
) -> None:
    shutil.copytree(APPS / "types", tmp_path / "types")
    shutil.copy(TYPES, tmp_path)
    (tmp_path / "node_modules").symlink_to(libraries)
    run("node_modules/.bin/vue-tsc", "-p", "types", cwd=tmp_path)


def test_the_types_need_neither_react_nor_vue(libraries: Path, tmp_path: Path) -> None:
    (tmp_path / "types").mkdir()
    for name in ("element.ts", "tsconfig.json"):
        shutil.copy(APPS / "types" / name, tmp_path / "types")
    shutil.copy(TYPES, tmp_path)
    run(libraries / ".bin" / "tsc", "-p", "types", cwd=tmp_path)


def test_the_package_is_whole_of_this_version_and_of_no_machine(package: Path) -> None:
    with tarfile.open(package) as archive:
        texts = {}
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            texts[member.name] = file.read().decode()
    assert set(texts) == PACKED
    assert texts["package/widget.js"] == (WIDGET / "dist" / "widget.js").read_text("utf-8")
    assert VERSION is not None
    assert f'"version": "{VERSION[1]}"' in texts["package/package.json"]
    assert not [name for name, text in texts.items() if str(ROOT) in text]
    assert not (WIDGET / "npm" / "widget.js").exists(), "nothing stays behind"


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serves a folder on loopback; yields its URL."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def build(name: str, package: Path, libraries: Path, folder: Path) -> Path:
    """Installs the package into a copy of an application, checks its types and builds it.

    Its component is rendered by node, too: an application may be rendered on a server first.
    """
    shutil.copytree(APPS / name, folder, dirs_exist_ok=True)
    for part in ("package.json", "package-lock.json"):
        shutil.copy(APPS / part, folder)
    shutil.copytree(libraries, folder / "node_modules", symlinks=True)
    run("npm", "install", "--silent", "--offline", "--no-audit", package, cwd=folder)
    run("node_modules/.bin/vue-tsc", "--noEmit", cwd=folder)
    rendered = '<footnote-chat server="https://kb.example" mode="inline" class="help">'
    assert rendered in run("node", "server.mjs", cwd=folder)
    run("node_modules/.bin/vite", "build", "--logLevel", "warn", cwd=folder)
    return folder / "dist"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["react", "vue"])
def test_an_application_built_with_the_package_asks_and_moves_the_chat(
    browser: "Browser",
    seeds_data: Path,
    package: Path,
    libraries: Path,
    tmp_path: Path,
    name: str,
) -> None:
    folder = build(name, package, libraries, tmp_path / "app")
    with site(folder) as url, open_tab(browser) as (page, said):
        env = {"FOOTNOTE_WIDGET_ORIGINS": url}
        data = ("--no-sync", "--data-dir", seeds_data)
        with RunningService(*data, cwd=tmp_path, env=env) as service:
            page.goto(f"{url}/index.html?server={service.url}")
            page.locator("footnote-chat.help .starters button").wait_for()
            assert page.get_by_text("Help").is_visible()
            page.click("#ask")
            page.click("#move")
            page.wait_for_selector("footnote-chat.help .tools")
            assert "BYD" in page.inner_text("footnote-chat.help .text")
            page.get_by_role("status").get_by_text("The partners behind Xiaomi's car").wait_for()
            page.click("#move")
            assert page.locator("footnote-chat.help .turn").count() == 1
            starters = page.evaluate(
                "() => [].concat(document.querySelector('#plain').starters).join()"
            )
            assert starters == "One?"
    assert said == []
