"""Brings in the packages of the extra `eval`, or says in one line how to install them."""

from importlib import import_module
from types import ModuleType

from .errors import ExtraMissing


def needed(module: str) -> ModuleType:
    """Returns the module; raises ExtraMissing where its package is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ExtraMissing(module.partition(".")[0]) from error
