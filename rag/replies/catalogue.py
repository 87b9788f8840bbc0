"""Which articles there are: their titles and dates from the catalogue, by subject and date.

An article mentions a subject if its title or its path has all content words of it, or one of its
passages does, title and headings included. Words are compared as the index has them (stemmed).
"""

from collections.abc import Sequence

import numpy as np

from index.filters import matches, parse_day
from index.store.opened import OpenGeneration
from index.text.analyzer import content_terms, terms
from index.text.limits import shorten
from index.types import Filters, Source

from ..language.kind.intent import Intent
from .texts import CATALOGUE, GREETINGS, SERVICE

MAX_LISTED = 20
MAX_TITLE_CHARS = 200
MAX_PASSAGES = 1_000
"""Passages with words of the subject that are looked at, best first."""


def reply_to(
    intent: Intent, generation: OpenGeneration, filters: Filters
) -> tuple[str, tuple[Source, ...]]:
    """Returns the reply to a greeting or a question about the service or its articles.

    And the articles that it lists; only those that the filters allow are listed or counted. Blocks.
    """
    if intent.kind == "greeting" and intent.act:
        return GREETINGS[intent.language][intent.act], ()
    sources = [one for one in generation.sources() if matches(filters, one.path, one.metadata)]
    if intent.kind == "service":
        return SERVICE[intent.language].format(count=len(sources)), ()
    found = mentioning(intent.subject, generation, sources) if intent.subject else sources
    undated = 0
    if intent.wants_newest:
        dated = [one for one in found if one.date]
        undated = len(found) - len(dated)
        found = sorted(dated, key=lambda one: one.date or "", reverse=True)
    if intent.since:
        found = [one for one in found if (day := parse_day(one.date or "")) and day >= intent.since]
    return _text(intent, found, undated), tuple(found[:MAX_LISTED])


def mentioning(subject: str, generation: OpenGeneration, sources: Sequence[Source]) -> list[Source]:
    """Returns the sources that mention the subject, those with it in their title first."""
    wanted = content_terms(terms(subject))
    known = generation.vocabulary(wanted)
    if not wanted:
        return []
    in_title = {one.id for one in sources if set(wanted).issubset(terms(title_of(one)))}
    in_text = set[str]()
    if len(known) == len(wanted):
        rows = np.array(sorted(generation.find_lexical(wanted, limit=MAX_PASSAGES)), np.int64)
        if len(rows):
            ids = np.array([known[term][0] for term in wanted], np.int64)
            frequencies = generation.chunk_terms(rows).positions(ids).frequencies()
            counts = np.add.reduceat(frequencies.segments, frequencies.offsets[:-1], axis=0)
            whole = rows[(counts > 0).all(axis=1)]
            in_text = {chunk.source_id for chunk, _ in generation.chunks(whole.tolist())}
    found = [one for one in sources if one.id in in_title or one.id in in_text]
    return sorted(found, key=lambda one: one.id not in in_title)


def title_of(source: Source) -> str:
    """Returns a source's title and its file's name."""
    stem = source.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return f"{source.title} {stem}"


def _text(intent: Intent, found: Sequence[Source], undated: int) -> str:
    words = CATALOGUE[intent.language]
    line = words.articles
    if intent.subject:
        line += words.about.format(subject=" ".join(intent.subject.split()))
    if intent.since:
        line += words.since.format(since=intent.since.isoformat())
    line += words.count.format(count=len(found)) if found else words.none
    lines = [line, *(f"- {_entry(one)}" for one in found[:MAX_LISTED])]
    if len(found) > MAX_LISTED:
        lines.append(words.more.format(count=len(found) - MAX_LISTED))
    if undated:
        lines.append(words.undated.format(count=undated))
    return "\n".join(lines)


def _entry(source: Source) -> str:
    title = shorten(" ".join(source.title.split()), MAX_TITLE_CHARS)
    return f"{title} ({source.date})" if source.date else title
