"""`footnote ask QUESTION`: the answer with its sources; exit code 6 when there is none."""

import asyncio
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import NOT_ANSWERED, OK, USAGE, ServiceRefused
from ..wire.escape import screen
from . import options

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Filters

NEAREST = 3
"""How many passages are named beside a refusal."""
NEAREST_CHARS = 160
INDENT = "    "
_HEAD = re.compile(r"\A#{1,6} [^\n]*\Z|\n[-|: ]+\Z")
"""A markdown heading, or a table's first row and the line below it (as in the widget)."""
DOUBTS = {"unsupported": "not supported", "uncited": "no source given"}


def ask(
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
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
    """Answer a question, with the sources of each sentence."""
    if not question.strip():
        raise ServiceRefused("the question is empty", USAGE)
    where = options.filters(source, tag, since, until)
    if url:
        from .remote import post

        body = {
            "question": question,
            "top_k": top_k,
            "collection": collection,
            "filters": where.model_dump(mode="json"),
        }
        answer = post(url, "/v1/answers", body, key=key)
    else:
        settings = options.settings(collection=collection, data_dir=data_dir, llm__model=model)
        answer = asyncio.run(_answer(settings, question, top_k, where))
    if json:
        options.print_json(answer)
    else:
        columns = max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
        typer.echo(shown(answer, width=columns))
    return OK if answer["answered"] else NOT_ANSWERED


async def _answer(
    settings: "Settings", question: str, top_k: int, where: "Filters"
) -> dict[str, Any]:
    from rag.types import Ask

    from ..bootstrap import links
    from ..wire import serializers as present
    from .local import opened

    with opened(settings) as (parts, generation):
        ask = Ask(question, top_k=top_k, filters=where.inside())
        made = await parts.pipeline.answer(generation, ask)
        await parts.pipeline.close()
    return present.answer(made, links(settings), include_passages=True).model_dump(mode="json")


def shown(answer: dict[str, Any], *, width: int | None = None) -> str:
    """Returns an answer for people: its text, what to doubt of it, its sources, its verdict.

    Lines of prose are broken between words at `width`, where one is given.
    """
    wide = width if answer["format"] == "text" else None  # markdown's tables and code stay
    blocks = [_wrapped(answer["answer"], wide, "")]
    blocks.append("\n".join(_wrapped(line, width, "  ") for line in _doubts(answer)))
    blocks += [
        _place(f"[{cited['n']}]", cited, _spot(cited), cited["quote"], width)
        for cited in answer["citations"]
    ]
    if not answer["answered"]:
        nearest = " Nearest passages:" if answer["passages"] else ""
        blocks.append(_wrapped(f"Not answered: {answer['reason']}.{nearest}", width, ""))
        for one in answer["passages"][:NEAREST]:
            where = f"{one['source']}, score {one['score']:.2f}"
            blocks.append(_place(f"{one['rank']}.", one, where, _start_of(one["text"]), width))
    elif {sentence["status"] for sentence in _statements(answer)} == {"supported"}:
        blocks.append(_wrapped("Every sentence is supported by what it cites.", width, ""))
    return "\n\n".join(block for block in blocks if block)


def _doubts(answer: dict[str, Any]) -> Iterator[str]:
    if answer["degraded"]:
        yield "! The language model failed; these are the sources' own words."
    for sentence in _statements(answer):
        if sentence["status"] != "supported":
            why = f": {sentence['why']}" if sentence["why"] else ""
            status = DOUBTS[sentence["status"]]
            yield f"! {status}{why} — {' '.join(sentence['text'].split())}"


def _statements(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the sentences that state something: no heading and no table's head."""
    return [
        sentence
        for sentence in answer["sentences"]
        if sentence["status"] != "uncited" or not _HEAD.search(sentence["text"].strip())
    ]


def _spot(cited: dict[str, Any]) -> str:
    page, line = cited["page"], cited["line"]
    return f"{cited['source']}, page {page}" if page else f"{cited['source']}:{line}"


def _place(label: str, place: dict[str, Any], where: str, quote: str, width: int | None) -> str:
    """Returns `[1] Title · Heading`, then where it is, then the words, each on its line."""
    is_named = place["title"] != PurePosixPath(place["source"]).stem  # else the path says it
    name = [place["title"]] * is_named + [place["heading"] or ""]
    what = " ".join(" · ".join(part for part in name if part).split())
    lines = [*([what] if what else []), where.replace("\n", " "), f"“{quote}”"]
    first, *rest = lines
    heads = [f"{label} {first}", *(INDENT + line for line in rest)]
    return "\n".join(_wrapped(line, width, INDENT) for line in heads)


def _start_of(text: str) -> str:
    return textwrap.shorten(text, NEAREST_CHARS, placeholder=" …")


def _wrapped(text: str, width: int | None, indent: str) -> str:
    """Returns `text`, safe to show, each line after the first at least at the indent."""
    first, *rest = screen(text).split("\n")
    lines = [first, *(indent + line for line in rest)]
    if width is None:
        return "\n".join(lines)
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines
    )
