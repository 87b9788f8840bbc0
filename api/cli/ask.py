"""`footnote ask` and `footnote search`: a cited answer, and the passages nearest to a query.

The local index answers, or with `--url` a running service. `ask` exits with 6 when it refuses.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import NOT_ANSWERED, OK, CliError
from ..wire.escape import escape
from . import client, options

if TYPE_CHECKING:
    from ..wire.schemas import Filters

NEAREST_PASSAGES = 3
"""How many passages are shown with a refusal."""
NEAREST_CHARS = 160
HIT_CHARS = 300
INDENT = "    "
_HEADING = re.compile(r"\A#{1,6} [^\n]*\Z|\n[-|: ]+\Z")
"""A markdown heading, or the header row of a table and its separator (as in the widget)."""
_LEADING_HEADING = re.compile(r"\A#{1,6} [^\n]*\n+")
_STATUS_TEXT = {"unsupported": "not supported", "uncited": "no source given"}


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

        from ..bootstrap import link_signer
        from ..wire import serializers

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
        from ..bootstrap import link_signer
        from ..wire import serializers
        from ..wire.schemas import HitsBody

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
        blocks = [_format_passage(hit, HIT_CHARS, _terminal_width()) for hit in results["hits"]]
        typer.echo("\n\n".join(blocks) or "No passage was found.")
    return OK


def _query(top_k: int, collection: str | None, filters: "Filters") -> dict[str, Any]:
    wire_filters = filters.model_dump(mode="json")
    return {"top_k": top_k, "collection": collection, "filters": wire_filters}


def _terminal_width() -> int | None:
    return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def format_answer(answer: dict[str, Any], *, width: int | None = None) -> str:
    """Returns an answer as text: the answer, its warnings, its citations and its verdict.

    Prose is wrapped between words at `width` columns, if one is given.
    """
    answer_width = width if answer["format"] == "text" else None  # markdown keeps its lines
    blocks = [_wrap(answer["answer"], answer_width, "")]
    blocks.append("\n".join(_wrap(line, width, "  ") for line in _warnings(answer)))
    if listed := answer.get("sources"):
        paths = [_wrap(f"{INDENT}{one['source']}", width, INDENT) for one in listed]
        blocks.append("\n".join(["Files:", *paths]))
    blocks += [
        _format_reference(f"[{one['n']}]", one, _location(one), one["quote"], width)
        for one in answer["citations"]
    ]
    if not answer["answered"]:
        suffix = " Nearest passages:" if answer["passages"] else ""
        blocks.append(_wrap(f"Not answered: {answer['reason']}.{suffix}", width, ""))
        nearest = answer["passages"][:NEAREST_PASSAGES]
        blocks += [_format_passage(one, NEAREST_CHARS, width) for one in nearest]
        if suggested := answer.get("suggestions"):
            lines = [_wrap(f"{INDENT}{one}", width, INDENT) for one in suggested]
            blocks.append("\n".join(["The articles answer:", *lines]))
    elif {sentence["status"] for sentence in _statements(answer)} - {"remark"} == {"supported"}:
        blocks.append(_wrap("Every sentence is supported by its citations.", width, ""))
    return "\n\n".join(block for block in blocks if block)


def _warnings(answer: dict[str, Any]) -> Iterator[str]:
    for conflict in answer.get("conflicts", ()):
        numbers = "".join(f"[{n}]" for n in conflict["citations"])
        yield f"! The sources disagree: {numbers}"
    if answer["degraded"]:
        yield "! The language model failed; the answer quotes the sources instead."
    if answer.get("tentative"):
        yield "! It is not certain that this answers the question."
    for sentence in _statements(answer):
        if sentence["status"] in _STATUS_TEXT:
            reason = f": {sentence['why']}" if sentence["why"] else ""
            status = _STATUS_TEXT[sentence["status"]]
            yield f"! {status}{reason} — {' '.join(sentence['text'].split())}"


def _statements(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the sentences of the answer without headings and table headers."""
    return [
        sentence
        for sentence in answer["sentences"]
        if sentence["status"] != "uncited" or not _HEADING.search(sentence["text"].strip())
    ]


def _location(citation: dict[str, Any]) -> str:
    source, page = citation["source"], citation["page"]
    return f"{source}, page {page}" if page else f"{source}:{citation['line']}"


def _format_passage(passage: dict[str, Any], max_chars: int, width: int | None) -> str:
    location = f"{passage['source']}, score {passage['score']:.2f}"
    excerpt = textwrap.shorten(
        _LEADING_HEADING.sub("", passage["text"]), max_chars, placeholder=" …"
    )
    return _format_reference(f"{passage['rank']}.", passage, location, excerpt, width)


def _format_reference(
    label: str, passage: dict[str, Any], location: str, quote: str, width: int | None
) -> str:
    """Returns `[1] Title · Heading`, the location and the quote, each on its own line."""
    has_title = passage["title"] != PurePosixPath(passage["source"]).stem  # else the path says it
    names = [passage["title"]] * has_title + [passage["heading"] or ""]
    names.append(passage.get("date") or "")
    title = " ".join(" · ".join(name for name in names if name).split())
    lines = [*([title] if title else []), location.replace("\n", " "), f"“{quote}”"]
    lines = [f"{label} {lines[0]}", *(INDENT + line for line in lines[1:])]
    return "\n".join(_wrap(line, width, INDENT) for line in lines)


def _wrap(text: str, width: int | None, indent: str) -> str:
    """Returns `text`, safe to print, with every line but the first indented."""
    first, *rest = escape(text).split("\n")
    lines = [first, *(indent + line for line in rest)]
    if width is None:
        return "\n".join(lines)
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapper.fill(line) for line in lines)
