"""The errors of evaluating.

EvaluationError
├── CasesMalformed      lines of a case file cannot be used; all of them are named
├── RunConflict         the run's folder holds a run of another configuration
├── RunUnreadable       a folder holds no run, or not the case that is looked for
├── CasesDiffer         two runs were not asked the same cases
├── ConditionMalformed  a gate's condition cannot be read, or names no metric
├── TargetUnavailable   what is measured cannot be reached; the run stops, its samples stay
├── CaseFailed          what is measured failed on this one case; it counts as wrong
└── ExtraMissing        the packages of the extra `eval` are not installed
"""

from collections.abc import Sequence


class EvaluationError(Exception):
    """Whatever can go wrong between a case and a number."""


class CasesMalformed(EvaluationError):
    """Lines of a case file cannot be used."""

    def __init__(self, name: str, problems: Sequence[tuple[int, str]]) -> None:
        """Names the file and every problem by its line, from 1."""
        number, cause = problems[0]
        where = f", line {number}" if number else ""
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(f"{name}{where}: {cause}{more}")
        self.name, self.problems = name, tuple(problems)


class RunConflict(EvaluationError):
    """The run's folder holds a run of another configuration."""

    def __init__(self, folder: object, differences: Sequence[str]) -> None:
        """Names what differs."""
        said = "; ".join(differences)
        super().__init__(
            f"{folder} holds another run: {said}. Name another --out, or add --overwrite"
        )
        self.differences = tuple(differences)


class RunUnreadable(EvaluationError):
    """A folder holds no run, or not the case that is looked for."""


class CasesDiffer(EvaluationError):
    """Two runs were not asked the same cases."""


class ConditionMalformed(EvaluationError):
    """A gate's condition cannot be read, or names no metric."""


class TargetUnavailable(EvaluationError):
    """What is measured cannot be reached; the run stops, its samples stay."""


class CaseFailed(EvaluationError):
    """What is measured failed on this one case; it counts as wrong."""


class ExtraMissing(EvaluationError):
    """The packages of the extra `eval` are not installed."""

    def __init__(self, module: str) -> None:
        """Names the package and the line that installs it."""
        super().__init__(
            f"this needs {module}, of the extra `eval`: install it with pip install '.[eval]'"
        )
