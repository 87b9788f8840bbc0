"""Runs `footnote` in a terminal of its own, as a person does who types at a prompt."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .processes import COMMAND, clean_environment

ROWS, COLUMNS = 40, 90


def run_in_terminal(
    *arguments: object,
    cwd: Path,
    typed: Sequence[str] = (),
    prompt: str = "> ",
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> tuple[int, str]:
    """Returns the exit code and all that was shown; types the next text at each prompt."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment({"TERM": "xterm-256color", "NO_COLOR": ""} | dict(env or {})),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Ctrl-C is a signal
    )
    os.close(theirs)
    try:
        shown = _drive(ours, list(typed), prompt, time.monotonic() + timeout_s)
        return process.wait(timeout=10), shown
    finally:
        process.kill()
        os.close(ours)


def _drive(terminal: int, typed: list[str], prompt: str, deadline_s: float) -> str:
    shown, answered = "", 0
    while time.monotonic() < deadline_s:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65_536)
            except OSError:  # the process has ended
                break
            shown += data.decode("utf-8", "replace")
        elif typed and shown.endswith(prompt) and len(shown) > answered:
            answered = len(shown)
            os.write(terminal, typed.pop(0).encode())
    return shown.replace("\r\n", "\n")
