"""What a run of the evaluation measures: the settings at hand, or a service by its URL."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import SettingRefused

if TYPE_CHECKING:
    from index.sync.process import SyncReport
    from rag.evaluation.targets.pipeline import Target

    from ...settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure: one of these by its name, or else the pipeline over the settings' corpus.

    `corpus` is the folder whose texts hold the evidence, for targets that have no text of theirs.
    """

    settings: "Settings"
    top_k: int
    url: str | None = None
    key: str | None = None
    attribute: str | None = None
    is_closed_book: bool = False
    corpus: Path | None = None


@asynccontextmanager
async def opened(wanted: Wanted) -> "AsyncIterator[Target]":
    """Yields the target and closes it in the end."""
    if elsewhere := await _elsewhere(wanted):
        try:
            yield elsewhere
        finally:
            await elsewhere.close()
        return
    async with pipeline(wanted.settings, top_k=wanted.top_k) as made:
        yield made


async def _elsewhere(wanted: Wanted) -> "Target | None":
    """Returns the target that is not the pipeline at hand; None where that is wanted."""
    if wanted.url:
        from rag.evaluation.targets.service_url import UrlTarget

        target = UrlTarget(wanted.url, key=wanted.key, top_k=wanted.top_k)
        await target.connect()
        return target
    if not wanted.attribute and not wanted.is_closed_book:
        return None
    from rag.evaluation.targets.others import AttributeTarget, ClosedBookTarget, FolderTexts

    texts = FolderTexts(wanted.corpus)
    if wanted.attribute:
        sys.path.insert(0, str(Path.cwd()))  # the module is the caller's, not installed
        return AttributeTarget(wanted.attribute, texts=texts, top_k=wanted.top_k)
    from ...bootstrap import open_chat

    chat = open_chat(wanted.settings.llm)
    if chat is None:
        raise SettingRefused("llm.model", "a closed book needs a model: name one with --model")
    return ClosedBookTarget(chat, texts=texts)


@asynccontextmanager
async def pipeline(settings: "Settings", *, top_k: int) -> "AsyncIterator[Target]":
    """Yields the pipeline in this process over the settings' serving generation."""
    from rag.evaluation.targets.pipeline import PipelineTarget
    from rag.model.prompt import PROMPT_VERSION

    from ..local import opened as opened_index

    shaping: dict[str, object] = {
        "answerer": "model" if settings.llm.model else "extractive",
        "model": settings.llm.model,
        "support_mode": settings.support_mode,
        "weights": sha256(files("rag").joinpath("weights.json").read_bytes()).hexdigest()[:12],
    }
    if settings.llm.model:
        shaping |= {
            "temperature": settings.llm.temperature,
            "max_tokens": settings.llm.max_tokens,
            "prompt": PROMPT_VERSION,
        }
    with opened_index(settings) as (parts, generation):
        target = PipelineTarget(parts.pipeline, generation, top_k=top_k, settings=shaping)
        try:
            yield target
        finally:
            await target.close()


def synced(settings: "Settings", on_event: Callable[[dict[str, object]], None]) -> "SyncReport":
    """Brings the corpus's index up to date and returns what that took; raises an IndexingError."""
    from index.sync.process import run_sync

    from ...bootstrap import sync_request

    return run_sync(sync_request(settings), on_event)
