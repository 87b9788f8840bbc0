"""What tests share: an environment that says nothing, and the seeds' index, built once.

`make test` runs files side by side in several processes; each has session fixtures of its own.
"""

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from api.state.db import Database
from api.state.sqlite import SqliteFile
from index.embed.factory import EmbedSpec, open_embedder
from index.embed.graph import graph_file
from index.embed.protocol import Embedder
from index.store.generation import Generation
from rag.retrieval.reader import Reader
from tests.support.browser import launch_chromium, open_tab
from tests.support.corpus_builder import (
    ARTICLES,
    BuiltIndex,
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)
from tests.support.extras import needs
from tests.support.fakes import FakeModel
from tests.support.processes import (
    SEEDS,
    RunningService,
    link_model,
    run_footnote,
    write_lake_articles,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.postgres import PostgresServer

# A shell's background job ignores interrupts, and so would the children that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis_settings.register_profile("default", deadline=None)
hypothesis_settings.register_profile("soak", deadline=None, max_examples=2_000)
hypothesis_settings.load_profile("soak" if os.environ.get("SOAK") else "default")


LONGEST = (
    "test_secrets.py",
    "test_fuzz.py",
    "test_logs.py",
    "test_metrics.py",
    "test_tracing.py",
    "test_drain.py",
    "test_eval.py",
    "test_bombs.py",
    "test_readme.py",
    "test_file_modes.py",
    "test_collections.py",
    "test_scaling.py",
    "test_sweep.py",
    "test_story.py",
    "test_swaps.py",
    "test_offline.py",
)
"""Files that begin first, so that at the end no process works alone on one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else 99)


Shared = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Gives a folder that the first process to ask for it fills, while the others wait."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = root / f"shared-{name}", root / f"shared-{name}.done"
        with (root / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
                folder.mkdir(0o700)
                fill(folder)
                done.touch()
        return folder

    return filled


@pytest.fixture(scope="module")
def postgres() -> "Iterator[PostgresServer]":
    """A PostgreSQL server of this module's tests."""
    from tests.support.postgres import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs("psycopg"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return SqliteFile(tmp_path / "state.sqlite3")
    from api.state.postgres import Postgres

    server: PostgresServer = request.getfixturevalue("postgres")
    return Postgres(server.url(server.new_database()))


@pytest.fixture
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no variable that Footnote or its libraries read."""
    for name in list(os.environ):
        if name.startswith(("FOOTNOTE_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def minilm_spec(shared: Shared) -> EmbedSpec:
    """The embedded model, its graph and the reader's built once for all tests."""

    def build(folder: Path) -> None:
        graph_file(folder)
        Reader(folder)

    models = shared("models", build)
    return EmbedSpec("minilm", None, None, None, models)


@pytest.fixture(scope="session")
def minilm(minilm_spec: EmbedSpec) -> Embedder:
    """The embedded model, open."""
    return open_embedder(minilm_spec)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, minilm_spec: EmbedSpec) -> BuiltIndex:
    """Three small articles, synced with the embedded model; treat it as read-only."""
    folder = tmp_path_factory.mktemp("built")
    request = sync_request(write_files(folder / "corpus", ARTICLES), folder / "data", minilm_spec)
    report, events = sync_in_process(request)
    return BuiltIndex(request, report, events)


@pytest.fixture(scope="session")
def generation(built: BuiltIndex) -> Iterator[Generation]:
    """The generation of the three articles, open."""
    with open_generation(built.request) as generation:
        yield generation


@pytest.fixture
def embeddings() -> Iterator[FakeModel]:
    """An embeddings endpoint that records what it is asked."""
    with FakeModel() as model:
        yield model


@pytest.fixture(scope="session")
def fake_embeddings() -> Iterator[FakeModel]:
    """An embeddings endpoint for all tests that do not count its requests."""
    with FakeModel() as model:
        yield model


@pytest.fixture
def hosted(embeddings: FakeModel, tmp_path: Path) -> EmbedSpec:
    """The embedder of that endpoint: 64 dimensions, made of words, quick."""
    return EmbedSpec("openai", "fake", embeddings.base_url, None, tmp_path / "models")


@pytest.fixture(scope="session")
def seeds_data(
    shared: Shared, minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A data folder with the index of `seeds/`, built by the real sync; treat it as read-only."""

    def sync(folder: Path) -> None:
        (folder / "models").symlink_to(minilm_spec.models_dir)
        done = run_footnote("sync", SEEDS, "--data-dir", folder, cwd=folder)
        assert done.returncode == 0, done.stderr

    folder = tmp_path_factory.mktemp("seeds") / "data"
    return Path(shutil.copytree(shared("seeds", sync), folder, symlinks=True))


@pytest.fixture(scope="session")
def service(seeds_data: Path) -> Iterator[RunningService]:
    """The service over the seeds, in its own process, on loopback."""
    with RunningService("--no-sync", "--data-dir", seeds_data, cwd=seeds_data) as running:
        yield running


@pytest.fixture(scope="session")
def lakes(tmp_path_factory: pytest.TempPathFactory, seeds_data: Path) -> Path:
    """A folder with `articles/`, one of them nasty, and their index in `.data`; read-only."""
    home = tmp_path_factory.mktemp("lakes")
    write_lake_articles(home / "articles")
    link_model(home, seeds_data)
    done = run_footnote("sync", "articles", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "skipped picture.txt" in done.stderr
    return home


@pytest.fixture
def home(
    tmp_path: Path, seeds_data: Path, bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty working folder whose data folder knows the model's graph already."""
    link_model(tmp_path, seeds_data)
    return tmp_path


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium; not for the whole session, as Playwright's loop would be in asyncio's way."""
    with launch_chromium() as running:
        yield running


@pytest.fixture
def page(browser: "Browser", request: pytest.FixtureRequest) -> "Iterator[Page]":
    """A tab whose console stays empty: no script error, nothing that the policy blocked."""
    with open_tab(browser, **getattr(request, "param", {})) as (page, said):
        yield page
    assert said == []
