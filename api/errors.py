"""The errors of the ways in, and the one table from any error class to HTTP status and code.

ApiError
├── SettingRefused        a setting is unknown, malformed or not allowed
├── PortTaken             the address cannot be listened on
├── RequestInvalid        a value in the request cannot be used
├── SourceMissing         no such source in the serving generation
├── FileMissing           no such file in the corpus
├── FileUnwritable        the corpus cannot be changed
├── JobUnknown            no such job
├── KeyReused             an idempotency key came with another request before
├── CollectionUnknown     another collection than the one served was asked for
├── ModelUnknown          no such model under the OpenAI-compatible routes
├── IndexBuilding         nothing serves yet, but the first index is under way
├── ClientLeft            nobody waits for the answer any more
├── BodyTooLarge          the request's body exceeds `max_body_bytes`
├── BodyTooSlow           the request's body comes too slowly
├── HeadersTooLarge       what comes before the request's body is too long
├── RequestMalformed      what came is no HTTP request
├── MediaTypeUnsupported  a body that does not say it is JSON
├── CodingUnsupported     a body that is compressed
├── Unauthenticated       no key was given where one is needed, or one that opens nothing
├── Forbidden             the key is valid but lacks the right
├── LinkRefused           a signed link was altered, has expired or is of another page
├── HostUnknown           the request came by a name that is not ours
├── OriginRefused         the request came from a page that may not ask
├── RateExceeded          the caller has asked too often
├── RouteUnknown          nothing is declared at this path
├── MethodUnknown         nothing is declared at this path for this method
├── KeyUnknown            no key has this id
├── KeyMalformed          a given key is not one that `footnote keys create` made
└── StateUnreadable       `state.sqlite3`, and so keys, jobs and feedback, cannot be used

What answering and the index raise is in `rag/errors.py` and `index/errors.py`.
"""

from dataclasses import dataclass

from index.errors import (
    EmbedderMismatch,
    EmbedderUnavailable,
    GenerationDamaged,
    GenerationMissing,
    IndexingError,
)
from rag.errors import (
    AnswerError,
    CitationBroken,
    ModelMisbehaved,
    ModelUnavailable,
    Overloaded,
    Stopping,
)


class ApiError(Exception):
    """Whatever a way in refuses or cannot do by itself."""


class SettingRefused(ApiError):
    """A setting is unknown, malformed or not allowed."""

    def __init__(self, name: str, cause: str) -> None:
        """Names the setting; `cause` must not hold a secret."""
        super().__init__(f"setting {name}: {cause}")
        self.name, self.cause = name, cause


class PortTaken(ApiError):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, cause: str) -> None:
        """Names the address and the way out."""
        super().__init__(f"cannot listen on {host}:{port} ({cause}): choose another with --port")
        self.host, self.port = host, port


class RequestInvalid(ApiError):
    """A value in the request cannot be used."""

    def __init__(self, field: str, cause: str) -> None:
        """Names the field."""
        super().__init__(f"{field}: {cause}")
        self.field, self.cause = field, cause


class SourceMissing(ApiError):
    """No such source in the serving generation."""

    def __init__(self, source_id: str) -> None:
        """Names the id, cut short."""
        super().__init__(f"no source {source_id[:64]!r}; GET /v1/sources lists them")


class CollectionUnknown(ApiError):
    """Another collection than the one served was asked for."""

    def __init__(self, collection: str) -> None:
        """Names the collection, cut short."""
        super().__init__(f"no collection {collection[:64]!r}")


class ModelUnknown(ApiError):
    """No such model under the OpenAI-compatible routes."""

    def __init__(self, model: str) -> None:
        """Names the model, cut short."""
        super().__init__(f"no model {model[:64]!r}; GET /v1/models lists them")


class FileMissing(ApiError):
    """No such file in the corpus."""

    def __init__(self, path: str) -> None:
        """Names the path, cut short."""
        super().__init__(f"no file {path[:200]!r}")


class FileUnwritable(ApiError):
    """The corpus cannot be changed: a full disk, no permission."""

    def __init__(self, cause: OSError) -> None:
        """Keeps the system's reason for the log, without the path: clients name files."""
        super().__init__(f"the corpus cannot be changed: {cause.strerror or type(cause).__name__}")


