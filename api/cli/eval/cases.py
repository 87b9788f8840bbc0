"""`footnote eval import|draft`: cases from other question sets, and drafts from the corpus."""

import asyncio
import json as json_module
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...exit_codes import OK, USAGE, CliError
from ...wire.escape import escape, pluralize
from .. import options

if TYPE_CHECKING:
    from rag.evaluation.importing import SourceSentence

    from ...settings import Settings

Out = Annotated[
    Path | None, typer.Option(help="File for the cases; default: stdout.", show_default=False)
]


Kind = StrEnum("Kind", ["SQUAD", "BEIR", "CLAPNQ", "FEEDBACK", "CSV"])
"""The kinds of question sets that can be imported."""


def import_cases(
    kind: Annotated[Kind, typer.Argument(help="Kind of the question set.")],
    path: Annotated[Path, typer.Argument(help="File of the set; for beir its folder.")],
    out: Out = None,
    corpus_out: Annotated[
        Path | None, typer.Option(help="Folder for the set's sources.", show_default=False)
    ] = None,
) -> int:
    """Convert another question set into cases, and its sources into a corpus."""
    from rag.evaluation import importing

    imported = importing.import_cases(kind.value, path)
    for reason in imported.skipped:
        typer.echo(escape(f"skipped: {reason}"), err=True)
    if corpus_out is not None:
        if not imported.sources:
            raise CliError(f"a {kind.value} set contains no sources; omit --corpus-out", USAGE)
        try:
            importing.write_sources(corpus_out, imported.sources)
        except OSError as error:
            raise CliError(f"cannot write the sources: {error}", USAGE) from error
    write_lines([case.to_json() for case in imported.cases], out)
    cases = pluralize(len(imported.cases), "case")
    typer.echo(f"{cases}, {len(imported.skipped)} skipped", err=True)
    return OK


def draft(
    corpus: options.Corpus = None,
    out: Out = None,
    count: Annotated[int, typer.Option(min=1, help="Number of cases to draft.")] = 20,
    seed: Annotated[int, typer.Option(help="Random seed of the selected sentences.")] = 0,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
) -> int:
    """Draft cases from the corpus for review: written by a model, or cloze questions."""
    from rag.evaluation.importing import draft_cloze, select_sentences

    settings = options.load_settings(
        corpus=corpus,
        collection=collection,
        own_collection=corpus is not None,
        data_dir=data_dir,
        llm__model=model,
    )
    selected = select_sentences(_source_sentences(settings), count, seed=seed)
    if settings.llm.model:
        lines = asyncio.run(_draft_with_model(settings, selected))
        if unusable := len(selected) - len(lines):
            typer.echo(f"{unusable} of the model's replies were unusable", err=True)
    else:
        lines = list(draft_cloze(selected))
    write_lines(lines, out)
    typer.echo(f"{pluralize(len(lines), 'draft')}; review them before use", err=True)
    return OK


def _source_sentences(settings: "Settings") -> "list[SourceSentence]":
    from rag.evaluation.importing import SourceSentence

    from ..client import open_index

    with open_index(settings) as (_, generation):
        return [
            SourceSentence(path, text[unit.start : unit.end].strip())
            for path, (source, _) in sorted(generation.all_sources().items())
            for text in [generation.text(source.id)]
            for chunk in generation.source_chunks(source.id)
            for unit in chunk.units
        ]


async def _draft_with_model(
    settings: "Settings", sentences: "Sequence[SourceSentence]"
) -> list[dict[str, Any]]:
    from rag.evaluation.importing import draft_with_model

    from ...bootstrap import open_chat

    chat = open_chat(settings.llm)
    assert chat is not None  # the caller checked that a model is set
    try:
        return [line async for line in draft_with_model(sentences, chat) if line is not None]
    finally:
        await chat.close()


def write_lines(lines: Sequence[dict[str, Any]], out: Path | None) -> None:
    """Writes JSON lines to a file, atomically, or to stdout."""
    text = "".join(json_module.dumps(line, ensure_ascii=out is None) + "\n" for line in lines)
    if out is None:
        typer.echo(text, nl=False)
        return
    from rag.evaluation.run import write_atomic

    write_atomic(out, text)
