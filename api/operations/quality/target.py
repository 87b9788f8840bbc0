"""The pipeline as an evaluation measures it: its settings, and the running service's own."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from rag.errors import Overloaded
from rag.evaluation.targets import PipelineTarget

from ...settings import Settings

if TYPE_CHECKING:
    from index.store.opened import OpenGeneration
    from rag.answer import Pipeline
    from rag.evaluation.cases import Case
    from rag.evaluation.results import Response

    from ...service.service import Service

RETRY_S = 1.0


def answer_settings(settings: Settings) -> dict[str, object]:
    """Returns the settings that affect answers, for the run's configuration hash."""
    from rag.model.prompt import PROMPT_VERSION

    values: dict[str, object] = {
        "answerer": "model" if settings.llm.model else "extractive",
        "model": settings.llm.model,
        "support_mode": settings.support_mode,
        "weights": sha256(files("rag").joinpath("weights.json").read_bytes()).hexdigest()[:12],
    }
    if settings.llm.model:
        values |= {
            "temperature": settings.llm.temperature,
            "max_tokens": settings.llm.max_tokens,
            "prompt": PROMPT_VERSION,
        }
    return values


class ServiceTarget:
    """A running service's pipeline over one generation; each case waits for its turn.

    So an evaluation takes one of the places for answers at a time, as one more reader would.
    """

    def __init__(
        self, service: "Service", pipeline: "Pipeline", generation: "OpenGeneration", *, top_k: int
    ) -> None:
        """Reads the list of sources; blocks."""
        self._service = service
        settings = answer_settings(service.settings)
        self._target = PipelineTarget(pipeline, generation, top_k=top_k, settings=settings)

    def describe(self) -> Mapping[str, object]:
        """Returns its configuration."""
        return self._target.describe()

    async def ask(self, case: "Case") -> "Response":
        """Returns the pipeline's answer once there is a place for it; raises CaseFailed."""
        while True:
            try:
                async with self._service.answer_slot():
                    return await self._target.ask(case)
            except Overloaded:
                await asyncio.sleep(RETRY_S)

    async def text(self, source: str) -> str | None:
        """Returns a source's text."""
        return await self._target.text(source)

    async def close(self) -> None:
        """Closes nothing: the service goes on."""
