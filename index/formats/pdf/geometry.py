"""What stands on a page: pieces of lines, rules and form fields, in points; y grows downwards."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SAME_SIZE = 0.08
"""Relative difference up to which two font sizes are the same."""

MAX_RULES = 100
"""Vertical rules of a page that may part words."""


@dataclass(slots=True)
class Segment:
    """Words of one line without a wide gap between them; `order` is their place in the file."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    order: int
    bold: bool = False
    mono: bool = False
    is_field: bool = False
    """It is `name: value` of a form field, and a paragraph by itself."""
    text_x: float | None = None
    """Where the words after a list marker begin."""
    left: float = 0
    right: float = 0
    """The edges of the column that it stands in."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal or vertical line, or the edge of a box."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def is_vertical(self) -> bool:
        """Whether it is higher than it is wide."""
        return self.y1 - self.y0 > self.x1 - self.x0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; `columns` are the left edges of all its cells' columns.

    `heads` says how sure it is that it is a header row: 2 by its looks, 1 by its words alone.
    """

    cells: tuple[str, ...]
    columns: tuple[float, ...]
    heads: int
    size: float


@dataclass(slots=True)
class PageContent:
    """A page as it is read: upright text, text turned otherwise, rules, and what is noted on it."""

    number: int
    width: float
    height: float
    segments: list[Segment] = field(default_factory=list)
    turned: list[list[Segment]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    plain_text: str = ""
    """Text of a page with too many characters for a layout."""
    hidden: int = 0
    """Lines that no reader sees, which were left out."""
    turn: int = 0
    """Degrees by which the upright text is turned counter-clockwise in the file."""


def same_size(first: float, second: float) -> bool:
    """Returns whether two font sizes are the same to the eye."""
    return abs(first - second) <= SAME_SIZE * max(first, second)


def intervals(spans: Iterable[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Returns the spans' union in order; spans less than `gap` apart are one."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def is_ruled_off(first: Segment, second: Segment, rules: Iterable[Rule]) -> bool:
    """Returns whether one of these vertical rules stands between two pieces of a line."""
    left, right = (first, second) if first.x0 <= second.x0 else (second, first)
    middle = (second.y0 + second.y1) / 2
    return any(
        left.x1 - 1 <= rule.x0 <= right.x0 + 1 and rule.y0 <= middle <= rule.y1 for rule in rules
    )
