"""An optional second opinion on the order of the hits, from an endpoint's cross-encoder.

`POST {base_url}/rerank` with `{model, query, documents, top_n}` gives `{results: [{index,
relevance_score}]}`: Cohere's shape, which Jina, vLLM, llama.cpp and LiteLLM speak too. Only its
order is used, since its scores have no common scale. Where it fails the order stays as it was:
nothing that is optional may cost an answer.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..types import Hit

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("footnote.rerank")

CANDIDATES = 20
"""How many hits are reranked."""
TIMEOUT_S = 5.0
"""Timeout of a reranking request; after it the order stays."""
MAX_BYTES = 1_000_000
_ODD = (ValueError, TypeError, LookupError, OverflowError, RecursionError)
"""What reading JSON of another shape raises."""


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """Where to ask; `candidates` is how many hits are sent."""

    base_url: str
    model: str | None
    api_key: str | None
    candidates: int = CANDIDATES
    timeout_s: float = TIMEOUT_S


class RerankUnavailable(Exception):
    """The endpoint gave no order; the message never holds what it was sent."""


class EndpointReranker:
    """Asks an endpoint for the order of hits; safe to use from several threads."""

    def __init__(self, settings: RerankSettings) -> None:
        """Connects at the first question."""
        import httpx

        self.candidates = settings.candidates
        self._model, self._timeout_s = settings.model, settings.timeout_s
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._url = f"{settings.base_url.rstrip('/')}/rerank"
        self._client = httpx.Client(headers=headers, timeout=settings.timeout_s)

    def __call__(self, question: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Returns the hits in the endpoint's order, or in their own where it fails."""
        if len(hits) < 2:
            return tuple(hits)
        try:
            order = self._order(question, hits)
        except RerankUnavailable as error:
            log.warning("the reranker failed, so the order stays: %s", error)
            return tuple(hits)
        return reorder(hits, order)

    def close(self) -> None:
        """Gives up the connections."""
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
        except (httpx.HTTPError, *_ODD) as error:
            raise RerankUnavailable(type(error).__name__) from error
        places = [place for _, place in sorted(scored, key=lambda pair: -pair[0])]
        if sorted(places) != list(range(len(hits))):
            raise RerankUnavailable("its results are not the documents it was sent")
        return places

    def _read(self, response: "httpx.Response") -> bytes:
        """Returns the body; raises RerankUnavailable for another status, too much, too long."""
        ends = time.monotonic() + self._timeout_s
        if response.status_code != 200:
            raise RerankUnavailable(f"status {response.status_code}")
        data = b""
        for part in response.iter_bytes():
            data += part
            if len(data) > MAX_BYTES or time.monotonic() > ends:
                raise RerankUnavailable("its reply is too long, or takes too long")
        return data


def reorder(hits: Sequence[Hit], order: Sequence[int]) -> tuple[Hit, ...]:
    """Returns the hits in this order of places, with the same scores dealt out best first."""
    scores = [hit.score for hit in hits]
    return tuple(
        replace(hits[place], rank=rank, score=scores[rank - 1])
        for rank, place in enumerate(order, start=1)
    )
