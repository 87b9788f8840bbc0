"""`footnote ask` and `footnote search`: a cited answer, and the passages nearest to a query.

The local index answers, or with `--url` a running service. `ask` exits with 6 when it refuses.
"""

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...exit_codes import NOT_ANSWERED, OK, CliError
from .. import client, options
from .text import HIT_CHARS, format_answer, format_passage

if TYPE_CHECKING:
    from ...wire.schemas import Filters


def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    url: options.Url = None,
    key: options.Key = None,
    top_k: options.TopK = 5,
    source: options.Source = None,
    tag: options.Tag = None,
    since: options.Since = None,
    until: options.Until = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
) -> int:
    """Answer a question and cite the sources of each sentence."""
    if not question.strip():
        raise CliError("the question is empty")
    filters = options.filters(source, tag, since, until)
    if url:
        body = {"question": question, **_query(top_k, collection, filters)}
        answer = client.post(url, "/v1/answers", body, key=key)
    else:
        from rag.types import Ask

        from ...bootstrap import link_signer
        from ...wire import serializers

        settings = options.load_settings(collection=collection, data_dir=data_dir, llm__model=model)
        result = client.answer_locally(
            settings, Ask(question, top_k=top_k, filters=filters.to_index())
        )
        wire = serializers.answer(result, link_signer(settings), include_passages=True)
        answer = wire.model_dump(mode="json")
    if json:
        options.print_json(answer)
    else:
        typer.echo(format_answer(answer, width=_terminal_width()))
    return OK if answer["answered"] else NOT_ANSWERED


def search(
    query: Annotated[str, typer.Argument(help="Words or a question.")],
    url: options.Url = None,
    key: options.Key = None,
    top_k: options.TopK = 5,
    source: options.Source = None,
    tag: options.Tag = None,
    since: options.Since = None,
    until: options.Until = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Find the passages nearest to a query, best first."""
    if not query.strip():
        raise CliError("the query is empty")
    filters = options.filters(source, tag, since, until)
    if url:
        body = {"query": query, **_query(top_k, collection, filters)}
        results = client.post(url, "/v1/search", body, key=key)
    else:
        from ...bootstrap import link_signer
        from ...wire import serializers
        from ...wire.schemas import HitsBody

        settings = options.load_settings(collection=collection, data_dir=data_dir)
        with client.open_index(settings) as (components, generation):
            hits = components.pipeline.search(
                generation, query, top_k=top_k, filters=filters.to_index()
            )
            signer = link_signer(settings)
            passages = [serializers.passage(hit, signer) for hit in hits]
            wire = HitsBody(hits=passages, index=serializers.index(generation.info))
        results = wire.model_dump(mode="json")
    if json:
        options.print_json(results)
    else:
        blocks = [format_passage(hit, HIT_CHARS, _terminal_width()) for hit in results["hits"]]
        typer.echo("\n\n".join(blocks) or "No passage was found.")
    return OK


def _query(top_k: int, collection: str | None, filters: "Filters") -> dict[str, Any]:
    wire_filters = filters.model_dump(mode="json")
    return {"top_k": top_k, "collection": collection, "filters": wire_filters}


def _terminal_width() -> int | None:
    return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
