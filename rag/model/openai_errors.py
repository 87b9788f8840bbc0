"""What the openai client raises of a faulty upstream → what becomes of it.

Is it to be tried again, and when; does the endpoint refuse a parameter that can be left out; and
the error for people, which names the host and the status, never the key or the texts.
"""

import math
import re
from typing import TYPE_CHECKING

from ..errors import AnswerError, ModelMisbehaved, ModelUnavailable
from .deadlines import retry_after_s

if TYPE_CHECKING:
    from openai import APIStatusError

BACKOFF_S = (0.25, 0.75)
"""Waits before the second and the third try, when the endpoint names none."""

_PASSING = frozenset({408, 409, 429})
_OPTIONAL = ("max_completion_tokens", "max_tokens", "temperature", "stream_options")


def faults() -> tuple[type[Exception], ...]:
    """Returns what the client raises of a faulty upstream; not all of it is its own."""
    import httpx2
    import openai

    return (openai.OpenAIError, httpx2.HTTPError, ValueError, RecursionError)


def refused_parameter(error: Exception) -> str | None:
    """Returns the optional parameter the endpoint objects to, the one it names first, or None."""
    from openai import APIStatusError

    if not isinstance(error, APIStatusError) or error.status_code not in (400, 422):
        return None
    if error.param in _OPTIONAL:
        return error.param
    said = f"{error.message} {error.body}"
    named = [name for name in _OPTIONAL if name in said]
    return min(named, key=said.index, default=None)


def retry_wait_s(error: Exception, backoff_s: float | None) -> float:
    """Returns the seconds until another try makes sense; infinite when it makes none."""
    from openai import APIError, APIStatusError

    if backoff_s is None or not isinstance(error, APIError):
        return math.inf
    if not isinstance(error, APIStatusError):
        return backoff_s
    if error.status_code < 500 and error.status_code not in _PASSING:
        return math.inf
    return max(backoff_s, retry_after_s(error.response.headers.get("retry-after", "")))


def failure(error: Exception, *, host: str, model: str) -> AnswerError:
    """Returns the error for people: names the host and the status, never the key or the texts."""
    from openai import APIConnectionError, APIError, APIStatusError

    where = f"the model's endpoint {host}"
    if isinstance(error, APIStatusError):
        return _refusal(error, where=where, model=model)
    if isinstance(error, APIConnectionError):
        return ModelUnavailable(f"{where} cannot be reached, or broke the connection off")
    if isinstance(error, APIError):
        return ModelUnavailable(f"{where} reported an error in mid-answer{_code(error.code)}")
    if isinstance(error, UnicodeEncodeError):
        return ModelUnavailable(f"{where}: its key or a message cannot be encoded")
    if isinstance(error, (ValueError, RecursionError)):
        return ModelMisbehaved(f"{where} sent something that is not JSON")
    return ModelUnavailable(f"{where} failed ({type(error).__name__})")


def _refusal(error: "APIStatusError", *, where: str, model: str) -> ModelUnavailable:
    status = error.status_code
    says = {
        401: "does not accept the key",
        403: "does not let this key use the model",
        404: f"knows no model {model!r}, or the base URL is wrong",
        429: "has had too many requests",
    }.get(status, "refused the request" if status < 500 else "failed")
    if 300 <= status < 400:
        says = "redirects elsewhere, which is not followed; set the base URL to the final address"
    wait_s = retry_after_s(error.response.headers.get("retry-after", ""))
    again = f"; it asks to wait {wait_s:.0f} s" if wait_s else ""
    refusal = ModelUnavailable(f"{where} {says} (status {status}{_code(error.code)}){again}")
    refusal.retryable = status >= 500 or status in _PASSING
    refusal.retry_after_s = wait_s or None
    return refusal


def _code(code: str | None) -> str:
    return f", {code}" if code and re.fullmatch(r"[A-Za-z][A-Za-z_]{1,40}", code) else ""
