"""`footnote ask QUESTION`: the answer with its sources; exit code 6 when there is none."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..screen import screen
from . import options
from .exits import NOT_ANSWERED, OK, USAGE, ServiceRefused

if TYPE_CHECKING:
    from ..schemas import Filters
    from ..settings import Settings

NEAREST = 3
"""How many passages are named beside a refusal."""


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
        typer.echo(shown(answer))
    return OK if answer["answered"] else NOT_ANSWERED


async def _answer(
    settings: "Settings", question: str, top_k: int, where: "Filters"
) -> dict[str, Any]:
    from rag.types import Ask

    from .. import present
    from ..wiring import links
    from .local import opened

    with opened(settings) as (parts, generation):
        ask = Ask(question, top_k=top_k, filters=where.inside())
        made = await parts.pipeline.answer(generation, ask)
        await parts.pipeline.close()
    return present.answer(made, links(settings), include_passages=True).model_dump(mode="json")


def shown(answer: dict[str, Any]) -> str:
    """Returns an answer for people: its text, its doubts, then its numbered sources."""
    lines = [screen(answer["answer"]), ""]
    for sentence in answer["sentences"]:
        if sentence["status"] != "supported":
            why = f" ({sentence['why']})" if sentence["why"] else ""
            lines.append(screen(f"! {sentence['status']}{why}: {sentence['text']}"))
    for cited in answer["citations"]:
        lines += [_source(f"[{cited['n']}]", cited, f"line {cited['line']}")]
        lines += [_indented(f"“{cited['quote']}”")]
    if not answer["answered"]:
        nearest = " Nearest passages:" if answer["passages"] else ""
        lines.append(f"Not answered: {answer['reason']}.{nearest}")
        for passage in answer["passages"][:NEAREST]:
            lines.append(_source(f"{passage['rank']}.", passage, f"score {passage['score']:.2f}"))
    if answer["degraded"]:
        lines.append("The language model failed; these are the sources' own words.")
    return "\n".join(lines).rstrip()


def _source(label: str, place: dict[str, Any], where: str) -> str:
    heading = f" · {place['heading']}" if place["heading"] else ""
    line = f"{label} {place['source']}, {where} — {place['title']}{heading}"
    return screen(line).replace("\n", " ")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in screen(text).split("\n"))
