"""The errors of this package, and the HTTP status and code of every error a client can see.

ApiError
├── SettingRefused, PortTaken, KeyInvalid
├── StreamUnread, an AnswerError
└── RequestError: a refused request, with a `code` of STATUS_BY_CODE and a message
    ├── RequestInvalid (ParameterUnsupported), NotFound (SourceNotFound)
    ├── BodyTooLarge, FileUnwritable
    ├── CorpusUnavailable, CorpusNotMarked, CorpusFull
    ├── UrlRefused, FetchFailed
    ├── OriginNotAllowed, LinkInvalid, RateLimitExceeded
    └── ClientDisconnected, IndexBuilding, StateUnreadable, SignInUnavailable

A refusal that nothing catches by its class is a plain RequestError with its code.
`index/errors.py` and `rag/errors.py` have the errors of indexing and answering.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from index.errors import (
    EmbedderMismatch,
    EmbedderUnavailable,
    GenerationDamaged,
    GenerationMissing,
    IndexingError,
    SharedUnavailable,
)
from index.redact import strip_urls
from rag.errors import (
    AnswerError,
    CitationBroken,
    ModelMisbehaved,
    ModelUnavailable,
    Overloaded,
    Stopping,
)

_CODES = {
    400: "bad_request unsupported_parameter",
    401: "unauthenticated",
    403: "forbidden link_refused origin_refused corpus_not_marked",
    404: "not_found source_not_found answer_not_found file_not_found job_not_found "
    "collection_not_found model_not_found feedback_not_found question_not_found key_not_found "
    "evaluation_not_found",
    405: "method_not_allowed",
    408: "body_too_slow client_left",  # client_left appears in the log only
    409: "idempotency_key_reused no_older_generation sync_running own_key evaluation_running",
    413: "body_too_large",
    415: "unsupported_media_type",
    421: "host_unknown",
    422: "invalid_request url_refused",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal",
    501: "extra_missing",
    502: "fetch_failed",
    503: "index_building index_missing index_damaged index_unavailable embedder_mismatch "
    "embedder_unavailable overloaded stopping model_unavailable model_misbehaved "
    "file_unwritable state_unreadable corpus_unavailable job_queue_full sign_in_unavailable "
    "shared_unavailable",
    507: "corpus_full",
}
STATUS_BY_CODE = {code: status for status, codes in _CODES.items() for code in codes.split()}
"""Every `code` of an error response; `api/README.md` lists them too."""

CODE_BY_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}
"""Codes for the statuses that FastAPI itself answers with."""


class StreamUnread(AnswerError):
    """The client does not read the stream of its answer, so that no more of it is made."""

    def __init__(self) -> None:
        super().__init__("the client reads its stream too slowly")


_CODE_BY_CLASS: dict[type[Exception], str] = {
    GenerationMissing: "index_missing",
    GenerationDamaged: "index_damaged",
    EmbedderMismatch: "embedder_mismatch",
    EmbedderUnavailable: "embedder_unavailable",
    SharedUnavailable: "shared_unavailable",
    IndexingError: "index_unavailable",
    Overloaded: "overloaded",
    Stopping: "stopping",
    ModelUnavailable: "model_unavailable",
    ModelMisbehaved: "model_misbehaved",
    CitationBroken: "internal",
    StreamUnread: "client_left",
}

_PUBLIC_DETAIL = {
    "internal": "internal error; see the server log",
    "index_damaged": "the index is damaged; see the server log",
    "index_unavailable": "the index cannot be used; see the server log",
    "shared_unavailable": "the store that machines share cannot be used; see the server log",
    "file_unwritable": "the file cannot be written; see the server log",
    "state_unreadable": "keys, jobs and feedback cannot be read or saved; see the server log",
    "embedder_unavailable": "the embedding model is not available; see the server log",
    "model_unavailable": "the language model is not available or too slow; see the server log",
    "model_misbehaved": "the language model sent an unusable answer; see the server log",
}
"""What clients read where an error's own message may hold paths, hosts or an upstream's text."""


class ApiError(Exception):
    """Base of the errors that this package raises."""


class SettingRefused(ApiError):
    """A setting is unknown, malformed or not allowed; `cause` must not contain a secret."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"setting {name}: {cause}")
        self.name, self.cause = name, cause


class PortTaken(ApiError):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, cause: str) -> None:
        super().__init__(f"cannot listen on {host}:{port} ({cause}): choose another with --port")


class KeyInvalid(ApiError):
    """An API key or key id is not valid; the message must not contain a whole key."""


