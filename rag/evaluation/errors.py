"""The errors of an evaluation.

EvaluationError
├── CasesMalformed      lines of a case file are invalid; every one is named
├── RunConflict         the run's folder belongs to a run with another configuration
├── RunUnreadable       the folder contains no run, or a damaged one
├── CasesDiffer         two runs have different cases
├── ConditionMalformed  a gate's condition is invalid or names an unknown metric
├── TargetUnavailable   the target cannot be reached; the run stops and keeps its samples
├── CaseFailed          the target failed on this one case, which counts as wrong
└── ExtraMissing        the packages of the extra `eval` are not installed
"""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from index.redact import redact


class EvaluationError(Exception):
    """Base class of all evaluation errors; the message is redacted."""

    def __str__(self) -> str:
        return redact(super().__str__())


class CasesMalformed(EvaluationError):
    """Lines of a case file are invalid."""

    def __init__(self, name: str, problems: Sequence[tuple[int, str]]) -> None:
        """Takes (line number, cause) of every problem; lines count from 1, 0 is the whole file."""
        line, cause = problems[0]
        location = f", line {line}" if line else ""
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(f"{name}{location}: {cause}{more}")
        self.name, self.problems = name, tuple(problems)


class RunConflict(EvaluationError):
    """The run's folder belongs to a run with another configuration."""

    def __init__(self, folder: object, differences: Sequence[str]) -> None:
        """Takes a description of each difference."""
        super().__init__(
            f"{folder} contains another run: {'; '.join(differences)}. "
            "Choose another --out, or add --overwrite"
        )
        self.differences = tuple(differences)


class RunUnreadable(EvaluationError):
    """The folder contains no run, or a damaged one."""


class CasesDiffer(EvaluationError):
    """Two runs have different cases."""


class ConditionMalformed(EvaluationError):
    """A gate's condition is invalid or names an unknown metric."""


class TargetUnavailable(EvaluationError):
    """The target cannot be reached; the run stops and keeps its samples."""


class CaseFailed(EvaluationError):
    """The target failed on this one case, which counts as wrong."""


class ExtraMissing(EvaluationError):
    """The packages of the extra `eval` are not installed."""


def import_extra(module: str) -> ModuleType:
    """Returns a module of the extra `eval`; raises ExtraMissing if it is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f"{module.partition('.')[0]} is not installed; it belongs to the extra `eval`: "
            "pip install '.[eval]'"
        ) from error
