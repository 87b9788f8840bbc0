"""`footnote eval judge|judge-agreement`: a model's verdicts on a run, and what they are worth."""

import asyncio
import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import SettingRefused
from ...exit_codes import OK
from .. import options
from .run import report
from .show import RunFolder

if TYPE_CHECKING:
    from rag.evaluation.run_store import Run

    from ...settings import Settings


def judge(
    run: RunFolder,
    model: options.Model = None,
    base_url: Annotated[
        str | None, typer.Option(help="The judge's endpoint.", show_default=False)
    ] = None,
    json: options.Json = False,
) -> int:
    """Let a model judge the answers of a run: faithfulness, correctness, rubric."""
    from rag.evaluation.run_store import Run

    settings = options.settings(
        llm__model=model, llm__base_url=base_url, llm__temperature=0.0, every=True
    )
    asyncio.run(_judged(Run(run), settings))
    return report(run, prices=None, baseline=None, json=json, interrupted=False)


async def _judged(run: "Run", settings: "Settings") -> None:
    from rag.evaluation.judge import judge as judge_run

    from ...bootstrap import open_chat

    chat = open_chat(settings.llm)
    if chat is None:
        raise SettingRefused("llm.model", "a judge is a model: name one with --model")

    def say(done: int, total: int) -> None:
        if done == total or done % 50 == 0:
            typer.echo(f"{done} of {total} verdicts", err=True)

    try:
        await judge_run(run, chat, say)
    finally:
        await chat.close()


def judge_agreement(
    run: RunFolder,
    labels: Annotated[
        Path,
        typer.Argument(help="People's grades: {id, label: correct|incorrect|refused} a line."),
    ],
    json: options.Json = False,
) -> int:
    """Measure how far the judge of a run agrees with people, and print it beside its figures."""
    from rag.evaluation.agreement import agreement, read_labels
    from rag.evaluation.judge import AGREEMENT
    from rag.evaluation.report.words import judge as in_words
    from rag.evaluation.run_store import Run

    held = Run(run)
    found = agreement(held, read_labels(labels))
    held.write(AGREEMENT, json_module.dumps(found) + "\n")
    if json:
        options.print_json(found)
    else:
        typer.echo(in_words({"model": found["model"], "prompts": "", "agreement": found}))
    return OK
