"""The answering errors; each says whether a retry makes sense.

AnswerError
├── ModelUnavailable    the model's endpoint failed, refused or was too slow  (retryable)
├── ModelMisbehaved     the model's endpoint answered with something unusable (retryable)
├── Overloaded          too many answers are under way                       (retryable)
├── Stopping            who answers is being stopped                         (retryable)
└── CitationBroken      a quote is not what its source says: a bug, never shown (not retryable)
"""

from index.redact import redact


class AnswerError(Exception):
    """Whatever can go wrong between a question and an answer; the message is redacted."""

    retryable = False

    def __str__(self) -> str:
        return redact(super().__str__())


class ModelUnavailable(AnswerError):
    """The model's endpoint failed, refused or was too slow.

    `retry_after_s`: after how many seconds the endpoint itself said that a retry makes sense.
    """

    retryable = True
    retry_after_s: float | None = None


class ModelMisbehaved(AnswerError):
    """The model's endpoint answered with something that cannot be an answer."""

    retryable = True


class Overloaded(AnswerError):
    """Too many answers are under way."""

    retryable = True

    def __init__(self, retry_after_s: float) -> None:
        """Says after how many seconds a retry makes sense."""
        super().__init__(f"too many answers are under way; retry in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class Stopping(AnswerError):
    """Who answers is being stopped, and the answer was not made in time."""

    retryable = True

    retry_after_s = 2.0

    def __init__(self) -> None:
        """Says that another may answer."""
        super().__init__("the service is being stopped; ask again")


class CitationBroken(AnswerError):
    """A quote is not what its source says at its offsets."""
