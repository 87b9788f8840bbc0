"""`footnote eval import|draft`: cases from other question sets, and proposals from the corpus."""

import asyncio
import json as json_module
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...exit_codes import OK, USAGE, ServiceRefused
from ...wire.amount import amount
from ...wire.escape import screen
from .. import options

if TYPE_CHECKING:
    from rag.evaluation.draft import Sentence

    from ...settings import Settings

Out = Annotated[
    Path | None, typer.Option(help="File of cases; else they go to stdout.", show_default=False)
]


class Kind(StrEnum):
    """The shapes that can be imported."""

    SQUAD = "squad"
    BEIR = "beir"
    CLAPNQ = "clapnq"
    FEEDBACK = "feedback"
    CSV = "csv"


def import_cases(
    kind: Annotated[Kind, typer.Argument(help="What the set is.")],
    path: Annotated[Path, typer.Argument(help="Its file, or for beir its folder.")],
    out: Out = None,
    corpus_out: Annotated[
        Path | None, typer.Option(help="Write the set's sources there.", show_default=False)
    ] = None,
) -> int:
    """Turn another question set into cases, and its sources into a corpus."""
    from rag.evaluation.cases import as_line
    from rag.evaluation.importing import read, write_sources

    made = read(kind.value, path)
    for said in made.left_out:
        typer.echo(screen(f"left out: {said}"), err=True)
    if corpus_out is not None:
        if not made.sources:
            raise ServiceRefused(f"a {kind.value} set brings no sources", USAGE)
        try:
            write_sources(corpus_out, made.sources)
        except OSError as error:
            raise ServiceRefused(f"cannot write the sources: {error}", USAGE) from error
    write_lines([as_line(case) for case in made.cases], out)
    typer.echo(f"{amount(len(made.cases), 'case')}, {len(made.left_out)} left out", err=True)
    return OK


def draft(
    corpus: options.Corpus = None,
    out: Out = None,
    count: Annotated[int, typer.Option(min=1, help="How many cases to propose.")] = 20,
    seed: Annotated[int, typer.Option(help="Which sentences are drawn.")] = 0,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
) -> int:
    """Propose cases from the corpus for a person to accept: with a model, or as cloze."""
    from rag.evaluation.draft import chosen, cloze

    settings = options.settings(
        corpus=corpus,
        collection=collection,
        own_collection=corpus is not None,
        data_dir=data_dir,
        llm__model=model,
    )
    picked = chosen(_sentences(settings), count, seed=seed)
    if settings.llm.model:
        lines = asyncio.run(_asked(settings, picked))
        if lost := len(picked) - len(lines):
            typer.echo(f"{lost} of the model's replies could not be used", err=True)
    else:
        lines = list(cloze(picked))
    write_lines(lines, out)
    typer.echo(f"{amount(len(lines), 'proposal')}: read before you trust", err=True)
    return OK


def _sentences(settings: "Settings") -> "list[Sentence]":
    from rag.evaluation.draft import Sentence

    from ..local import opened

    with opened(settings) as (_, generation):
        found = []
        for path, (source, _) in sorted(generation.all_sources().items()):
            text = generation.text(source.id)
            for chunk in generation.source_chunks(source.id):
                found += [Sentence(path, text[start:end].strip()) for start, end in chunk.sentences]
        return found


async def _asked(settings: "Settings", picked: "Sequence[Sentence]") -> list[dict[str, Any]]:
    from rag.evaluation.draft import asked

    from ...bootstrap import open_chat

    chat = open_chat(settings.llm)
    assert chat is not None  # a model is set
    try:
        return [line async for line in asked(picked, chat) if line is not None]
    finally:
        await chat.close()


def write_lines(lines: Sequence[dict[str, Any]], out: Path | None) -> None:
    """Writes JSON lines to a file, whole or not at all, or to stdout."""
    text = "".join(json_module.dumps(line, ensure_ascii=out is None) + "\n" for line in lines)
    if out is None:
        typer.echo(text, nl=False)
        return
    from rag.evaluation.run_store import write_whole

    write_whole(out, text)
