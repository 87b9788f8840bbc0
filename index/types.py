"""The data types of the index: what a file becomes on its way into a generation.

All text offsets are Unicode code points into the source's text, 0-based, end exclusive.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'`{}|\\^]{1,2000}")
_ISO_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")

ACCESS, FOLDER_ACCESS = "access", "folder_access"
"""Keys of a source's metadata: the groups that its front matter names, and the rules of its folders
(`index/access.py`), both as JSON."""

Engine = Literal["chroma", "lance"]
"""What searches a generation: Chroma with tantivy and SQLite, or Lance."""

Span = tuple[int, int]
"""(start, end) in code points, 0-based, end exclusive."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's span in the text, its level (1 is the top) and its words."""

    start: int
    end: int
    level: int
    text: str


UnitKind = Literal["sentence", "heading", "row", "item", "code", "field"]
"""A table's header row is a heading: it names what stands below, and is no answer by itself."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest part of a text that is quoted whole.

    `under` are the spans of what it stands under, outermost first: a row's header row, a list
    item's introduction and the items around it, a definition's term, the sentence before a code
    block. A row's cells are separated by `|`; a field is `name: value`.
    """

    start: int
    end: int
    kind: UnitKind = "sentence"
    under: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What an extractor returns for a file's bytes.

    `blocks` are the paragraphs, in order and without overlap; between them is only white space or
    front matter. `units` are those that are no sentences, in order, each within a block; what a
    block holds besides is split into sentences. `pages` holds the offset of each page's start
    (page 1 first); empty where the format has no pages. `notes` say what of the file was not read
    as it stands, for the operator ("2 bytes that are not UTF-8 were replaced").
    """

    text: str
    blocks: tuple[Span, ...]
    title: str | None = None
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    units: tuple[Unit, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One article file; `path` is relative to the corpus (with `/`), `length` in code points."""

    id: str
    path: str
    title: str
    sha256: str
    size: int
    mtime_ns: int
    length: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What of the file was not read as it stands."""

    @property
    def date(self) -> str | None:
        """The day that the article states (`YYYY`, `YYYY-MM` or `YYYY-MM-DD`); None without one.

        It is never the file's own time.
        """
        value = self.metadata.get("date", "")
        return value if _ISO_DATE.fullmatch(value) else None

    @property
    def url(self) -> str | None:
        """The address of the page that the article is a copy of; None without one."""
        value = self.metadata.get("url", "")
        return value if _WEB_ADDRESS.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which sources to search; all conditions must hold, an empty or None one restricts nothing.

    `sources` are paths, or prefixes that end in `/`; one matching tag is enough, in any case;
    `since` and `until` are inclusive and compared with the source's `date`. A source without a
    date is in no date range.
    """

    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a source's text, by offsets; `units` cover it in order.

    `row` is its index in one generation's arrays and has no meaning outside that generation;
    `id` derives from source, offsets and text and stays the same from build to build.
    """

    row: int
    id: str
    source_id: str
    start: int
    end: int
    units: tuple[Unit, ...]
    heading: str | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out of the index, and why.

    `passing` (a key of manifests) marks a transient disk error, not a fault of the file: what was
    indexed of the file before is kept.
    """

    path: str
    cause: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What of an indexed file was not read as it stands."""

    path: str
    note: str


@dataclass(frozen=True, slots=True)
class GenerationInfo:
    """Summary of a generation; `complete`: it has vectors, not only the lexical index.

    `exact`: vectors are compared one by one, because Chroma's graph loses too many of them.
    """

    collection: str
    generation: str
    complete: bool
    built_at: str
    sources: int
    chunks: int
    exact: bool = False