class JobUnknown(ApiError):
    """No such job, or none any more."""

    def __init__(self, job_id: str) -> None:
        """Names the id, cut short."""
        super().__init__(f"no job {job_id[:64]!r}; an ended one is forgotten after a week")


class KeyReused(ApiError):
    """An idempotency key came with another request before."""

    def __init__(self) -> None:
        """Says what a key is for."""
        super().__init__("this Idempotency-Key came with another request; use a new one")


class IndexBuilding(ApiError):
    """Nothing serves yet, but the first index is under way."""

    def __init__(self) -> None:
        """Says when to come back."""
        super().__init__("the index is not ready yet; /readyz tells how far it is")
        self.retry_after_s = 2.0


class ClientLeft(ApiError):
    """Nobody waits for the answer any more."""


class BodyTooLarge(ApiError):
    """The request's body exceeds `max_body_bytes`."""

    def __init__(self, limit: int) -> None:
        """Names the limit."""
        super().__init__(f"the request's body exceeds {limit:,} bytes")


class BodyTooSlow(ApiError):
    """The request's body comes too slowly; the connection ends with the answer."""

    def __init__(self) -> None:
        """Says no more: how slow is in the reference."""
        super().__init__("the request's body comes too slowly")
        self.headers = {"connection": "close"}


class HeadersTooLarge(ApiError):
    """What comes before the request's body is too long."""

    def __init__(self, limit: int) -> None:
        """Names the limit."""
        super().__init__(f"the request's headers exceed {limit:,} bytes")


class RequestMalformed(ApiError):
    """What came is no HTTP request."""

    def __init__(self) -> None:
        """Names what it is about, as nothing of it could be read."""
        super().__init__("this is no HTTP/1.1 request that can be read, or its URL is too long")


class MediaTypeUnsupported(ApiError):
    """A body that does not say it is JSON."""

    def __init__(self, given: str) -> None:
        """Names what was given, cut short."""
        said = f"not {given[:80]!r}" if given else "none was given"
        super().__init__(f"Content-Type must be application/json ({said})")


class CodingUnsupported(ApiError):
    """A body that is compressed; RFC 9110 wants the codings that are taken beside the 415."""

    def __init__(self, given: str) -> None:
        """Names the coding, cut short."""
        super().__init__(f"send the body as it is, without Content-Encoding (not {given[:80]!r})")
        self.headers = {"accept-encoding": "identity"}


class Unauthenticated(ApiError):
    """No key was given where one is needed, or one that opens nothing (any more)."""

    def __init__(self, *, given: bool) -> None:
        """Says no more of a key than that it does not open anything."""
        cause = "this key opens nothing (any more)" if given else "a key is needed"
        super().__init__(f"{cause}: send Authorization: Bearer KEY")
        self.headers = {"www-authenticate": "Bearer"}


class Forbidden(ApiError):
    """Who calls is known, but lacks the right."""


class LinkRefused(ApiError):
    """A signed link was altered, has expired or is of another page."""


class HostUnknown(ApiError):
    """The request came by a name that is not ours."""

    def __init__(self, host: str) -> None:
        """Names the host, cut short, and the setting."""
        super().__init__(
            f"{host[:100]!r} is not a name of this service; see FOOTNOTE_ALLOWED_HOSTS"
        )


class OriginRefused(ApiError):
    """The request came from a page that may not ask."""

    def __init__(self, origin: str) -> None:
        """Names the origin, cut short, and the setting."""
        super().__init__(f"pages of {origin[:100]!r} may not ask; see FOOTNOTE_WIDGET_ORIGINS")


class RateExceeded(ApiError):
    """The caller has asked too often."""

    def __init__(self, wait_s: int, headers: dict[str, str]) -> None:
        """Says when to come back; `headers` tell the limit."""
        super().__init__(f"too many requests; come back in {wait_s} s")
        self.retry_after_s, self.headers = wait_s, headers


class RouteUnknown(ApiError):
    """Nothing is declared at this path."""

    def __init__(self) -> None:
        super().__init__("Not Found")


class MethodUnknown(ApiError):
    """Nothing is declared at this path for this method."""

    def __init__(self, allowed: list[str]) -> None:
        """Names the methods that are."""
        super().__init__("Method Not Allowed")
        self.headers = {"allow": ", ".join(allowed)}


