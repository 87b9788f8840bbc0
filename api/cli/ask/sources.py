"""Where `ask` and `search` get their answers: the local index, kept open, or a running service."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ...wire.escape import pluralize
from .. import client
from .terminal import Link

if TYPE_CHECKING:
    from ...settings import Settings
    from ...wire.schemas import Filters

Json = dict[str, Any]
"""An answer or a list of passages as `/v1/answers` and `/v1/search` return it."""
History = Sequence[dict[str, str]]
"""`role` and `content` of each message before the question, oldest first."""


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """What answers a question, given the conversation before it."""

    answer: Callable[[str, History], Json]
    find_link: Link
    description: str


@contextmanager
def open_local(settings: "Settings", *, top_k: int, filters: "Filters") -> Iterator[AnswerSource]:
    """Yields the local index; raises IndexingError if there is none."""
    from rag.types import Ask, Turn

    from ...bootstrap import link_signer
    from ...wire import schemas, serializers

    signer, index_filters = link_signer(settings), filters.to_index()
    with client.open_index(settings) as (components, generation), asyncio.Runner() as runner:

        def answer(question: str, history: History) -> Json:
            messages = [schemas.Turn.model_validate(message) for message in history]
            turns = tuple(Turn(message.role, message.content) for message in messages)
            ask = Ask(question, turns, top_k=top_k, filters=index_filters)
            result = runner.run(components.pipeline.answer(generation, ask))
            wire = serializers.answer(result, signer, include_passages=True)
            return wire.model_dump(mode="json")

        info, corpus = generation.info, Path(generation.manifest.corpus)
        description = f"{pluralize(info.sources, 'article')} of {info.collection}"
        try:
            yield AnswerSource(answer, file_link(corpus), description)
        finally:
            runner.run(components.pipeline.close())


def remote(
    url: str, *, key: str | None, top_k: int, collection: str | None, filters: "Filters"
) -> AnswerSource:
    """Returns a running service as the source of answers, each of which may raise CliError."""
    query = {
        "top_k": top_k,
        "collection": collection,
        "filters": filters.model_dump(mode="json"),
    }

    def answer(question: str, history: History) -> Json:
        body = {"question": question, "history": list(history), **query}
        return client.post(url, "/v1/answers", body, key=key)

    return AnswerSource(answer, view_link(url), "the articles of this service")


def view_link(url: str) -> Link:
    """Returns what finds the views of passages in a running service: their signed links."""

    def find(target: Json) -> str | None:
        link = urljoin(url, str(target.get("url") or ""))
        return link if link.startswith(("http://", "https://")) and target.get("url") else None

    return find


def file_link(corpus: Path) -> Link:
    """Returns what finds the files of passages of the local index."""

    def find(target: Json) -> str | None:
        path = corpus / str(target["source"])
        return path.as_uri() if path.is_absolute() and path.is_file() else None

    return find
