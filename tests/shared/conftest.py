"""The stores that machines share: a real S3 server, started once a module, and a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.extras import needs
from tests.support.seaweed import Seaweed

BOTH = [pytest.param("s3", marks=needs("obstore")), "file"]
"""Parameters of the fixture `url`."""


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """An S3 server; its variables are set in this process."""
    with (
        Seaweed(tmp_path_factory.mktemp("seaweed")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in server.env.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def mount(tmp_path: Path) -> str:
    """The URL of an empty folder."""
    (tmp_path / "mount").mkdir()
    return (tmp_path / "mount").as_uri()


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a new, empty store of each kind."""
    if request.param == "file":
        mount: str = request.getfixturevalue("mount")
        return mount
    server: Seaweed = request.getfixturevalue("seaweed")
    return server.new_prefix()
