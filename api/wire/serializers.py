"""What answering made → the shapes on the wire, links included; one function a noun."""

from index.types import GenerationInfo, Source
from rag import types as inside

from . import schemas as wire
from .signed_links import Links


def passage(hit: inside.Hit, links: Links) -> wire.Passage:
    """Returns the one shape of a passage: in answers, search hits and streams alike."""
    chunk, source, scores = hit.chunk, hit.source, hit.scores
    return wire.Passage(
        rank=hit.rank,
        source_id=source.id,
        source=source.path,
        title=source.title,
        heading=chunk.heading,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        text=hit.text,
        score=round(hit.score, 4),
        scores=wire.Scores(
            dense=round(scores.dense, 4),
            lexical=round(scores.lexical, 4),
            sentence=round(scores.sentence, 4),
        ),
        url=links.view(source.id, source.sha256, start=chunk.start, end=chunk.end, quote=hit.text),
    )


def citation(made: inside.Citation, links: Links) -> wire.Citation:
    """Returns a citation with the link that shows it in its source."""
    return wire.Citation(
        n=made.n,
        source_id=made.source_id,
        source=made.source,
        title=made.title,
        heading=made.heading,
        page=made.page,
        line=made.line,
        sha256=made.sha256,
        start=made.start,
        end=made.end,
        quote=made.quote,
        before=made.before,
        after=made.after,
        url=links.view(
            made.source_id, made.sha256, start=made.start, end=made.end, quote=made.quote
        ),
    )


def sentence(said: inside.AnswerSentence) -> wire.Sentence:
    """Returns a sentence of an answer with its verdict."""
    return wire.Sentence(
        text=said.text,
        start=said.start,
        end=said.end,
        status=said.status,
        why=said.why,
        citations=list(said.citations),
    )


def index(info: GenerationInfo) -> wire.Index:
    """Returns which index was asked."""
    return wire.Index(
        collection=info.collection, generation=info.generation, complete=info.complete
    )


def answer(made: inside.Answer, links: Links, *, include_passages: bool) -> wire.AnswerBody:
    """Returns the whole answer; `passages` is empty where they are not wanted."""
    usage = made.usage
    return wire.AnswerBody(
        id=made.id,
        question=made.question,
        standalone_question=made.standalone_question,
        answer=made.answer,
        format=made.format,
        answered=made.answered,
        reason=made.reason,
        confidence=round(made.confidence, 4),
        answerer=made.answerer,
        model=made.model,
        degraded=made.degraded,
        sentences=[sentence(said) for said in made.sentences],
        citations=[citation(cited, links) for cited in made.citations],
        passages=[passage(hit, links) for hit in made.passages] if include_passages else [],
        index=index(made.index),
        timings_ms={name: round(ms, 1) for name, ms in made.timings_ms.items()},
        usage=wire.Usage(
            prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
        )
        if usage
        else None,
    )


def source(known: Source, links: Links) -> wire.SourceBody:
    """Returns an article file, with the link that shows it."""
    return wire.SourceBody(
        id=known.id,
        source=known.path,
        title=known.title,
        sha256=known.sha256,
        size_bytes=known.size,
        length=known.length,
        metadata=dict(known.metadata),
        url=links.article(known.id),
    )
