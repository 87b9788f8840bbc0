"""`footnote ask` and `footnote search`: a cited answer, and the passages nearest to a query.

The local index answers, or with `--url` a running service. `ask` exits with 6 when it refuses.
"""

import shutil
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ...exit_codes import NOT_ANSWERED, OK, CliError
from .. import client, options
from .conversation import converse
from .sources import file_link, open_local, remote, view_link
from .terminal import Link, stdout_style
from .text import HIT_CHARS, format_answer, format_passage

MAX_STDIN_BYTES = 1_000_000


def ask(
    question: Annotated[
        str | None,
        typer.Argument(help="The question; - reads it from stdin, without one a conversation."),
    ] = None,
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
    text = _read_question(question, json=json)
    filters = options.filters(source, tag, since, until)
    with ExitStack() as stack:
        if url:
            answers = remote(url, key=key, top_k=top_k, collection=collection, filters=filters)
        else:
            settings = options.load_settings(
                collection=collection, data_dir=data_dir, llm__model=model
            )
            answers = stack.enter_context(open_local(settings, top_k=top_k, filters=filters))
        if text is None:
            converse(answers, partial(_format, answers.find_link))
            return OK
        answer = answers.answer(text, ())
    if json:
        options.print_json(answer)
    else:
        typer.echo(_format(answers.find_link, answer))
    return OK if answer["answered"] else NOT_ANSWERED


def _read_question(question: str | None, *, json: bool) -> str | None:
    """Returns the question, None for a conversation; raises CliError if there is none."""
    if question is None:
        if json or not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CliError("the question is missing; name it, or - to read it from stdin")
        return None
    if question == "-":
        data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
        if len(data) > MAX_STDIN_BYTES:
            raise CliError(f"the question has more than {MAX_STDIN_BYTES:,} bytes")
        question = data.decode("utf-8-sig", "replace")
    if not question.strip():
        raise CliError("the question is empty")
    return question


def _format(find_link: Link, answer: dict[str, Any]) -> str:
    return format_answer(answer, width=_terminal_width(), style=stdout_style(find_link))


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
        wire_filters = filters.model_dump(mode="json")
        body = {
            "query": query,
            "top_k": top_k,
            "collection": collection,
            "filters": wire_filters,
        }
        results, find_link = client.post(url, "/v1/search", body, key=key), view_link(url)
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
            find_link = file_link(Path(generation.manifest.corpus))
            wire = HitsBody(hits=passages, index=serializers.index(generation.info))
        results = wire.model_dump(mode="json")
    if json:
        options.print_json(results)
    else:
        style, width = stdout_style(find_link), _terminal_width()
        blocks = [format_passage(hit, HIT_CHARS, width, style) for hit in results["hits"]]
        typer.echo("\n\n".join(blocks) or "No passage was found.")
    return OK


def _terminal_width() -> int | None:
    return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
