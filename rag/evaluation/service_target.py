"""A running service as the evaluation's target, over HTTP, with retries and backoff.

429 and 503 are retried after Retry-After; an unreachable service stops the run, which keeps its
samples; any other error status fails the one case.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from index.filters import normalize_path
from index.redact import check_url, register_secrets, register_url

from .cases import Case
from .errors import CaseFailed, TargetUnavailable
from .results import Response

if TYPE_CHECKING:
    import httpx

MAX_ATTEMPTS = 6
MAX_WAIT_S = 120.0
TIMEOUT_S, CONNECT_TIMEOUT_S = 180.0, 5.0
_FATAL = frozenset({401, 403, 404})
"""A wrong key or a wrong address: no case can succeed."""
_RETRYABLE = frozenset({429, 503})


class ServiceTarget:
    """A Footnote service at a URL."""

    def __init__(self, url: str, *, key: str | None, top_k: int) -> None:
        """Opens no connection yet; raises TargetUnavailable for a malformed URL."""
        register_url(url)
        register_secrets([key])
        try:
            check_url(url)
        except ValueError as error:
            raise TargetUnavailable(f"the service's address {error}") from None
        self._url, self._top_k = url.rstrip("/"), top_k
        self._host = urlsplit(url).netloc.rpartition("@")[2]
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._ids: dict[str, str] | None = None
        self._texts: dict[str, str] = {}
        self._readiness: dict[str, object] = {}

    async def connect(self) -> None:
        """Asks for the service's readiness; raises TargetUnavailable if it is not ready."""
        import httpx

        self._client = httpx.AsyncClient(
            headers=self._headers, timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        )
        try:
            ready = await self._json("GET", "/readyz")
        except CaseFailed as error:
            raise TargetUnavailable(str(error)) from error
        self._readiness = {key: ready.get(key) for key in ("generation", "complete", "answerer")}

    def describe(self) -> Mapping[str, object]:
        """Returns the host without credentials, and the service's index and answerer."""
        return {"target": "url", "url": self._host, "top_k": self._top_k, **self._readiness}

    async def ask(self, case: Case) -> Response:
        """Returns the service's answer."""
        body = {
            "question": case.question,
            "history": [{"role": t.role, "content": t.content} for t in case.history],
            "top_k": self._top_k,
        }
        answer = await self._json("POST", "/v1/answers", json=body)
        try:
            return Response.from_json(answer)
        except (KeyError, TypeError, AttributeError) as error:
            raise self._not_footnote() from error

    async def text(self, source: str) -> str | None:
        """Returns the source's text from the service."""
        if self._ids is None:
            self._ids = await self._source_ids()
        source_id = self._ids.get(source) or self._ids.get(normalize_path(source))
        if source_id is not None and source not in self._texts:
            response = await self._request("GET", f"/v1/sources/{source_id}/text")
            self._texts[source] = _decode_text(response)
        return self._texts.get(source)

    async def _source_ids(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        params: dict[str, str] = {}
        while True:
            page = await self._json("GET", "/v1/sources", params=params)
            ids |= {item["source"]: item["id"] for item in page["sources"]}
            if page["next_cursor"] is None:
                return {normalize_path(path): id_ for path, id_ in ids.items()} | ids
            params = {"cursor": page["next_cursor"]}

    async def _json(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        # Any: httpx's arguments in, unvalidated JSON out
        response = await self._request(method, path, **arguments)
        try:
            content = response.json()
        except ValueError as error:
            raise self._not_footnote() from error
        if not isinstance(content, dict):
            raise self._not_footnote()
        return content

    def _not_footnote(self) -> TargetUnavailable:
        return TargetUnavailable(f"the service at {self._host} is not Footnote")

    async def _request(self, method: str, path: str, **arguments: Any) -> "httpx.Response":
        """Returns a successful response; raises CaseFailed or TargetUnavailable otherwise."""
        import httpx

        cause = "no response"
        for attempt in range(MAX_ATTEMPTS):
            try:
                response = await self._client.request(method, self._url + path, **arguments)
            except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
                cause = str(error) or type(error).__name__
                if attempt:  # one retry, since the connection may have been stale
                    break
                continue
            if response.is_success:
                return response
            cause = _error_detail(response)
            if response.status_code in _FATAL:
                raise TargetUnavailable(f"{self._host}: {cause}")
            if response.status_code not in _RETRYABLE:
                raise CaseFailed(f"{self._host}: {cause}")
            await asyncio.sleep(_wait_s(response, attempt))
        raise TargetUnavailable(f"no service responds at {self._host}: {cause}")

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _error_detail(response: "httpx.Response") -> str:
    try:
        detail = response.json().get("detail")
    except (ValueError, AttributeError):
        detail = None
    return f"{detail or response.reason_phrase} (status {response.status_code})"


def _wait_s(response: "httpx.Response", attempt: int) -> float:
    try:
        wait_s = float(response.headers.get("retry-after", ""))
    except ValueError:
        wait_s = 0.5 * 2**attempt
    return min(max(wait_s, 0.05), MAX_WAIT_S)


def _decode_text(response: "httpx.Response") -> str:
    if response.headers.get("content-type", "").startswith("application/json"):
        return str(response.json()["text"])
    return response.content.decode("utf-8")
