"""Front matter: the block at the top of an article → its title, date, url, tags and language.

YAML between `---`, TOML between `+++`, or a JSON object. Every YAML value stays text and aliases
are refused, so nothing is constructed or multiplied. A block that is no YAML, since its title has a
colon or begins with any character, is read by a small grammar of `key: value` and `- item` lines; a
block of any other grammar stays text.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..text.dates import parse_date
from ..types import ACCESS, Span

MAX_BLOCK_CHARS = 20_000
MAX_VALUE_CHARS = 1_000
MIN_SUMMARY_WORDS = 4

_NEWLINE = re.compile(r"\r\n|\r|\n")
_LINE_END = r"[ \t]*+(?:\r\n|\r|\n|\Z)"
_YAML = re.compile(rf"---{_LINE_END}(.*?)(?<=[\r\n])(?:---|\.\.\.){_LINE_END}", re.DOTALL)
_TOML = re.compile(rf"\+\+\+{_LINE_END}(.*?)(?<=[\r\n])\+\+\+{_LINE_END}", re.DOTALL)
_AFTER_JSON = re.compile(rf"({_LINE_END})" r"\s*+[^\s{\[,]")  # no list of objects
_KEY = re.compile(r"[^\W\d]\w*(?:[.:-]\w+)*")
_PAIR = re.compile(r"([A-Za-z][\w-]*+)[ \t]*+:(?:[ \t]++(.*)|)$")
_ITEM = re.compile(r"[ \t]*+-[ \t]++(.*)$")
_SKIPPED = re.compile(r"[ \t]*+(?:#.*)?$|[ \t]++\S")  # blank, a comment, or nested deeper
_BLOCK_SCALAR = re.compile(r"[|>][+-]?$")

_URL_KEYS = ("url", "canonicalurl", "canonical", "permalink", "link")
_TAG_KEYS = ("tags", "tag", "categories", "category", "keywords")
_LANGUAGE_KEYS = ("lang", "language", "locale")
_ACCESS_KEY = "access"
_BLANK_LINE = re.compile(r"(?:\r\n|\r|\n)[ \t]*+(?:\r\n|\r|\n)")
_ACCESS_LINE = re.compile(r"^[ \t]*+[\"']?access[\"']?[ \t]*[:=]", re.IGNORECASE | re.MULTILINE)
_SUMMARY_KEYS = "description summary deck excerpt abstract lead lede subtitle teaser".split()
_PUBLISHED_KEYS = (
    "date published publishdate publishedat pubdate pubdatetime datepublished created createdat "
    "datecreated creationdate"
).split()
"""The first of these that is a date counts, where the article does not say when it changed."""
_UPDATED_KEYS = (
    "lastmod lastmodified lastmodifiedat lastupdated lastupdate updated updatedat dateupdated "
    "modified modifiedat datemodified revised lastreviewed"
).split()
"""The newest of these counts before those above."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The parsed block; `end` is the offset after it, 0 where there is none.

    `summaries` are the spans of what it says of the article: on many pages that is all the text.
    """

    end: int = 0
    title: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    summaries: tuple[Span, ...] = ()


def parse_front_matter(text: str) -> FrontMatter:
    """Returns the front matter that the text begins with; the text itself is unchanged.

    Its metadata has `date` (ISO 8601), `url`, `tags` (separated by commas), `language` and `access`
    (JSON). A block of another grammar that seems to have `access` lets nobody read the article.
    """
    start = text[:MAX_BLOCK_CHARS]
    values: Mapping[str, Any] = {}
    end = 0
    if block := _YAML.match(start):
        values, end = _parse_yaml(block.group(1)), block.end()
    elif block := _TOML.match(start):
        values, end = _parse_toml(block.group(1)), block.end()
    elif start.startswith("{"):
        values, end = _parse_json(start)
    if not values:
        block_like = start[:end] or _BLANK_LINE.split(start, maxsplit=1)[0]
        is_closed = start.startswith(("---", "+++", "{")) and _ACCESS_LINE.search(block_like)
        return FrontMatter(metadata={ACCESS: "[]"} if is_closed else {})
    lists = {_normalize(key): list(_texts(value)) for key, value in values.items()}
    title = _join(lists.get("title", ())) or None
    return FrontMatter(end, title, _metadata(lists), tuple(_summaries(text[:end], lists)))


def _summaries(block: str, lists: Mapping[str, list[str]]) -> list[Span]:
    """Returns where the block's descriptions stand, each text once."""
    spans: dict[str, Span] = {}
    for summary in (text for key in _SUMMARY_KEYS for text in lists.get(key, ())):
        words = summary.split()
        if len(words) >= MIN_SUMMARY_WORDS and summary not in spans:
            found = re.search(r"\s+".join(map(re.escape, words)), block)
            if found:
                spans[summary] = found.span()
    return sorted(spans.values())


