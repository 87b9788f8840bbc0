"""Errors of the openai client → whether to retry, what to leave out, and the error to report.

Messages name the host and the status, never the key or the texts. The retry loop is our own: it
adapts refused parameters, keeps to a total deadline and ends with the first token.
"""

import math
import re
from typing import TYPE_CHECKING

from ..errors import AnswerError, ModelMisbehaved, ModelUnavailable
from .deadlines import parse_retry_after

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

BACKOFF_S = (0.25, 0.75)
"""Waits before the second and the third attempt, without a longer Retry-After."""

_RETRYABLE_STATUS = frozenset({408, 409, 429})
_OPTIONAL_PARAMETERS = ("max_completion_tokens", "max_tokens", "temperature", "stream_options")


def client_errors() -> tuple[type[Exception], ...]:
    """Returns what the client raises for a faulty endpoint; not all of it is its own."""
    import httpx2
    import openai

    return (openai.OpenAIError, httpx2.HTTPError, ValueError, RecursionError)


def refused_parameter(error: Exception) -> str | None:
    """Returns the optional parameter that the endpoint rejects, the first it names, or None."""
    from openai import APIStatusError

    if not isinstance(error, APIStatusError) or error.status_code not in (400, 422):
        return None
    if error.param in _OPTIONAL_PARAMETERS:
        return error.param
    text = f"{error.message} {error.body}"
    named = [name for name in _OPTIONAL_PARAMETERS if name in text]
    return min(named, key=text.index, default=None)


def retry_wait_s(error: Exception, backoff_s: float | None) -> float:
    """Returns the seconds to wait before a retry; infinite if there should be none."""
    from openai import APIError, APIStatusError

    if backoff_s is None or not isinstance(error, APIError):
        return math.inf
    if not isinstance(error, APIStatusError):
        return backoff_s
    return max(backoff_s, _retry_after_s(error)) if _is_retryable(error) else math.inf


def to_answer_error(error: Exception, *, host: str, model: str) -> AnswerError:
    """Returns the error to report."""
    from openai import APIConnectionError, APIError, APIStatusError

    endpoint = f"the model's endpoint {host}"
    if isinstance(error, APIStatusError):
        return _status_error(error, endpoint=endpoint, model=model)
    if isinstance(error, APIConnectionError):
        return ModelUnavailable(f"{endpoint} is unreachable or closed the connection")
    if isinstance(error, APIError):
        return ModelUnavailable(f"{endpoint} reported an error within the answer{_code(error)}")
    if isinstance(error, UnicodeEncodeError):
        return ModelUnavailable(f"{endpoint}: its key or a message cannot be encoded")
    if isinstance(error, (ValueError, RecursionError)):
        return ModelMisbehaved(f"{endpoint} sent invalid JSON")
    return ModelUnavailable(f"{endpoint} failed ({type(error).__name__})")


def _status_error(error: "APIStatusError", *, endpoint: str, model: str) -> ModelUnavailable:
    status, wait_s = error.status_code, _retry_after_s(error)
    event = {
        401: "does not accept the key",
        403: "does not let this key use the model",
        404: f"has no model {model!r}, or the base URL is wrong",
        429: "received too many requests",
    }.get(status, "rejected the request" if status < 500 else "failed")
    if 300 <= status < 400:
        event = "redirects, which is not followed; set the base URL to the final address"
    retry = f"; it asks to wait {wait_s:.0f} s" if wait_s else ""
    reported = ModelUnavailable(f"{endpoint} {event} (status {status}{_code(error)}){retry}")
    reported.retryable, reported.retry_after_s = _is_retryable(error), wait_s or None
    return reported


def _is_retryable(error: "APIStatusError") -> bool:
    return error.status_code >= 500 or error.status_code in _RETRYABLE_STATUS


def _retry_after_s(error: "APIStatusError") -> float:
    return parse_retry_after(error.response.headers.get("retry-after", ""))


def _code(error: "APIError") -> str:
    """The error's code, if it is a word: anything else might repeat what was sent."""
    return f", {error.code}" if re.fullmatch(r"[A-Za-z][A-Za-z_]{1,40}", error.code or "") else ""