class KeyUnknown(ApiError):
    """No key has this id."""

    def __init__(self, key_id: str) -> None:
        """Names the id, cut short: somebody may have pasted a whole key."""
        super().__init__(f"no key has the id {key_id[:8]!r}; footnote keys list shows them")


class KeyMalformed(ApiError):
    """A given key is not one that `footnote keys create` made, or another has its id."""

    def __init__(self) -> None:
        """Says nothing of the key."""
        super().__init__("this is no key that footnote keys create made, or another has its id")


class StateUnreadable(ApiError):
    """`state.sqlite3`, and so keys, jobs and feedback, cannot be read or written."""

    def __init__(self, cause: str) -> None:
        """Keeps the cause for the log."""
        super().__init__(f"state.sqlite3 cannot be used: {cause}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an error looks over HTTP."""

    status: int
    code: str
    retryable: bool
    detail: str


_TABLE: dict[type[Exception], tuple[int, str]] = {
    RequestInvalid: (422, "invalid_request"),
    SourceMissing: (404, "source_not_found"),
    FileMissing: (404, "file_not_found"),
    FileUnwritable: (503, "file_unwritable"),
    JobUnknown: (404, "job_not_found"),
    KeyReused: (409, "idempotency_key_reused"),
    CollectionUnknown: (404, "collection_not_found"),
    ModelUnknown: (404, "model_not_found"),
    IndexBuilding: (503, "index_building"),
    ClientLeft: (408, "client_left"),  # for the log alone
    BodyTooLarge: (413, "body_too_large"),
    BodyTooSlow: (408, "body_too_slow"),
    HeadersTooLarge: (431, "headers_too_large"),
    RequestMalformed: (400, "bad_request"),
    MediaTypeUnsupported: (415, "unsupported_media_type"),
    CodingUnsupported: (415, "unsupported_media_type"),
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    LinkRefused: (403, "link_refused"),
    HostUnknown: (421, "host_unknown"),
    OriginRefused: (403, "origin_refused"),
    RateExceeded: (429, "rate_limited"),
    RouteUnknown: (404, "not_found"),
    MethodUnknown: (405, "method_not_allowed"),
    StateUnreadable: (503, "state_unreadable"),
    GenerationMissing: (503, "index_missing"),
    GenerationDamaged: (503, "index_damaged"),
    EmbedderMismatch: (503, "embedder_mismatch"),
    EmbedderUnavailable: (503, "embedder_unavailable"),
    IndexingError: (503, "index_unavailable"),
    Overloaded: (503, "overloaded"),
    Stopping: (503, "stopping"),
    ModelUnavailable: (503, "model_unavailable"),
    ModelMisbehaved: (503, "model_misbehaved"),
    CitationBroken: (500, "internal"),
    AnswerError: (500, "internal"),
}

PLAIN_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}
"""Codes for the statuses that the framework itself answers with."""

INVALID = Verdict(422, "invalid_request", False, "the request does not have the right shape")
UNFORESEEN = Verdict(500, "internal", False, "something went wrong here; the log knows more")

_WORDS = {
    "internal": UNFORESEEN.detail,
    "index_damaged": "the index is damaged; the log says how",
    "index_unavailable": "the index cannot be used; the log says why",
    "file_unwritable": "the file cannot be written; the log says why",
    "state_unreadable": "keys, jobs and feedback cannot be read or kept; the log says why",
    "embedder_unavailable": "the embedding model cannot be used; the log says why",
    "model_unavailable": "the language model cannot be reached or is too slow; the log says why",
    "model_misbehaved": "the language model's answer was unusable; the log says why",
}
"""What clients read where the error's own words may name paths, hosts or an upstream's text."""


def verdict(error: Exception) -> Verdict:
    """Returns how `error` looks over HTTP: its nearest class in the table, or a bare 500."""
    for cls in type(error).__mro__:
        if cls in _TABLE:
            status, code = _TABLE[cls]
            return Verdict(status, code, status == 503, _WORDS.get(code) or str(error))
    return UNFORESEEN


def codes() -> dict[str, int]:
    """Returns every `code` an answer can carry, with its status; `api/README.md` has the table."""
    table = {code: status for status, code in _TABLE.values()}
    return table | {code: status for status, code in PLAIN_CODES.items()}
