"""What a model is asked about statements, and its reply, read strictly.

The one question and the one way to read the answer, for the judge of a sentence as it is written
(`opinion.py`) and for that of finished runs (`evaluation/judge.py`).
"""

import re
from collections.abc import Sequence

QUESTION = (
    "For each numbered statement say whether the passages support it entirely. Answer with one "
    "line a statement, its number and yes or no, as `1: yes`, and nothing else."
)

_LINE = re.compile(r"\W*(\d{1,4})\W+(yes|no)\W*", re.IGNORECASE)


def numbered(statements: Sequence[str]) -> str:
    """Returns the statements, one a line, with their numbers from 1."""
    return "\n".join(f"{n}: {text}" for n, text in enumerate(statements, start=1))


def verdicts(said: str, count: int) -> list[bool] | None:
    """Returns what the model says of each of `count` statements; None where it says anything else.

    A line too many, one too few or one that is no verdict makes the whole reply unreadable.
    """
    lines = [_LINE.fullmatch(line) for line in said.splitlines() if line.strip()]
    found = {int(line[1]): line[2].lower() == "yes" for line in lines if line}
    if len(lines) != count or set(found) != set(range(1, count + 1)):
        return None
    return [found[n] for n in range(1, count + 1)]