class RequestError(ApiError):
    """A refused request: `code` decides the status; the message goes to the client."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.headers, self.retry_after_s = code, headers or {}, retry_after_s


class RequestInvalid(RequestError):
    """A value in the request is not allowed; `field` names it, such as `body.question`."""

    def __init__(self, field: str, cause: str) -> None:
        super().__init__("invalid_request", f"{field}: {cause}")
        self.field, self.cause = field, cause


class ParameterUnsupported(RequestInvalid):
    """An option asks for something that this service does not do."""

    def __init__(self, field: str, cause: str) -> None:
        super().__init__(field, cause)
        self.code = "unsupported_parameter"


Kind = Literal[
    "source",
    "answer",
    "file",
    "job",
    "collection",
    "model",
    "feedback",
    "question",
    "key",
    "evaluation",
]


class NotFound(RequestError):
    """No such source, answer, file, job, collection, model, or what else is kept by id."""

    def __init__(self, kind: Kind, name: str) -> None:
        hints = {
            "source": "; GET /v1/sources lists them",
            "answer": " of yours in the last 30 days; send the id as you received it",
            "model": "; GET /v1/models lists them",
            "job": "; finished jobs are deleted after a week",
            "question": "; what is not kept, or not any more, cannot be shown",
        }
        shortened = name[: 200 if kind == "file" else 64]
        super().__init__(f"{kind}_not_found", f"no {kind} {shortened!r}{hints.get(kind, '')}")


class SourceNotFound(NotFound):
    """No source of the serving generation has this id."""

    def __init__(self, source_id: str) -> None:
        super().__init__("source", source_id)


class BodyTooLarge(RequestError):
    """The request body exceeds `max_body_bytes`, or a file `max_file_bytes`."""

    def __init__(self, limit: int) -> None:
        super().__init__("body_too_large", f"the request body exceeds {limit:,} bytes")


class FileUnwritable(RequestError):
    """The corpus cannot be changed; the message omits the path, which the client chose."""

    def __init__(self, cause: OSError) -> None:
        reason = cause.strerror or type(cause).__name__
        super().__init__("file_unwritable", f"the corpus cannot be changed: {reason}")


class CorpusUnavailable(RequestError):
    """The corpus root is missing or not a folder; the message omits where it should be."""

    def __init__(self, collection: str) -> None:
        cause = "is missing or not a folder; correct FOOTNOTE_CORPUS and restart the service"
        super().__init__("corpus_unavailable", f"the corpus of collection {collection!r} {cause}")


class CorpusNotMarked(RequestError):
    """The corpus is not marked as one that HTTP clients may change."""

    def __init__(self, collection: str, mark: str) -> None:
        super().__init__(
            "corpus_not_marked",
            f"the corpus of collection {collection!r} is not marked for changes over HTTP: create "
            f"an empty file {mark} in it (`touch CORPUS/{mark}`), or set "
            "FOOTNOTE_ALLOW_UNMARKED_CORPORA=true",
        )


class CorpusFull(RequestError):
    """The corpus has no room for another file or for more bytes."""

    def __init__(self, collection: str, limit: str) -> None:
        cause = f"has room for {limit} at most; delete files or raise the limit"
        super().__init__("corpus_full", f"the corpus of collection {collection!r} {cause}")


class UrlRefused(RequestError):
    """A page may not be fetched, or its kind is not indexed."""

    def __init__(self, url: str, cause: str) -> None:
        super().__init__("url_refused", f"{strip_urls(url)[:300]}: {cause}")
        self.cause = cause


class FetchFailed(RequestError):
    """A page cannot be fetched now; what is in the corpus stays as it is."""

    def __init__(self, url: str, cause: str) -> None:
        super().__init__("fetch_failed", f"{strip_urls(url)[:300]}: {cause}")
        self.cause = cause


class OriginNotAllowed(RequestError):
    """The request comes from a web page whose origin is not allowed."""

    def __init__(self, origin: str) -> None:
        hint = "add it to FOOTNOTE_WIDGET_ORIGINS"
        super().__init__("origin_refused", f"origin {origin[:100]!r} is not allowed; {hint}")


class LinkInvalid(RequestError):
    """A signed link was altered, has expired or belongs to another page."""

    def __init__(self, message: str) -> None:
        super().__init__("link_refused", message)


class RateLimitExceeded(RequestError):
    """The caller sends too many requests; `headers` describe the limit."""

    def __init__(self, wait_s: int, headers: Mapping[str, str]) -> None:
        message = f"too many requests; retry in {wait_s} s"
        super().__init__("rate_limited", message, headers=headers, retry_after_s=wait_s)


class ClientDisconnected(RequestError):
    """The client closed the connection before its answer was ready."""

    def __init__(self) -> None:
        super().__init__("client_left", "the client disconnected")


class IndexBuilding(RequestError):
    """No generation serves yet, but the first one is being built."""

    def __init__(self) -> None:
        message = "the index is not ready yet; /readyz reports progress"
        super().__init__("index_building", message, retry_after_s=2.0)


class StateUnreadable(RequestError):
    """A database of the state cannot be read or written; `cause` goes to the log only."""

    def __init__(self, database: str, cause: str) -> None:
        super().__init__("state_unreadable", f"{database} cannot be used: {cause}")
        self.cause = cause


class SignInUnavailable(RequestError):
    """The sign-in provider's keys are needed, and cannot be fetched."""

    def __init__(self) -> None:
        message = "the sign-in provider cannot be reached; see the server log"
        super().__init__("sign_in_unavailable", message)


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What a client learns about an error."""

    status: int
    code: str
    retryable: bool
    detail: str


def error_info(error: Exception) -> ErrorInfo:
    """Returns the status, code and public message of an error; 500 `internal` if unknown."""
    if isinstance(error, RequestError):
        code = error.code
    else:
        classes = (cls for cls in type(error).__mro__ if cls in _CODE_BY_CLASS)
        code = next((_CODE_BY_CLASS[cls] for cls in classes), "internal")
    status = STATUS_BY_CODE[code]
    return ErrorInfo(status, code, status == 503, _PUBLIC_DETAIL.get(code) or str(error))
