"""Work in threads, so that the event loop stays free."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(job: Callable[[], T]) -> T:
    """Returns what the job returns; a cancelled caller waits, since the job's index may close."""
    work = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # nobody else retrieves it
        raise
