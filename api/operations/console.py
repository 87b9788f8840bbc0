"""What the console's routes read and change, beside the service itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from ..errors import StateUnreadable
from ..security.keys import KeyStore
from ..state.answer_log import AnswerLog
from ..state.feedback import FeedbackStore
from ..state.jobs import JobStore
from ..state.key_uses import KeyUses
from .files.listing import FolderStates
from .quality.runner import EvaluationRunner
from .questions.counts import AnswerCounts
from .questions.groups import VectorCache
from .questions.listing import cleaning

log = logging.getLogger("footnote")

STORE_INTERVAL_S = 30.0
"""How often the uses of keys are stored."""


@dataclass(frozen=True, slots=True)
class Console:
    """The parts that those routes need."""

    answers: AnswerLog
    feedback: FeedbackStore
    counts: AnswerCounts
    keys: KeyStore
    key_uses: KeyUses
    jobs: JobStore
    evaluations: EvaluationRunner = field(default_factory=EvaluationRunner)
    folders: FolderStates = field(default_factory=FolderStates)
    vectors: VectorCache = field(default_factory=VectorCache)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Deletes expired questions, and stores the uses of keys, while the block runs.

        An evaluation that still runs then is ended.
        """
        storing = asyncio.create_task(self._store_forever())
        try:
            async with cleaning(self.answers):
                yield
        finally:
            await self.evaluations.stop()
            storing.cancel()
            with suppress(asyncio.CancelledError):
                await storing
            await asyncio.to_thread(self._store)

    async def _store_forever(self) -> None:
        while True:
            await asyncio.sleep(STORE_INTERVAL_S)
            await asyncio.to_thread(self._store)

    def _store(self) -> None:
        try:
            self.key_uses.store()
        except StateUnreadable as error:
            log.warning("the last uses of keys cannot be stored: %s", error)
