"""A running service as the evaluation's target: asked over HTTP, its limits honoured.

429 and a passing 503 are waited out; what no longer answers stops the run, which keeps its
samples; any other refusal fails the one case.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..cases import Case
from ..errors import CaseFailed, TargetUnavailable
from ..results import Response, from_wire

if TYPE_CHECKING:
    import httpx

TRIES = 6
LONGEST_WAIT_S = 120.0
TIMEOUT_S = 180.0
_REFUSED = frozenset({401, 403, 404})
"""What no case will get past: a wrong key, a wrong address."""


class UrlTarget:
    """A Footnote service at a URL."""

    def __init__(self, url: str, *, key: str | None, top_k: int) -> None:
        """Connects to nothing yet."""
        self._url, self._top_k = url.rstrip("/"), top_k
        self._host = urlsplit(url).netloc.rpartition("@")[2]
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._ids: dict[str, str] | None = None
        self._texts: dict[str, str] = {}
        self._about: dict[str, object] = {}

    async def connect(self) -> None:
        """Looks who is there; raises TargetUnavailable where no ready service is."""
        import httpx

        self._client = httpx.AsyncClient(
            headers=self._headers, timeout=httpx.Timeout(TIMEOUT_S, connect=5)
        )
        try:
            ready = await self._json("GET", "/readyz")
        except CaseFailed as error:
            raise TargetUnavailable(str(error)) from error
        self._about = {name: ready.get(name) for name in ("generation", "complete", "answerer")}

    def described(self) -> Mapping[str, object]:
        """Returns the address without its password, and what the service says of itself."""
        return {"target": "url", "url": self._host, "top_k": self._top_k, **self._about}

    async def ask(self, case: Case) -> Response:
        """Returns the service's answer."""
        body = {
            "question": case.question,
            "history": [{"role": t.role, "content": t.content} for t in case.history],
            "top_k": self._top_k,
        }
        answer = await self._json("POST", "/v1/answers", body)
        try:
            return from_wire(answer)
        except (KeyError, TypeError, AttributeError) as error:
            raise TargetUnavailable(f"what answers at {self._host} is not Footnote") from error

    async def text(self, source: str) -> str | None:
        """Returns the source's text, as the service has it."""
        if self._ids is None:
            self._ids = await self._listed()
        source_id = self._ids.get(source)
        if source_id is not None and source not in self._texts:
            response = await self._response("GET", f"/v1/sources/{source_id}/text")
            self._texts[source] = _text_of(response)
        return self._texts.get(source)

    async def _listed(self) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor: str | None = None
        while True:
            page = await self._json(
                "GET", "/v1/sources", query={"cursor": cursor} if cursor else {}
            )
            found |= {item["source"]: item["id"] for item in page["sources"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # Any: JSON as it came
        response = await self._response(method, path, body, query=query)
        try:
            content = response.json()
        except ValueError as error:
            raise TargetUnavailable(f"what answers at {self._host} is not Footnote") from error
        if not isinstance(content, dict):
            raise TargetUnavailable(f"what answers at {self._host} is not Footnote")
        return content

    async def _response(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> "httpx.Response":
        """Returns a good response; raises CaseFailed or TargetUnavailable otherwise."""
        import httpx

        cause = "it answered nothing"
        for attempt in range(TRIES):
            try:
                response = await self._client.request(
                    method, self._url + path, json=body, params=query
                )
            except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
                cause = str(error) or type(error).__name__
                if attempt:  # one more try, for a connection that was merely stale
                    break
                continue
            if response.is_success:
                return response
            cause = _cause(response)
            if response.status_code in _REFUSED:
                raise TargetUnavailable(f"{self._host}: {cause}")
            if response.status_code not in (429, 503):
                raise CaseFailed(f"{self._host}: {cause}")
            await asyncio.sleep(_wait_s(response, attempt))
        raise TargetUnavailable(f"no service answers at {self._host}: {cause}")

    async def close(self) -> None:
        """Gives up the connections."""
        await self._client.aclose()


def _cause(response: "httpx.Response") -> str:
    try:
        said = response.json().get("detail")
    except (ValueError, AttributeError):
        said = None
    return f"{said or response.reason_phrase} (status {response.status_code})"


def _wait_s(response: "httpx.Response", attempt: int) -> float:
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked = 0.5 * 2**attempt
    return min(max(asked, 0.05), LONGEST_WAIT_S)


def _text_of(response: "httpx.Response") -> str:
    if response.headers.get("content-type", "").startswith("application/json"):
        return str(response.json()["text"])
    return response.content.decode("utf-8")
