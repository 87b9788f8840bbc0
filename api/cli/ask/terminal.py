"""Colours and links of a terminal: SGR codes and OSC 8, or nothing at all in pipes.

The text is escaped before it gets here, so that the only control characters are ours.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer

Link = Callable[[dict[str, Any]], str | None]
"""Passage, citation or listed article → the URL that shows it; None if there is none."""


@dataclass(frozen=True, slots=True)
class Style:
    """How parts of an answer look; `is_plain`: like any other text, without links."""

    is_plain: bool = True
    find_link: Link = lambda _: None

    def paint(self, text: str, color: str | None = None, *, bold: bool = False) -> str:
        """Returns `text`, each line in this colour; indentation is not painted."""
        return self._each_line(text, lambda line: typer.style(line, fg=color, bold=bold or None))

    def link(self, text: str, target: dict[str, Any]) -> str:
        """Returns `text`, each line a link to where `target` is shown."""
        url = self.find_link(target) if not self.is_plain else None
        if not url or not (url.isascii() and url.isprintable()):
            return text
        return self._each_line(text, lambda line: f"\x1b]8;;{url}\x1b\\{line}\x1b]8;;\x1b\\")

    def _each_line(self, text: str, change: Callable[[str], str]) -> str:
        if self.is_plain:
            return text
        lines = []
        for line in text.split("\n"):
            content = line.lstrip(" ")
            lines.append(line[: len(line) - len(content)] + (change(content) if content else ""))
        return "\n".join(lines)


PLAIN = Style()


def stdout_style(find_link: Link) -> Style:
    """Returns the style of stdout: plain in pipes, with NO_COLOR and on terminals without codes."""
    if not sys.stdout.isatty():
        return PLAIN
    from rich.console import Console

    console = Console()  # reads NO_COLOR and TERM
    is_plain = console.no_color or console.is_dumb_terminal
    return Style(is_plain=is_plain, find_link=find_link)
