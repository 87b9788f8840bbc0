"""The passages that a model is shown: hits → sections that fill a budget of characters.

A section is a run of neighbouring chunks of one source, in their order: what stands around the best
hits under the same heading, and the other hits with the list they are part of. So several hits of a
section are one passage, and no list is cut from its items as long as it is short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from index.store.opened import OpenGeneration
from index.text.chunk import JOINT
from index.types import Chunk, Unit

from ..types import Hit, ScoredUnit, Scores
from .duplicates import deduplicate

CANDIDATES = 60
"""Hits that are searched for, of which those are shown that fit."""
FIRST_HITS = 30
"""Hits that are shown before the sections of the best ones grow on."""
WHOLE_SECTIONS = 5
"""Best hits that are shown with their section before any other hit is shown."""
MAX_SECTION_CHARS = 800
"""Of a section that is shown before other hits; then it may grow."""
MAX_LIST_CHARS = 1_600
"""Of what is added to a hit to complete its list or table."""
CHUNKS_AROUND = 16
"""Chunks before and after a hit that are looked at."""
UNIT_CHARS = 8
"""What the number of a sentence takes in a prompt."""
HEADER_CHARS = 100
"""What the title, date, headings and path of a passage take, about."""
TITLE_WITHIN = 2_000
"""Characters at the beginning of a text in which its title is looked for."""
_NOT_FOUND = Scores(0.0, 0.0, 0.0)

Place = tuple[Hit, ScoredUnit]
"""A unit, with the chunk that it stands in as a hit."""


@dataclass(frozen=True, slots=True)
class Section:
    """Neighbouring chunks of one source as hits, in their order; one has score 0 if not found."""

    hits: tuple[Hit, ...]
    head: tuple[Place, ...] = ()
    """Its source's title and its last heading, where they stand in the text before it."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Its units, in their order; a chunk without any is one."""
        return tuple((hit, unit) for hit in self.hits for unit in hit.units or (_whole(hit),))


def sections(
    generation: OpenGeneration, hits: Sequence[Hit], *, chars: int, shown: Sequence[Section] = ()
) -> tuple[Section, ...]:
    """Returns the sections around the hits that fit `chars` characters, the best hit's first.

    The best hit is always in one of them. What was `shown` before is left out.
    """
    excluded = frozenset(hit.chunk.row for section in shown for hit in section.hits)
    unique = [hit for hit in deduplicate(hits) if hit.chunk.row not in excluded]
    selection = _Selection(generation, unique, chars, excluded)
    for hit in unique[:WHOLE_SECTIONS]:
        selection.add(hit, MAX_SECTION_CHARS)
    for hit in unique[:FIRST_HITS]:
        selection.add(hit, 0)
    for hit in unique:
        selection.add(hit, chars)
    return tuple(selection.sections())


class _Selection:
    """The rows of the chunks selected so far, within the budget."""

    def __init__(
        self, generation: OpenGeneration, hits: Sequence[Hit], chars: int, excluded: frozenset[int]
    ) -> None:
        self._generation, self._chars, self._excluded = generation, chars, excluded
        self._hits = {hit.chunk.row: hit for hit in hits}
        self._chunks = {hit.chunk.row: hit.chunk for hit in hits}
        self._windows: dict[int, dict[int, Chunk]] = {}
        self._selected: set[int] = set()

    def add(self, hit: Hit, limit: int) -> None:
        """Adds a hit with its list, then with its section up to `limit` characters, as they fit."""
        row = hit.chunk.row
        if self._selected and self._chars < UNIT_CHARS:
            return
        chunks = self._around(hit.chunk)
        if not self._take([row], chunks) and row not in self._selected:
            return
        for rows in (_list_rows(chunks, row), _heading_rows(chunks, row)):
            self._take(rows, chunks)
        size = self._cost(row, chunks)
        for near in _section_rows(chunks, row):
            size += self._cost(near, chunks)
            if size > limit or not self._take([near], chunks):
                return

    def sections(self) -> Iterator[Section]:
        """Yields the runs of neighbouring chunks, that with the best hit first."""
        runs: list[list[int]] = []
        for row in sorted(self._selected):
            source = self._chunks[row].source_id
            last = runs[-1][-1] if runs else None
            if last == row - 1 and self._chunks[last].source_id == source:
                runs[-1].append(row)
            else:
                runs.append([row])
        ranks = {row: hit.rank for row, hit in self._hits.items()}
        runs.sort(key=lambda run: min(ranks.get(row, len(ranks) + 1) for row in run))
        for run in runs:
            found = next(self._hits[row] for row in run if row in self._hits)
            if all(_is_heading(self._chunks[row]) for row in run):
                continue
            hits = tuple(self._hit(row, found) for row in run)
            yield Section(hits, tuple(_head(hits[0], self._generation.text(found.source.id))))

    def _take(self, rows: Sequence[int], chunks: dict[int, Chunk]) -> bool:
        """Selects the rows if they fit together; whether they did."""
        new = [row for row in rows if row not in self._selected]
        size = sum(self._cost(row, chunks) for row in new)
        if size > self._chars and self._selected:
            return False
        self._chars -= size
        self._selected.update(new)
        self._chunks.update((row, chunks[row]) for row in new)
        return True

    def _cost(self, row: int, chunks: dict[int, Chunk]) -> int:
        """Returns about how many characters a chunk adds to a prompt."""
        chunk = chunks[row]
        near = row - 1 in self._selected or row + 1 in self._selected
        rows = (unit for unit in chunk.units if unit.kind == "row")
        names = sum(end - start for unit in rows for start, end in unit.under)
        size = chunk.end - chunk.start + UNIT_CHARS * len(chunk.units) + names
        return size if near else size + HEADER_CHARS

    def _around(self, chunk: Chunk) -> dict[int, Chunk]:
        """Returns the chunks of its source near it that may be selected, by row."""
        if chunk.row not in self._windows:
            near = self._generation.neighbours(chunk, CHUNKS_AROUND, CHUNKS_AROUND)
            own = {one.row: one for one in near if one.row not in self._excluded}
            self._windows[chunk.row] = own
        return self._windows[chunk.row]

    def _hit(self, row: int, found: Hit) -> Hit:
        """Returns a chunk as a hit, of the source of another hit."""
        if row in self._hits:
            return self._hits[row]
        chunk, text = self._chunks[row], self._generation.text(found.source.id)
        units = tuple(unscored(unit, text) for unit in chunk.units)
        return replace(
            found,
            chunk=chunk,
            text=text[chunk.start : chunk.end],
            score=0.0,
            scores=_NOT_FOUND,
            units=units,
        )


