"""The `---` block at the top of an article → its title, date, url and tags.

A small grammar of its own (`key: value`, `key: [a, b]`, `- item` lines), not YAML: nothing is
built or run. What does not fit it is no front matter, and stays text.
"""

import re
from dataclasses import dataclass, field

LONGEST = 20_000
"""Characters within which the block must end."""
MOST = 1_000
"""Characters kept of a value."""

_BLOCK = re.compile(
    r"---[ \t]*(?:\r\n|\r|\n)(.*?)(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)", re.DOTALL
)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_PAIR = re.compile(r"([A-Za-z][\w-]*)[ \t]*:(?:[ \t]+(.*)|)$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)$")
_QUIET = re.compile(r"[ \t]*(?:#.*)?$|[ \t]+\S")  # blank, a comment, or deeper than we read
_KEPT = ("date", "url", "tags")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the block says; `end` is the offset just behind it, 0 where there is none."""

    end: int = 0
    title: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def front_matter(text: str) -> FrontMatter:
    """Returns the front matter that the text begins with; the text itself stays as it is."""
    block = _BLOCK.match(text[:LONGEST])
    if block is None:
        return FrontMatter()
    values = _values(block.group(1))
    if not values:
        return FrontMatter()
    found = {key: ", ".join(part for part in parts if part) for key, parts in values.items()}
    kept = {key: found[key][:MOST] for key in _KEPT if found.get(key)}
    return FrontMatter(block.end(), found.get("title", "")[:MOST] or None, kept)


def _values(block: str) -> dict[str, list[str]]:
    """Returns each key, lower case, with its values; empty where a line is of another grammar."""
    values: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in _NEWLINE.split(block):
        pair, item = _PAIR.match(line), _ITEM.match(line)
        if pair is not None:
            last = _listed((pair.group(2) or "").strip())
            values[pair.group(1).lower()] = last
        elif item is not None and last is not None:
            last.append(_bare(item.group(1)))
        elif not _QUIET.match(line):
            return {}
    return values


def _listed(value: str) -> list[str]:
    if value.startswith("[") and value.endswith("]"):
        return [_bare(part) for part in value[1:-1].split(",")]
    return [_bare(value)]


def _bare(value: str) -> str:
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
