"""The follow-up questions of `tests/data/follow_ups.jsonl`, and what is expected of each."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.types import Turn

PATH = Path(__file__).parents[1] / "data" / "follow_ups.jsonl"


@dataclass(frozen=True, slots=True)
class FollowUpCase:
    """A question after a conversation.

    Its standalone form has the words `has` and none of `lacks`; or it is unchanged (`alone`), or
    asks something of the last answer (`act`).
    """

    id: str
    part: str
    language: str
    history: tuple[Turn, ...]
    question: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    alone: bool = False
    act: str | None = None

    def is_met_by(self, standalone: str) -> bool:
        lower = standalone.lower()
        if self.alone:
            return standalone == self.question
        return all(one.lower() in lower for one in self.has) and not any(
            one.lower() in lower for one in self.lacks
        )


def read_follow_ups() -> list[FollowUpCase]:
    """Returns the cases; the rules were written with those of part a, never with those of b."""
    return [_case(json.loads(line)) for line in PATH.read_text("utf-8").splitlines()]


def _case(entry: dict[str, Any]) -> FollowUpCase:
    history = tuple(Turn(**turn) for turn in entry.pop("history"))
    lists = {name: tuple(entry.pop(name, ())) for name in ("has", "lacks")}
    return FollowUpCase(history=history, **lists, **entry)
