"""`footnote replay ID`: what a kept answer was made of, and what is different today."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import OK, USAGE, ServiceRefused
from ..wire.escape import screen
from . import options

if TYPE_CHECKING:
    from rag.types import Answer, Ask

    from ..settings import Settings


def replay(
    answer_id: Annotated[str, typer.Argument(metavar="ID", help="The answer's id.")],
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    json: options.Json = False,
) -> int:
    """Show what a kept answer was made of, ask again, and name what differs."""
    settings = options.settings(collection=collection, data_dir=data_dir, llm__model=model)
    from ..bootstrap import records
    from ..state.answer_log import asked, differences, record

    then = records(settings).find(answer_id)
    if then is None:
        raise ServiceRefused(
            f"no answer {answer_id[:64]!r} was kept; keep_answers makes the service keep them",
            USAGE,
        )
    ask = asked(then)
    now = record(ask, asyncio.run(_again(settings, ask)))
    differing = differences(then, now)
    if json:
        options.print_json({"then": then, "now": now, "differs": differing})
    else:
        typer.echo(shown(then, now, differing))
    return OK


async def _again(settings: "Settings", ask: "Ask") -> "Answer":
    from .local import opened

    with opened(settings) as (parts, generation):
        made = await parts.pipeline.answer(generation, ask)
        await parts.pipeline.close()
    return made


def shown(then: dict[str, Any], now: dict[str, Any], differing: list[str]) -> str:
    """Returns a record for people: the question, its passages, the answers then and now."""
    lines = [f"question  {then['ask']['question']}", f"asked as  {then['standalone_question']}"]
    for passage in then["passages"]:
        place = f"{passage['source']} {passage['start']}:{passage['end']}"
        lines.append(f"  {passage['rank']}. {place}, score {passage['score']:.2f}")
    lines += [f"then      {then['answer']}"]
    if "answer" in differing:
        lines += [f"now       {now['answer']}"]
    lines += [f"differs   {', '.join(differing) or 'nothing'}"]
    return "\n".join(screen(line).replace("\n", "\\n") for line in lines)
