"""Optional reranking of the hits by an endpoint's cross-encoder.

`POST {base_url}/rerank` with `{model, query, documents, top_n}` returns `{results: [{index,
relevance_score}]}`: Cohere's API, also of Jina, vLLM, llama.cpp and LiteLLM. Only the order is
used, since the scores have no common scale. If the request fails, the order stays as it is.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from index.redact import register_secrets, register_url

from ..types import Hit

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("footnote.rerank")

CANDIDATES = 20
"""How many hits are reranked."""
TIMEOUT_S = 5.0
"""Timeout of a reranking request; after it the order stays."""
MAX_BYTES = 1_000_000
_MALFORMED = (ValueError, TypeError, LookupError, OverflowError, RecursionError)
"""Raised when reading JSON of an unexpected shape."""


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """The endpoint, and how many hits are sent to it."""

    base_url: str
    model: str | None
    api_key: str | None
    candidates: int = CANDIDATES
    timeout_s: float = TIMEOUT_S


class RerankUnavailable(Exception):
    """The endpoint returned no order; the message never contains what was sent."""


class EndpointReranker:
    """Reranks hits by an endpoint; safe to use from several threads."""

    def __init__(self, settings: RerankSettings) -> None:
        """Connects at the first question."""
        import httpx

        register_secrets([settings.api_key])
        register_url(settings.base_url)
        self.candidates = settings.candidates
        self._model, self._timeout_s = settings.model, settings.timeout_s
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._url = f"{settings.base_url.rstrip('/')}/rerank"
        self._client = httpx.Client(headers=headers, timeout=settings.timeout_s)

    def __call__(self, question: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Returns the hits in the endpoint's order, with the same scores, best first."""
        if len(hits) < 2:
            return tuple(hits)
        try:
            order = self._order(question, hits)
        except RerankUnavailable as error:
            log.warning("the reranker failed, so the order stays: %s", error)
            return tuple(hits)
        return tuple(
            replace(hits[place], rank=rank, score=hits[rank - 1].score)
            for rank, place in enumerate(order, start=1)
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _order(self, question: str, hits: Sequence[Hit]) -> list[int]:
        import httpx

        body = {
            "query": question,
            "documents": [f"{hit.source.title}\n{hit.text}" for hit in hits],
            "top_n": len(hits),
            **({"model": self._model} if self._model else {}),
        }
        try:
            with self._client.stream("POST", self._url, json=body) as response:
                data = self._read(response)
            results = json.loads(data)["results"]
            scored = [(float(one["relevance_score"]), int(one["index"])) for one in results]
        except (httpx.HTTPError, *_MALFORMED) as error:
            raise RerankUnavailable(type(error).__name__) from error
        order = [place for _, place in sorted(scored, key=lambda pair: -pair[0])]
        if sorted(order) != list(range(len(hits))):
            raise RerankUnavailable("its results do not match the documents sent")
        return order

    def _read(self, response: "httpx.Response") -> bytes:
        """Returns the body, within the limits of size and total time."""
        ends_at = time.monotonic() + self._timeout_s
        if response.status_code != 200:
            raise RerankUnavailable(f"status {response.status_code}")
        data = b""
        for part in response.iter_bytes():
            data += part
            if len(data) > MAX_BYTES or time.monotonic() > ends_at:
                raise RerankUnavailable(f"over {MAX_BYTES} bytes or {self._timeout_s:g} s")
        return data
