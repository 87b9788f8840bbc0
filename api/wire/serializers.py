"""Answers, hits and sources → their JSON shapes, with signed links; one function a shape."""

from dataclasses import asdict

from index.types import GenerationInfo, Source
from rag import types as rag

from . import schemas
from .signed_links import LinkSigner


def passage(hit: rag.Hit, links: LinkSigner) -> schemas.Passage:
    """Returns a passage, which is the same in answers, search results and streams."""
    chunk, source, scores = hit.chunk, hit.source, hit.scores
    start, end = chunk.start, chunk.end
    return schemas.Passage(
        rank=hit.rank,
        source_id=source.id,
        source=source.path,
        title=source.title,
        heading=chunk.heading,
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
    return schemas.Citation(**asdict(citation), url=url)


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
        answer=answer.answer,
        format=answer.format,
        answered=answer.answered,
        reason=answer.reason,
        confidence=round(answer.confidence, 4),
        answerer=answer.answerer,
        model=answer.model,
        degraded=answer.degraded,
        sentences=[sentence(one) for one in answer.sentences],
        citations=[citation(one, links) for one in answer.citations],
        passages=[passage(hit, links) for hit in answer.passages] if include_passages else [],
        index=index(answer.index),
        timings_ms={name: round(ms, 1) for name, ms in answer.timings_ms.items()},
        usage=schemas.Usage(**asdict(answer.usage)) if answer.usage else None,
    )


def source(source: Source, links: LinkSigner) -> schemas.SourceBody:
    """Returns a source with the link to its page."""
    return schemas.SourceBody(
        id=source.id,
        source=source.path,
        title=source.title,
        sha256=source.sha256,
        size_bytes=source.size,
        length=source.length,
        metadata=dict(source.metadata),
        url=links.source_url(source.id),
    )
