"""Names of settings and of their variables, and the nearest one to a name that is none.

A misspelt variable would otherwise count for nothing, and nobody would notice.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import get_origin

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource

from .errors import SettingRefused

PREFIX = "FOOTNOTE_"
OTHER_VARIABLES = frozenset({"FOOTNOTE_KEY", "FOOTNOTE_TEST_DATA", "FOOTNOTE_TEST_SQUAD"})
"""Variables that are no settings: the command line's key, and the data of benchmarks and tests."""

_KUBERNETES = re.compile(r"\w+_(?:SERVICE_(?:HOST|PORT)|PORT_\d+_(?:TCP|UDP|SCTP))(?:_\w+)?")
_LINK_VALUE = re.compile(r"(?:tcp|udp|sctp)://")
"""Variables that Kubernetes sets for a service whose name begins with `footnote`."""


def setting_paths(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yields the dotted name of each setting, group and table, and whether it is a table."""
    for name, field in model.model_fields.items():
        path, kind = prefix + name, field.annotation
        yield path, get_origin(kind) is dict
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from setting_paths(kind, f"{path}.")


def variable_name(path: str) -> str:
    """Returns the variable of a setting: `llm.model` is FOOTNOTE_LLM__MODEL."""
    return PREFIX + path.replace(".", "__").upper()


def check_variables(model: type[BaseSettings]) -> None:
    """Raises SettingRefused if a variable with our prefix is none of ours: it may be misspelt."""
    read = EnvSettingsSource(model).env_vars
    environment = {name: value or "" for name, value in read.items()}
    for variable in unknown_variables(environment, model):
        name = variable.removeprefix(PREFIX).lower().replace("__", ".")
        raise SettingRefused(name, unknown_setting(variable, f"{variable} is not a setting", model))


def unknown_setting(name: str, cause: str, model: type[BaseModel]) -> str:
    """Returns the cause of an error, with the setting that was probably meant."""
    nearest = nearest_setting(name, model)
    return f"{cause}; did you mean {nearest}?" if nearest else cause


def unknown_variables(environment: Mapping[str, str], model: type[BaseModel]) -> Iterator[str]:
    """Yields the variables with our prefix that set nothing, sorted, in upper case.

    Empty ones count as unset. Those that Kubernetes sets for services are not ours.
    """
    paths = dict(setting_paths(model))
    known = {variable_name(path) for path in paths} | OTHER_VARIABLES
    tables = tuple(f"{variable_name(path)}__" for path, is_table in paths.items() if is_table)
    for name, value in sorted(environment.items()):
        variable = name.upper()  # as pydantic reads them
        if not variable.startswith(PREFIX) or not value or variable in known:
            continue
        is_link = _KUBERNETES.fullmatch(variable) or _LINK_VALUE.match(value)
        if not is_link and not variable.startswith(tables):
            yield variable


def nearest_setting(name: str, model: type[BaseModel]) -> str | None:
    """Returns the variable that is spelt most like a dotted name or a variable; None if none is."""
    paths = [path for path, _ in setting_paths(model)]
    variables = {_letters(variable_name(path)): variable_name(path) for path in paths}
    variables[_letters("FOOTNOTE_KEY")] = "FOOTNOTE_KEY"
    matches = difflib.get_close_matches(_letters(name), variables, n=1, cutoff=0.6)
    return variables[matches[0]] if matches else None


def _letters(name: str) -> str:
    """Returns what two spellings of a name are compared by: no prefix, one kind of separator."""
    return re.sub(r"[._-]+", "_", name.upper().removeprefix(PREFIX))
