"""`footnote eval judge|judge-agreement`: an LLM's verdicts on a run, and their agreement."""

import asyncio
import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import SettingRefused
from ...exit_codes import OK
from .. import options
from .show import RunFolder, report_run

if TYPE_CHECKING:
    from rag.evaluation.run import Run

    from ...settings import Settings


def judge(
    run: RunFolder,
    model: options.Model = None,
    base_url: Annotated[
        str | None, typer.Option(help="Base URL of the judge model.", show_default=False)
    ] = None,
    json: options.Json = False,
) -> int:
    """Let a model judge a run's answers: faithfulness, correctness, rubric."""
    from rag.evaluation.run import Run

    settings = options.load_settings(
        llm__model=model, llm__base_url=base_url, llm__temperature=0.0, all_collections=True
    )
    asyncio.run(_run_judge(Run(run), settings))
    return report_run(run, json=json)


async def _run_judge(run: "Run", settings: "Settings") -> None:
    from rag.evaluation.judge import run_judge

    from ...bootstrap import open_chat

    chat = open_chat(settings.llm)
    if chat is None:
        raise SettingRefused("llm.model", "the judge needs a model; set one with --model")

    def on_progress(done: int, total: int) -> None:
        if done == total or done % 50 == 0:
            typer.echo(f"{done} of {total} verdicts", err=True)

    try:
        await run_judge(run, chat, on_progress)
    finally:
        await chat.close()


def judge_agreement(
    run: RunFolder,
    labels: Annotated[
        Path,
        typer.Argument(help="People's labels, JSON lines {id, label: correct|incorrect|refused}."),
    ],
    json: options.Json = False,
) -> int:
    """Measure the judge's agreement with people; reports print it with every judged metric."""
    from rag.evaluation.judge import AGREEMENT_FILE, PROMPTS, measure_agreement, read_labels
    from rag.evaluation.report.markdown import format_judge
    from rag.evaluation.run import Run

    opened = Run(run)
    agreement = measure_agreement(opened, read_labels(labels))
    opened.write_file(AGREEMENT_FILE, json_module.dumps(agreement) + "\n")
    if json:
        options.print_json(agreement)
    else:
        typer.echo(format_judge({**agreement, "prompts": PROMPTS, "agreement": agreement}))
    return OK
