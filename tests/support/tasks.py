"""What a test knows of asyncio's tasks."""

import asyncio


async def no_task_outlives(timeout_s: float = 10) -> None:
    """Waits until only the calling task is left; raises AssertionError if others stay.

    A generator that is collected unfinished is closed by a task of its own, whenever that is.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        left = deadline - asyncio.get_running_loop().time()
        assert left > 0, others
        await asyncio.wait(others, timeout=left)
