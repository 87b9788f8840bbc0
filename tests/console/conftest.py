"""What the tests of the console's routes share: a service over articles that they may change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.settings import load_settings
from tests.support.processes import (
    LocalClient,
    link_model,
    run_footnote,
    wait_until,
    write_lake_articles,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, seeds_data: Path) -> Path:
    """A folder with `articles/` and their index in `.data`, both of which a module changes."""
    home = tmp_path_factory.mktemp("console")
    write_lake_articles(home / "articles")
    link_model(home, seeds_data)
    done = run_footnote("sync", "articles", cwd=home)
    assert done.returncode == 0, done.stderr
    return home


def open_client(home: Path, **more: object) -> LocalClient:
    flags: dict[str, Any] = {
        "corpus": home / "articles",
        "data_dir": home / ".data",
        "allow_writes": True,
        "rate_limit_per_minute": 0,
        **more,
    }
    return LocalClient(create_app(load_settings(flags)))


def wait_ready(client: LocalClient) -> None:
    wait_until(lambda: client.get("/readyz").status_code == 200)


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[LocalClient]:
    with open_client(home) as client:
        wait_ready(client)
        yield client
