"""The mark of tests that need an extra: skipped where it is missing, a failure in CI."""

import importlib.util
import os

import pytest


def needs(module: str) -> pytest.MarkDecorator:
    """Returns the mark of a test that needs a module of an extra."""
    is_missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(
        is_missing and not os.environ.get("CI"),
        reason=f"SKIPPED: {module} IS NOT INSTALLED (`make extras` installs it)",
    )
