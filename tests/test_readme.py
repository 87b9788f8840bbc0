import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from api.errors import STATUS_BY_CODE
from api.settings import load_settings
from tests.support.processes import ROOT, RunningService, run_footnote, write_lake_articles
from tests.support.settings_table import settings_table

NAMES = ("", "api/", "api/widget/", "index/", "rag/evaluation/")
PAGES = {f"{name}README.md": (ROOT / name / "README.md").read_text("utf-8") for name in NAMES}
README, REFERENCE = PAGES["README.md"], PAGES["api/README.md"]
BLOCKS = [
    block
    for page in PAGES.values()
    for block in re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
]
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str, word: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language and word in text]


@pytest.mark.parametrize("block", blocks("python", "httpx"))
def test_python_examples_run(block: str, service: RunningService, tmp_path: Path) -> None:
    code = block.replace(ADDRESS, service.url)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "supported" in done.stdout


@pytest.mark.parametrize("block", blocks("python", "import OpenAI"))
def test_the_openai_example_runs(block: str, service: RunningService, tmp_path: Path) -> None:
    code = block.replace(ADDRESS, service.url)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"[1] The partners behind Xiaomi's car {service.url}/v1/sources/" in done.stdout


@pytest.mark.parametrize("block", blocks("python", "HybridRetriever"))
def test_the_llama_index_example_runs(block: str, seeds_data: Path) -> None:
    code = block.replace('Path(".data")', f"Path({str(seeds_data)!r})")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "the-partners-behind-xiaomis-car.md" in done.stdout


@pytest.mark.parametrize("block", blocks("sh", "curl -s"))
def test_curl_examples_run(block: str, service: RunningService, tmp_path: Path) -> None:
    command = block.replace(ADDRESS, service.url)
    done = subprocess.run(
        ["bash", "-euc", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"citations"' in done.stdout
    assert '"answered":true' in done.stdout.replace(" ", "")


@pytest.mark.parametrize("block", blocks("sh", "curl -T"))
def test_the_examples_of_changing_files_run(block: str, home: Path) -> None:
    write_lake_articles(home / "articles")
    (home / "yu7.md").write_text("# The YU7\n\nIt is an SUV.\n")
    with RunningService("articles", cwd=home, env={"FOOTNOTE_ALLOW_WRITES": "true"}) as service:
        command = block.replace(ADDRESS, service.url).replace("curl ", "curl -s -w '\\n' ")
        done = subprocess.run(
            ["bash", "-euc", command], cwd=home, capture_output=True, text=True, check=False
        )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [job.get("kind", job.get("code")) for job in said] == [
        *("put", "delete", "sync", "job_not_found")
    ]


@pytest.mark.parametrize("block", blocks("sh", "footnote sync seeds"))
def test_terminal_examples_run(block: str, seeds_data: Path) -> None:
    for line in block.splitlines():
        arguments = shlex.split(line, comments=True)[1:]
        done = run_footnote(*arguments, "--data-dir", seeds_data, cwd=ROOT)
        assert done.returncode == 0, (line, done.stdout, done.stderr)


@pytest.mark.parametrize("block", blocks("sh", "footnote keys"))
def test_the_examples_of_keys_run(block: str, tmp_path: Path) -> None:
    made = ""
    for line in block.splitlines():
        arguments = [made if word == "ID" else word for word in shlex.split(line, comments=True)]
        arguments += ["--json"] if "create" in arguments else []
        done = run_footnote(*arguments[1:], "--data-dir", tmp_path, cwd=tmp_path)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        made = json.loads(done.stdout)["id"] if "create" in arguments else made


@pytest.mark.parametrize("block", blocks("toml", "["))
def test_the_examples_of_the_settings_file_are_settings(block: str, bare_environment: Path) -> None:
    (bare_environment / "footnote.toml").write_text(block)
    settings = load_settings({})
    assert set(settings.collections) == ({"handbook", "wiki"} if "[collections" in block else set())
    assert settings.auth.is_set == ("[auth]" in block)


def test_links_between_the_pages_lead_somewhere() -> None:
    for name, page in PAGES.items():
        for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page):
            target = (ROOT / name).parent / path if path else ROOT / name
            assert target.exists(), (name, path)
            if anchor:
                assert anchor in anchors(target.read_text("utf-8")), (name, path, anchor)


def anchors(page: str) -> set[str]:
    """The headings of a page, as the links to them spell them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_make_examples_name_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_settings_table_is_the_settings() -> None:
    table = REFERENCE.split("<!-- settings -->\n")[1].split("<!-- /settings -->")[0]
    assert table.strip() == settings_table().strip()


def test_every_error_code_is_in_the_reference_with_its_status() -> None:
    for code, status in STATUS_BY_CODE.items():
        row = next(line for line in REFERENCE.splitlines() if f"`{code}`" in line)
        cells = [cell.strip() for cell in row.split("|")]
        place = next(i for i, cell in enumerate(cells) if f"`{code}`" in cell)
        assert cells[place + 1] == str(status), code


def test_the_table_of_error_codes_names_no_other() -> None:
    table = REFERENCE.split("| code | status | | code | status |\n")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(STATUS_BY_CODE)


def test_every_path_the_readme_maps_exists() -> None:
    for name in re.findall(r"`(\w+/)`", README):
        assert (ROOT / name).is_dir() or list(ROOT.glob(f"*/{name}")), name
