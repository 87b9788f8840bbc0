"""Text for people and logs → the same text without the secrets that this process was given.

Any library may put an address or a header into its message, and an endpoint may send back what it
received. So what must not be shown is registered once, by the code that reads it, and `redact` is
applied where text leaves: log lines, messages of errors, crashes. It also cuts the user information
and the query of every URL. GitHub Actions (`add-mask`) and Airflow (`SecretsMasker`) do the same.
"""

import base64
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from types import TracebackType
from urllib.parse import parse_qsl, quote, unquote, urlsplit

OWN_LOGGER = "footnote"
MIN_SECRET_CHARS = 6
"""Shorter values are not replaced: they occur in ordinary text."""
REDACTED = "[redacted]"

_URL = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{1,30}:/{1,2})([^\s\"'<>\\]*)")
_secrets: set[str] = set()


def register_secrets(values: Iterable[str | None]) -> None:
    """Redacts these values from now on, also where they are percent-encoded."""
    for value in filter(None, values):
        for form in (value, unquote(value), quote(value, safe="")):
            if len(form) >= MIN_SECRET_CHARS:
                _secrets.add(form)


def register_url(url: str) -> None:
    """Redacts the user information and the query of a URL from now on."""
    address, _, query = url.partition("://")[2].partition("?")
    user_info = address.rpartition("@")[0]
    user, _, password = user_info.partition(":")
    basic = base64.b64encode(unquote(user_info).encode()).decode()  # as a header has it
    values = [value for _, value in parse_qsl(query)]
    register_secrets((user_info, password or user, basic, query, *values))


def check_url(url: str) -> None:
    """Raises ValueError, without the URL, if it is malformed: then a password may be anywhere."""
    try:
        parts = urlsplit(url)
        is_valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_valid = False
    if not is_valid or "@" in parts.path + parts.query or not url.isprintable() or " " in url:
        raise ValueError("must be a valid URL; percent-encode special characters in its password")


def redact(text: str) -> str:
    """Returns the text without registered secrets, and its URLs without user and query."""
    for secret in sorted(_secrets, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, REDACTED)
    return strip_urls(text)


def strip_urls(text: str) -> str:
    """Returns the text, its URLs without user information, query and fragment."""
    return _URL.sub(_bare_url, text) if ":/" in text else text


def _bare_url(match: re.Match[str]) -> str:
    address = re.split(r"[?#]", match[2], maxsplit=1)[0]
    authority, slash, path = address.partition("/")
    return f"{match[1]}{authority.rpartition('@')[2]}{slash}{path}"


class LibraryFilter(logging.Filter):
    """Passes this program's records, and of every other logger warnings and worse.

    A library's own level does not count: a variable such as `OPENAI_LOG` may set it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether to log the record."""
        is_own = record.name.partition(".")[0] == OWN_LOGGER
        return is_own or record.levelno >= logging.WARNING


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def log_to(handler: logging.Handler) -> None:
    """Makes `handler` the only one of the root logger: our records from INFO, others' warnings."""
    handler.addFilter(LibraryFilter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(OWN_LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(True)


def guard_stderr() -> None:
    """Redacts what this process itself writes to stderr: its log, and the traces of crashes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_RedactingFormatter("%(message)s"))
    handler.setLevel(logging.WARNING)
    log_to(handler)
    sys.excepthook = _print_crash
    threading.excepthook = lambda crash: _print_crash(
        crash.exc_type, crash.exc_value, crash.exc_traceback
    )


def _print_crash(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))
