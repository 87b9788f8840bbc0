"""Front matter: the `---` block at the top of an article → its title, date, url and tags.

A small grammar of its own (`key: value`, `key: [a, b]`, `- item` lines), not YAML: a title may
hold a colon or begin with any character, nothing is constructed or executed, and a block of any
other grammar stays text.
"""

import re
from dataclasses import dataclass, field

MAX_BLOCK_CHARS = 20_000
MAX_VALUE_CHARS = 1_000

_BLOCK = re.compile(
    r"---[ \t]*+(?:\r\n|\r|\n)(.*?)(?<=[\r\n])(?:---|\.\.\.)[ \t]*+(?:\r\n|\r|\n|\Z)", re.DOTALL
)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_PAIR = re.compile(r"([A-Za-z][\w-]*+)[ \t]*+:(?:[ \t]++(.*)|)$")
_ITEM = re.compile(r"[ \t]*+-[ \t]++(.*)$")
_SKIPPED = re.compile(r"[ \t]*+(?:#.*)?$|[ \t]++\S")  # blank, a comment, or nested deeper
_METADATA_KEYS = ("date", "url", "tags")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The parsed block; `end` is the offset after it, 0 where there is none."""

    end: int = 0
    title: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def parse_front_matter(text: str) -> FrontMatter:
    """Returns the front matter that the text begins with; the text itself is unchanged."""
    block = _BLOCK.match(text[:MAX_BLOCK_CHARS])
    lists = _parse_block(block.group(1)) if block else {}
    if block is None or not lists:
        return FrontMatter()
    values = {
        key: ", ".join(item for item in items if item)[:MAX_VALUE_CHARS]
        for key, items in lists.items()
    }
    metadata = {key: values[key] for key in _METADATA_KEYS if values.get(key)}
    return FrontMatter(block.end(), values.get("title") or None, metadata)


def _parse_block(block: str) -> dict[str, list[str]]:
    """Returns each lower-case key with its values; empty where a line is of another grammar."""
    lists: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in _NEWLINE.split(block):
        pair, item = _PAIR.match(line), _ITEM.match(line)
        if pair is not None:
            current = _parse_value((pair.group(2) or "").strip())
            lists[pair.group(1).lower()] = current
        elif item is not None and current is not None:
            current.append(_unquote(item.group(1)))
        elif not _SKIPPED.match(line):
            return {}
    return lists


def _parse_value(value: str) -> list[str]:
    if value.startswith("[") and value.endswith("]"):
        return [_unquote(part) for part in value[1:-1].split(",")]
    return [_unquote(value)]


def _unquote(value: str) -> str:
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value
