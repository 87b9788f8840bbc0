"""The exit codes of the command line, and the code that each error maps to.

0 success · 1 bug · 2 usage · 3 configuration · 4 index or upstream unavailable · 5 gate failed ·
6 question not answered · 130 interrupted
"""

from index.errors import CorpusMismatch, CorpusMissing, IndexingError, SettingInvalid
from index.redact import redact
from rag.errors import AnswerError
from rag.evaluation.errors import EvaluationError, ExtraMissing, TargetUnavailable

from .errors import KeyInvalid, PortTaken, SettingRefused, StateUnreadable
from .wire.escape import escape

OK, BUG, USAGE, CONFIGURATION, UNAVAILABLE, GATE_FAILED, NOT_ANSWERED = range(7)
INTERRUPTED = 130


class CliError(Exception):
    """A command cannot do what was requested; the message says what the user can change."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


_CODES: dict[type[Exception], int] = {
    KeyInvalid: USAGE,
    SettingRefused: CONFIGURATION,
    PortTaken: CONFIGURATION,
    StateUnreadable: UNAVAILABLE,
    CorpusMissing: CONFIGURATION,
    CorpusMismatch: CONFIGURATION,
    SettingInvalid: CONFIGURATION,
    ExtraMissing: CONFIGURATION,
    EvaluationError: USAGE,
    TargetUnavailable: UNAVAILABLE,
    IndexingError: UNAVAILABLE,
    AnswerError: UNAVAILABLE,
}


def exit_code_of(error: Exception) -> int | None:
    """Returns the exit code for an error; None if the error is a bug."""
    if isinstance(error, CliError):
        return error.exit_code
    return next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), None)


def one_line(error: Exception) -> str:
    """Returns the error message on one line, safe to print."""
    return escape(redact(str(error))).replace("\n", " ")
