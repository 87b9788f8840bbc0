"""An open generation as if some of its sources did not exist: what callers of some groups may read.

Not only hits are left out: numbers of articles, frequencies of words, the vocabulary of spelling
corrections and samples are those of an index without the others, so answers are, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from ..access import AccessPolicy, Rule
from ..types import Chunk, Filters, GenerationInfo, Source
from .bm25 import ChunkTerms, Floats, Ints, inverse_frequencies
from .catalog import MAX_OFFSET
from .manifest import Manifest
from .opened import CandidateQuery, Evidence, OpenGeneration, Rows

PAGE = 500
"""Sources that are read at a time, to leave some out."""
MAX_VIEWS = 64
"""Combinations of groups of which what they may read is kept."""


@dataclass(slots=True)
class _Part:
    """The sources of a generation with the same rules: how many, and the rows of their chunks."""

    sources: int = 0
    rows: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    documents: Ints | None = None
    """The number of its chunks that contain each term, once it was asked for."""


class AccessTable:
    """What each combination of groups may read of one generation; safe for several threads."""

    def __init__(self, generation: OpenGeneration, policy: AccessPolicy) -> None:
        """Looks at every source, where there are any rules; blocks."""
        self.generation = generation
        self._parts: dict[frozenset[Rule], _Part] = {}
        self.rules_of: dict[str, frozenset[Rule]] = {}
        """The rules of each source that has any, by source id."""
        self.groups: frozenset[str] = frozenset()
        """All groups that a rule names."""
        self._views: dict[frozenset[str], OpenGeneration] = {}
        self._lock = Lock()
        if generation.manifest.restricted or not policy.is_empty:
            self._fill(policy)

    def _fill(self, policy: AccessPolicy) -> None:
        rows: dict[frozenset[Rule], list[range]] = {}
        for source in self.generation.sources():
            rules = frozenset(policy.rules(source))
            if rules:
                self.rules_of[source.id] = rules
            part = self._parts.setdefault(rules, _Part())
            part.sources += 1
            rows.setdefault(rules, []).append(self.generation.source_rows.get(source.id, range(0)))
        for rules, own in rows.items():
            every = [np.arange(one.start, one.stop, dtype=np.int64) for one in own]
            self._parts[rules].rows = np.sort(np.concatenate(every))
        self.groups = frozenset().union(*(rule for rules in self._parts for rule in rules))

    @property
    def has_rules(self) -> bool:
        """Whether any source has one."""
        return bool(self.rules_of)

    def view(self, groups: frozenset[str]) -> OpenGeneration:
        """Returns the generation as callers of these groups may see it; itself without rules."""
        if not self.has_rules:
            return self.generation
        own = groups & self.groups
        with self._lock:
            if own not in self._views:
                if len(self._views) >= MAX_VIEWS:
                    self._views.pop(next(iter(self._views)))
                self._views[own] = RestrictedGeneration(self, own)
            return self._views[own]

    def parts(self, groups: frozenset[str]) -> "tuple[list[_Part], list[_Part]]":
        """Returns the parts that callers of these groups may read, and the others."""
        readable, others = list[_Part](), list[_Part]()
        for rules, part in self._parts.items():
            (readable if all(rule & groups for rule in rules) else others).append(part)
        return readable, others

    def documents(self, part: _Part) -> Ints:
        """Returns the number of a part's chunks that contain each term; blocks."""
        if part.documents is None:
            part.documents = self.generation.count_documents(part.rows)
        return part.documents