def _metadata(lists: Mapping[str, list[str]]) -> dict[str, str]:
    tags = dict.fromkeys(tag for key in _TAG_KEYS for tag in lists.get(key, ()))
    metadata = {
        "date": _date(lists),
        "url": next((_join(lists[key]) for key in _URL_KEYS if lists.get(key)), ""),
        "tags": _join(tags),
        "language": next((_join(lists[key]) for key in _LANGUAGE_KEYS if lists.get(key)), ""),
    }
    metadata = {key: value for key, value in metadata.items() if value}
    if _ACCESS_KEY in lists:
        metadata[ACCESS] = json.dumps(_groups(lists[_ACCESS_KEY]), ensure_ascii=False)
    return metadata


def _groups(texts: Iterable[str]) -> list[str]:
    """Returns the groups that a list, or a text with commas, names."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def _date(lists: Mapping[str, list[str]]) -> str:
    """Returns the newest date of a change, else the date of publication; empty where none is."""
    updated, published = (
        [iso for key in keys for text in lists.get(key, ()) if (iso := parse_date(text))]
        for keys in (_UPDATED_KEYS, _PUBLISHED_KEYS)
    )
    return max(updated, default="") or next(iter(published), "")


def _normalize(key: str) -> str:
    """Returns a key as those above are written: `last_updated` and `lastUpdated` are the same."""
    return re.sub(r"[\W_]", "", key).lower()


def _join(texts: Any) -> str:
    return ", ".join(texts)[:MAX_VALUE_CHARS]


def _texts(value: Any) -> Iterator[str]:
    """Yields the texts of a value without blanks around; of a mapping, `date` and `name` alone."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            item = item.get("date") or item.get("name")
        text = "" if item is None or isinstance(item, list | dict) else " ".join(str(item).split())
        if text and text != "~":
            yield text


def _parse_yaml(block: str) -> Mapping[str, Any]:
    """Returns the block's keys with their values; empty where it is of another grammar."""
    import yaml  # type: ignore[import-untyped]  # it ships no types

    try:
        values = yaml.load(block, _loader())  # constructs text, lists and mappings
    except (yaml.YAMLError, ValueError, RecursionError):
        return _parse_lines(block)
    if not isinstance(values, dict):
        return {}
    keys = [key for key in values if isinstance(key, str)]
    is_known = any(_normalize(key) in ("title", *_PUBLISHED_KEYS, *_TAG_KEYS) for key in keys)
    if not is_known and not all(_KEY.fullmatch(key) for key in keys):
        return {}
    return {key: values[key] for key in keys}


@cache
def _loader() -> Any:
    """Returns a YAML loader to which every scalar is text, tags mean nothing and aliases none."""
    import yaml

    class TextLoader(yaml.BaseLoader):  # type: ignore[misc]  # it ships no types
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("has an alias")
            return super().compose_node(parent, index)

    return TextLoader


def _parse_toml(block: str) -> Mapping[str, Any]:
    """Returns the block's keys with their values, those of `taxonomies` too; empty if invalid."""
    try:
        values = tomllib.loads(_NEWLINE.sub("\n", block))
    except (ValueError, RecursionError):
        return {}
    taxonomies = values.get("taxonomies")
    return {**(taxonomies if isinstance(taxonomies, dict) else {}), **values}


def _parse_json(text: str) -> tuple[Mapping[str, Any], int]:
    """Returns the object that the text begins with, if it has a title or a date, and its end."""
    try:
        values, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}, 0
    is_front = {"title", *_PUBLISHED_KEYS} & {_normalize(key) for key in values}
    after = _AFTER_JSON.match(text, end)
    return (values, after.end(1)) if is_front and after else ({}, 0)


def _parse_lines(block: str) -> dict[str, list[str]]:
    """Returns each key with its values; empty where a line is of another grammar."""
    lists: dict[str, list[str]] = {}
    current: list[str] | None = None
    is_scalar = False
    for line in _NEWLINE.split(block):
        pair, item = _PAIR.match(line), _ITEM.match(line)
        if pair is not None:
            value = (pair.group(2) or "").strip()
            is_scalar = bool(_BLOCK_SCALAR.match(value))
            current = [""] if is_scalar else _parse_value(value)
            lists[pair.group(1)] = current
        elif is_scalar and current is not None and line[:1] in (" ", "\t"):
            current[0] = f"{current[0]} {line.strip()}".strip()
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
