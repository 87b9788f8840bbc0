"""Every exit code of the terminal, and which error means which.

0 done · 1 a bug · 2 usage · 3 configuration · 4 index or upstream unavailable · 5 gate failed ·
6 the question was not answered · 130 interrupted
"""

from index.errors import CorpusMismatch, CorpusMissing, IndexingError, SettingInvalid
from rag.errors import AnswerError
from rag.evaluation.errors import EvaluationError, ExtraMissing, TargetUnavailable

from .errors import PortTaken, SettingRefused
from .wire.escape import screen

OK, BUG, USAGE, CONFIGURATION, UNAVAILABLE, GATE_FAILED, NOT_ANSWERED = range(7)
INTERRUPTED = 130


class ServiceRefused(Exception):
    """A running service answered with a problem, or did not answer; `exit_code` says which."""

    def __init__(self, message: str, exit_code: int) -> None:
        """Takes the line for people."""
        super().__init__(message)
        self.exit_code = exit_code


_CODES: dict[type[Exception], int] = {
    SettingRefused: CONFIGURATION,
    PortTaken: CONFIGURATION,
    CorpusMissing: CONFIGURATION,
    CorpusMismatch: CONFIGURATION,
    SettingInvalid: CONFIGURATION,
    ExtraMissing: CONFIGURATION,
    EvaluationError: USAGE,
    TargetUnavailable: UNAVAILABLE,
    IndexingError: UNAVAILABLE,
    AnswerError: UNAVAILABLE,
}


def code_of(error: Exception) -> int | None:
    """Returns the exit code that an error means; None: it is a bug."""
    if isinstance(error, ServiceRefused):
        return error.exit_code
    return next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), None)


def name_of(error: Exception) -> str:
    """Returns the error's words as one safe line."""
    return screen(str(error)).replace("\n", " ")
