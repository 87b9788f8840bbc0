"""The seam to whatever is measured, and the pipeline in this process behind it.

A target answers one case at a time and knows its sources' text, so that the gold quotes can be
located in it and its citations checked.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from ...errors import AnswerError
from ...types import Ask
from ..cases import Case
from ..errors import CaseFailed
from ..results import Response, from_answer

if TYPE_CHECKING:
    from index.store.generation import Generation

    from ...answer import Pipeline


class Target(Protocol):
    """What can be measured."""

    def described(self) -> Mapping[str, object]:
        """Returns what makes two runs comparable: JSON values, none that changes by itself."""
        ...

    async def ask(self, case: Case) -> Response:
        """Returns its answer; raises CaseFailed for this case, TargetUnavailable for the run."""
        ...

    async def text(self, source: str) -> str | None:
        """Returns a source's text by its path; None where it has no such source."""
        ...

    async def close(self) -> None:
        """Gives up its connections."""
        ...


class PipelineTarget:
    """The pipeline in this process, over one open generation."""

    def __init__(
        self,
        pipeline: "Pipeline",
        generation: "Generation",
        *,
        top_k: int,
        settings: Mapping[str, object],
    ) -> None:
        """`settings` are what else shapes its answers; they become part of `described`."""
        self._pipeline, self._generation, self._top_k = pipeline, generation, top_k
        self._settings = dict(settings)
        self._ids = {path: source.id for path, (source, _) in generation.all_sources().items()}

    def described(self) -> Mapping[str, object]:
        """Returns its settings and what its index holds, whatever the generation is called."""
        from hashlib import sha256

        manifest = self._generation.manifest
        sources = self._generation.all_sources()
        held = "\n".join(f"{path} {sources[path][0].sha256}" for path in sorted(sources))
        return {
            **self._settings,
            "target": "pipeline",
            "top_k": self._top_k,
            "sources_sha256": sha256(held.encode()).hexdigest(),
            "embedder": manifest.embedder if self._generation.info.complete else None,
            "fingerprint": dict(manifest.fingerprint),
        }

    async def ask(self, case: Case) -> Response:
        """Returns the pipeline's answer; an answering error fails the case."""
        ask = Ask(case.question, case.history, top_k=self._top_k)
        try:
            return from_answer(await self._pipeline.answer(self._generation, ask))
        except AnswerError as error:
            raise CaseFailed(str(error)) from error

    async def text(self, source: str) -> str | None:
        """Returns the source's text from the generation's catalog."""
        source_id = self._ids.get(source)
        return None if source_id is None else self._generation.text(source_id)

    async def close(self) -> None:
        """Gives up the model's connections; the generation is its opener's to close."""
        await self._pipeline.close()