def _list_rows(chunks: dict[int, Chunk], row: int) -> list[int]:
    """Returns the rows of the chunks that complete the list or table of one, if they are short."""
    first = last = row
    while first - 1 in chunks and _continues(chunks[first - 1], chunks[first]):
        first -= 1
    while last + 1 in chunks and _continues(chunks[last], chunks[last + 1]):
        last += 1
    rows = list(range(first, last + 1))
    size = sum(chunks[one].end - chunks[one].start for one in rows)
    return rows if size <= MAX_LIST_CHARS else [row]


def _continues(before: Chunk, after: Chunk) -> bool:
    """Whether a chunk begins within the list that the one before it is part of, or introduces."""
    if not before.units or not after.units:
        return False
    last, first = before.units[-1], after.units[0]
    if first.kind not in ("item", "row", "code"):
        return False
    spans = {(unit.start, unit.end) for unit in before.units}
    return any(span in spans for span in first.under) or (
        last.kind == first.kind and last.under[:1] == first.under[:1]
    )


def _heading_rows(chunks: dict[int, Chunk], row: int) -> list[int]:
    """Returns the rows up to the first chunk that is more than headings."""
    rows = [row]
    while _is_heading(chunks[rows[-1]]) and rows[-1] + 1 in chunks:
        rows.append(rows[-1] + 1)
    return rows


def _is_heading(chunk: Chunk) -> bool:
    return all(unit.kind == "heading" for unit in chunk.units)


def _section_rows(chunks: dict[int, Chunk], row: int) -> Iterator[int]:
    """Yields the other rows under the same heading, nearest first, what follows before the rest."""
    heading = chunks[row].heading
    steps = [1, -1]
    for distance in range(1, CHUNKS_AROUND + 1):
        for step in tuple(steps):
            near = chunks.get(row + step * distance)
            if near is None or near.heading != heading:
                steps.remove(step)
            else:
                yield near.row


def _head(hit: Hit, text: str) -> Iterator[Place]:
    """Yields the title and the last heading of a hit as they stand in its source's text above."""
    above, end = replace(hit, chunk=replace(hit.chunk, heading=None, page=None)), hit.chunk.start
    title = hit.source.title.strip()
    heading = (hit.chunk.heading or "").rpartition(JOINT)[2].strip()
    for place, words, start in (
        (above, title, text.find(title, 0, min(TITLE_WITHIN, end))),
        (hit, heading, text.rfind(heading, 0, end)),
    ):
        around = text[max(start - 1, 0) : start] + text[start + len(words) : start + len(words) + 1]
        if words and start >= 0 and not any(map(str.isalnum, around)):
            yield place, ScoredUnit(start, start + len(words), words, 0.0, 0.0, kind="heading")


def _whole(hit: Hit) -> ScoredUnit:
    return ScoredUnit(hit.chunk.start, hit.chunk.end, hit.text, 0.0, 0.0)


def unscored(unit: Unit, text: str) -> ScoredUnit:
    """Returns a unit of the source that has this text, without scores."""
    context = tuple(text[start:end] for start, end in unit.under)
    words = text[unit.start : unit.end]
    return ScoredUnit(unit.start, unit.end, words, 0.0, 0.0, 0.0, unit.kind, unit.under, context)
