"""The nouns of the index: what a file becomes on its way into a generation.

All text offsets are Unicode code points into the source's text, 0-based, end exclusive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

Span = tuple[int, int]
"""(start, end) in code points, 0-based, end exclusive."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's own span in the text, its level (1 is the top) and its words."""

    start: int
    end: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """What an extractor makes of a file's bytes.

    `blocks` are the paragraphs, in order and without overlap; what lies between them is white
    space, or says something of the document (front matter). `pages` holds the offset at which
    each page begins (page 1 first); empty where the format has none.
    """

    text: str
    blocks: tuple[Span, ...]
    title: str | None = None
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One article file: its id, its path below the corpus (with `/`) and what is known of it."""

    id: str
    path: str
    title: str
    sha256: str
    size: int
    mtime_ns: int
    length: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which sources to search in; what is empty or None restricts nothing, all must hold.

    `sources` are paths, or prefixes that end in `/`; of `tags` one is enough, whatever its case;
    `since` and `until` are days, both included, compared with the source's `date`. A source
    without a date is in no span of days.
    """

    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a source, by offsets; `sentences` cover it in order.

    `row` is its place in one generation's arrays and means nothing outside that generation;
    `id` derives from source, offsets and text and stays the same from build to build.
    """

    row: int
    id: str
    source_id: str
    start: int
    end: int
    sentences: tuple[Span, ...]
    heading: str | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out of the index, and why."""

    path: str
    cause: str
    passing: bool = False
    """Is it the disk's trouble, not the file's? Then what was indexed of it before stays."""


@dataclass(frozen=True, slots=True)
class GenerationInfo:
    """What one says of a generation to people: its collection, name, and whether it is whole.

    `exact`: its vectors are compared one by one, as Chroma's graph loses too many of them.
    """

    collection: str
    generation: str
    complete: bool
    built_at: str
    sources: int
    chunks: int
    exact: bool = False
