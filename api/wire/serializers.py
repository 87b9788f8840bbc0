"""Answers, hits and sources → their JSON shapes, with signed links; one function a shape."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TypeVar

from pydantic import BaseModel

from index.text.limits import (
    MAX_HEADING_PATH_CHARS,
    MAX_METADATA_ENTRIES,
    MAX_METADATA_KEY_CHARS,
    MAX_METADATA_VALUE_CHARS,
    MAX_TITLE_CHARS,
    shorten,
)
from index.types import ACCESS, FOLDER_ACCESS, GenerationInfo, Source
from rag import types as rag

from . import schemas
from .signed_links import LinkSigner

MAX_LIST_BYTES = 1_000_000
"""Of the passages, or the sources, of one reply, as JSON; the rest of a longer list is left out.

No reply repeats more of an index than that, whatever made it: fifty passages of the largest size
have 240,000 characters.
"""

Item = TypeVar("Item", bound=BaseModel)


def _within_limit(items: Iterable[Item]) -> Iterator[Item]:
    """Yields the first items that together have `MAX_LIST_BYTES` as JSON, at least one."""
    size = 0
    for item in items:
        item_size = len(item.model_dump_json())
        size += item_size
        if size > MAX_LIST_BYTES and size > item_size:
            return
        yield item


def passages(hits: Iterable[rag.Hit], links: LinkSigner) -> list[schemas.Passage]:
    """Returns the passages of a reply, best first; the last ones are left out of a long reply."""
    return list(_within_limit(passage(hit, links) for hit in hits))


def _heading(heading: str | None) -> str | None:
    return heading and shorten(heading, MAX_HEADING_PATH_CHARS)


def passage(hit: rag.Hit, links: LinkSigner) -> schemas.Passage:
    """Returns a passage, which is the same in answers, search results and streams."""
    chunk, source, scores = hit.chunk, hit.source, hit.scores
    start, end = chunk.start, chunk.end
    return schemas.Passage(
        rank=hit.rank,
        source_id=source.id,
        source=source.path,
        title=shorten(source.title, MAX_TITLE_CHARS),
        heading=_heading(chunk.heading),
        page=chunk.page,
        start=start,
        end=end,
        text=hit.text,
        score=round(hit.score, 4),
        scores=schemas.Scores(
            dense=round(scores.dense, 4),
            lexical=round(scores.lexical, 4),
            sentence=round(scores.sentence, 4),
        ),
        date=source.date,
        unit=max(hit.units, key=lambda unit: unit.similarity + unit.cover).kind
        if hit.units
        else "sentence",
        url=links.view_url(source.id, source.sha256, start=start, end=end, quote=hit.text),
    )


def citation(citation: rag.Citation, links: LinkSigner) -> schemas.Citation:
    """Returns a citation with the link that shows it in its source."""
    url = links.view_url(
        citation.source_id,
        citation.sha256,
        start=citation.start,
        end=citation.end,
        quote=citation.quote,
    )
    title, heading = shorten(citation.title, MAX_TITLE_CHARS), _heading(citation.heading)
    return schemas.Citation(**asdict(citation) | {"title": title, "heading": heading}, url=url)


def sentence(sentence: rag.AnswerSentence) -> schemas.Sentence:
    """Returns a sentence of an answer with its support status."""
    return schemas.Sentence.model_validate(sentence, from_attributes=True)


def index(info: GenerationInfo) -> schemas.Index:
    """Returns which generation of the index answered."""
    return schemas.Index.model_validate(info, from_attributes=True)


def answer(answer: rag.Answer, links: LinkSigner, *, include_passages: bool) -> schemas.AnswerBody:
    """Returns the whole answer; without `include_passages`, `passages` is empty."""
    return schemas.AnswerBody(
        id=answer.id,
        question=answer.question,
        standalone_question=answer.standalone_question,
        kind=answer.kind,
        answer=answer.answer,
        format=answer.format,
        answered=answer.answered,
        reason=answer.reason,
        confidence=round(answer.confidence, 4),
        answerer=answer.answerer,
        model=answer.model,
        degraded=answer.degraded,
        tentative=answer.tentative,
        language=answer.language,
        suggestions=list(answer.suggestions),
        sentences=[sentence(one) for one in answer.sentences],
        citations=[citation(one, links) for one in answer.citations],
        conflicts=[schemas.Conflict(**asdict(one)) for one in answer.conflicts],
        sources=[listed_source(one, links) for one in answer.sources],
        passages=passages(answer.passages, links) if include_passages else [],
        index=index(answer.index),
        timings_ms={name: round(ms, 1) for name, ms in answer.timings_ms.items()},
        usage=schemas.Usage(**asdict(answer.usage)) if answer.usage else None,
    )


def sources(sources: Iterable[Source], links: LinkSigner) -> list[schemas.SourceBody]:
    """Returns a page of sources; a long one has fewer of them, but at least one."""
    return list(_within_limit(source(one, links) for one in sources))


def listed_source(source: Source, links: LinkSigner) -> schemas.ListedSource:
    """Returns a source that an answer lists, with the signed link to its page."""
    return schemas.ListedSource(
        source_id=source.id,
        source=source.path,
        title=shorten(source.title, MAX_TITLE_CHARS),
        date=source.date,
        url=links.view_url(source.id, source.sha256, start=0, end=0, quote=""),
    )


def source(source: Source, links: LinkSigner) -> schemas.SourceBody:
    """Returns a source with the link to its page."""
    return schemas.SourceBody(
        id=source.id,
        source=source.path,
        title=shorten(source.title, MAX_TITLE_CHARS),
        sha256=source.sha256,
        size_bytes=source.size,
        length=source.length,
        metadata={
            key: shorten(value, MAX_METADATA_VALUE_CHARS)
            for key, value in list(source.metadata.items())[:MAX_METADATA_ENTRIES]
            if len(key) <= MAX_METADATA_KEY_CHARS and key not in (ACCESS, FOLDER_ACCESS)
        },
        url=links.source_url(source.id),
    )
