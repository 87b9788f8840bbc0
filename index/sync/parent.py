"""Ends a child process when the one that started it is gone, however that ended."""

import os
import threading
import time
from collections.abc import Callable

LOOK_S = 0.2
"""How often a child looks whether its parent is still there."""


def end_without(parent: int, end: Callable[[], None]) -> None:
    """Calls `end`, in a thread, once this process is no longer a child of `parent`."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        end()

    threading.Thread(target=watch, name="parent", daemon=True).start()