class RestrictedGeneration:
    """The part of a generation that some groups may read; an `OpenGeneration`, as it is."""

    def __init__(self, table: AccessTable, groups: frozenset[str]) -> None:
        """Ends with the generation; keeps nothing open itself."""
        self._table, self._groups = table, groups
        self._all = generation = table.generation
        self._parts, self._others = table.parts(groups)
        self.manifest: Manifest = generation.manifest
        self.folder: Path = generation.folder
        self.embedder = generation.embedder
        every = [part.rows for part in (*self._parts, *self._others)]
        self._within: Rows = np.zeros(
            max((int(r[-1]) + 1 for r in every if len(r)), default=0), bool
        )
        for part in self._parts:
            self._within[part.rows] = True
        self.info: GenerationInfo = replace(
            generation.info,
            sources=sum(part.sources for part in self._parts),
            chunks=int(self._within.sum()),
        )

    @cached_property
    def _rows(self) -> Ints:
        return np.flatnonzero(self._within)

    @property
    def source_rows(self) -> Mapping[str, range]:
        """The rows of each source's chunks, by source id."""
        every = self._all.source_rows
        return {source_id: rows for source_id, rows in every.items() if self._has(source_id)}

    def _has(self, source_id: str) -> bool:
        """Whether the groups may read a source, if it exists."""
        rules = self._table.rules_of.get(source_id)
        return rules is None or all(rule & self._groups for rule in rules)

    # --- sources

    def source(self, source_id: str) -> Source | None:
        """Returns the source with this id, or None."""
        return self._all.source(source_id) if self._has(source_id) else None

    def sources(self, *, after: str | None = None, limit: int = -1) -> list[Source]:
        """Returns the sources by path, those after a path if given; all if `limit` is −1."""
        found: list[Source] = []
        while limit < 0 or len(found) < limit:
            page = self._all.sources(after=after, limit=PAGE if limit >= 0 else -1)
            found += [one for one in page if self._has(one.id)]
            if limit < 0 or len(page) < PAGE:
                break
            after = page[-1].path
        return found if limit < 0 else found[:limit]

    def all_sources(self) -> Mapping[str, tuple[Source, str]]:
        """Returns every source with its file's stat signature, by path."""
        every = self._all.all_sources()
        return {path: entry for path, entry in every.items() if self._has(entry[0].id)}

    def text(self, source_id: str) -> str:
        """Returns a source's text; raises KeyError."""
        return self._all.text(self._checked(source_id))

    def _checked(self, source_id: str) -> str:
        if not self._has(source_id):
            raise KeyError(source_id)
        return source_id

    # --- chunks

    def source_chunks(
        self, source_id: str, *, start: int = 0, end: int = MAX_OFFSET
    ) -> list[Chunk]:
        """Returns a source's chunks in reading order, those between two offsets only."""
        return self._all.source_chunks(self._checked(source_id), start=start, end=end)

    def passage_count(self, source_id: str) -> int:
        """Returns the number of a source's chunks; 0 for an unknown one."""
        return self._all.passage_count(source_id) if self._has(source_id) else 0

    def chunk_at(self, source_id: str, offset: int) -> Chunk | None:
        """Returns the chunk of a source that contains a character offset, or None."""
        return self._all.chunk_at(source_id, offset) if self._has(source_id) else None

    def neighbours(self, chunk: Chunk, before: int, after: int) -> list[Chunk]:
        """Returns the chunk with up to so many before and after it in its source, in order."""
        self._checked(chunk.source_id)
        return self._all.neighbours(chunk, before, after)

    def chunks(self, rows: Sequence[int]) -> list[tuple[Chunk, str]]:
        """Returns the chunks of these rows with their text, in this order; raises KeyError."""
        found = self._all.chunks(rows)
        for chunk, _ in found:
            self._checked(chunk.source_id)
        return found

    def sample(self, count: int) -> list[tuple[Chunk, str]]:
        """Returns up to `count` chunks with their text, evenly spread; the first for 1."""
        total = len(self._rows)
        places = np.linspace(0, total - 1, min(count, total)).astype(np.int64)
        return self._all.chunks(self._rows[np.unique(places)].tolist())

    # --- words

    @cached_property
    def _documents(self) -> Ints:
        """The number of its chunks that contain each term, by the term's id."""
        own, others = (sum(len(p.rows) for p in parts) for parts in (self._parts, self._others))
        if own <= others:
            return self._sum(self._parts)
        every = np.array(self._all.document_frequencies(), np.int64)
        return np.asarray(every - self._sum(self._others))

    def _sum(self, parts: Sequence[_Part]) -> Ints:
        none = self._all.count_documents(np.empty(0, np.int64))
        return np.asarray(sum((self._table.documents(part) for part in parts), start=none))

    @cached_property
    def _mean_terms(self) -> float:
        """The mean number of terms of its chunks."""
        counts = self._all.term_counts(self._rows)
        return float(counts.astype(np.float32).mean()) if len(counts) else 1.0

    def document_frequencies(self) -> Sequence[int]:
        """Returns the number of its chunks that contain each term, by the term's id."""
        return [int(count) for count in self._documents]

    def count_documents(self, rows: Ints) -> Ints:
        """Returns how many of the chunks, if they are its own, contain each term."""
        return self._all.count_documents(rows[self._within[rows]])

    def term_counts(self, rows: Ints) -> Ints:
        """Returns the number of terms (n,) of each of the chunks."""
        return self._all.term_counts(rows)

    def vocabulary(self, terms: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Returns (id, document frequency) of each of the terms that its chunks contain."""
        known = self._all.vocabulary(terms)
        own = {term: (number, int(self._documents[number])) for term, (number, _) in known.items()}
        return {term: (number, count) for term, (number, count) in own.items() if count}

    def idf(self, document_frequencies: Sequence[int]) -> Floats:
        """Returns BM25's idf of terms."""
        return inverse_frequencies(document_frequencies, self.info.chunks)

    def chunk_terms(self, rows: Ints) -> ChunkTerms:
        """Returns the terms of the chunks, in one batch."""
        return replace(self._all.chunk_terms(rows), mean_length=self._mean_terms)

    # --- search

    def candidates(
        self, query: CandidateQuery, *, limit: int, filters: Filters, within: Rows | None = None
    ) -> Ints:
        """Returns rows of filtered sources, ascending: the best `limit` by words and by vector."""
        own = self._within if within is None else self._within & within
        return self._all.candidates(query, limit=limit, filters=filters, within=own)

    def evidence(self, rows: Ints) -> Evidence:
        """Returns what the scores of the chunks are made of, in one batch."""
        evidence = self._all.evidence(rows)
        return replace(evidence, terms=replace(evidence.terms, mean_length=self._mean_terms))

    def find_lexical(self, terms: Sequence[str], *, limit: int) -> list[int]:
        """Returns rows of the chunks that contain any of the terms, best BM25 first."""
        wanted = limit
        while True:
            found = self._all.find_lexical(terms, limit=wanted)
            own = [row for row in found if self._within[row]]
            if len(own) >= limit or len(found) < wanted:
                return own[:limit]
            wanted *= 4
