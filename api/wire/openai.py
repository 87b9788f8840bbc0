"""OpenAI's chat completions ↔ questions and answers, in both directions; no HTTP here.

The last user message is the question, the messages before it are the history. System messages are
ignored: a client's instructions must not decide what counts as supported.
"""

import re
import time
from collections.abc import Mapping, Sequence
from itertools import islice

from index.text.limits import MAX_TITLE_CHARS, shorten
from rag import types as rag

from ..errors import NotFound, RequestInvalid
from . import openai_schemas as schemas
from . import serializers
from .openai_options import check_has_text
from .signed_links import LinkSigner

MODEL = "footnote"
MAX_TURNS = 100
MAX_TURN_CHARS = 20_000
"""As for `POST /v1/answers`; here they truncate the history, since chats only ever grow."""
MAX_ANNOTATIONS = 1_000
"""Markers of one answer that are annotated; later ones remain text."""

_MARKER = re.compile(r"\[(\d+)\]")


def parse_model_name(model: str) -> str | None:
    """Returns the collection that a model name selects, None: the default; raises NotFound."""
    if model == MODEL:
        return None
    name, _, collection = model.partition("/")
    if name != MODEL or not collection:
        raise NotFound("model", model)
    return collection


def split_messages(messages: Sequence[schemas.ChatMessage]) -> tuple[str, tuple[rag.Turn, ...]]:
    """Returns the question and the turns before it, oldest first; raises RequestInvalid."""
    user_positions = [i for i, message in enumerate(messages) if message.role == "user"]
    if not user_positions:
        raise RequestInvalid("body.messages", "has no message of the user, so no question")
    last = user_positions[-1]
    turns = [turn for message in messages[:last] if (turn := _turn(message))]
    question = _text(messages[last])
    if not question.strip() and isinstance(content := messages[last].content, list):
        check_has_text([part.type for part in content])
    return question, tuple(turns[-MAX_TURNS:])


def _turn(message: schemas.ChatMessage) -> rag.Turn | None:
    text = _text(message)[:MAX_TURN_CHARS]
    if not text or message.role not in ("user", "assistant"):
        return None
    return rag.Turn("user" if message.role == "user" else "assistant", text)


def _text(message: schemas.ChatMessage) -> str:
    content = message.content or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if part.type == "text" and part.text)


def build_completion(
    answer: rag.Answer, *, model: str, links: LinkSigner
) -> schemas.ChatCompletion:
    """Returns the whole answer; `links` must be absolute."""
    citations = {citation.n: citation for citation in answer.citations}
    reply = schemas.ChatReply(
        content=answer.answer,
        annotations=list(
            islice(
                (
                    annotation
                    for sentence in answer.sentences
                    for annotation in _annotations(sentence, citations, links)
                ),
                MAX_ANNOTATIONS,
            )
        ),
    )
    return schemas.ChatCompletion(
        id=answer.id,
        created=int(time.time()),
        model=model,
        choices=[schemas.ChatChoice(message=reply)],
        usage=_usage(answer.usage),
    )


def _annotations(
    sentence: rag.AnswerSentence, citations: Mapping[int, rag.Citation], links: LinkSigner
) -> list[schemas.Annotation]:
    """Returns an annotation for each marker of a sentence, with offsets into the whole answer."""
    # a quote may contain `[1]` itself; its marker follows it, so the last position counts
    spans = {match[1]: match.span() for match in _MARKER.finditer(sentence.text)}
    return [
        schemas.Annotation(
            url_citation=schemas.UrlCitation(
                start_index=sentence.start + spans[str(n)][0],
                end_index=sentence.start + spans[str(n)][1],
                title=shorten(citations[n].title, MAX_TITLE_CHARS),
                url=serializers.citation(citations[n], links).url,
            )
        )
        for n in sentence.citations
        if str(n) in spans
    ]


def _usage(usage: rag.Usage | None) -> schemas.TokenUsage:
    usage = usage or rag.Usage(0, 0)
    return schemas.TokenUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )


class ChunkBuilder:
    """Turns the events of one stream into chunks; one event makes none, one or two chunks."""

    def __init__(self, *, model: str, links: LinkSigner, include_usage: bool) -> None:
        """`links` must be absolute."""
        self._model, self._links, self._include_usage = model, links, include_usage
        self._created, self._id, self._annotation_count = int(time.time()), "", 0
        self._citations: dict[int, rag.Citation] = {}

    def build(self, event: rag.Event) -> list[schemas.ChatChunk]:
        """Returns the chunks of an event; Failed has none, since OpenAI's protocol lacks it."""
        match event:
            case rag.PassagesFound():
                self._id = event.id
                return [self._chunk(schemas.ChatDelta(role="assistant", content=""))]
            case rag.Delta():
                return [self._chunk(schemas.ChatDelta(content=event.text))]
            case rag.CitationMade():
                self._citations[event.citation.n] = event.citation
            case rag.SentenceClosed():
                annotations = self._streamed_annotations(event.sentence)
                if annotations:
                    return [self._chunk(schemas.ChatDelta(annotations=annotations))]
            case rag.Done():
                chunks = [self._chunk(schemas.ChatDelta(), is_last=True)]
                if self._include_usage:
                    usage = _usage(event.answer.usage)
                    chunks.append(self._empty_chunk().model_copy(update={"usage": usage}))
                return chunks
            case _:
                pass
        return []

    def _streamed_annotations(
        self, sentence: rag.AnswerSentence
    ) -> list[schemas.StreamedAnnotation]:
        first = self._annotation_count
        annotations = _annotations(sentence, self._citations, self._links)
        annotations = annotations[: MAX_ANNOTATIONS - first]
        self._annotation_count += len(annotations)
        return [
            schemas.StreamedAnnotation(index=index, url_citation=annotation.url_citation)
            for index, annotation in enumerate(annotations, first)
        ]

    def _chunk(self, delta: schemas.ChatDelta, *, is_last: bool = False) -> schemas.ChatChunk:
        choice = schemas.ChunkChoice(delta=delta, finish_reason="stop" if is_last else None)
        return self._empty_chunk().model_copy(update={"choices": [choice]})

    def _empty_chunk(self) -> schemas.ChatChunk:
        return schemas.ChatChunk(id=self._id, created=self._created, model=self._model, choices=[])
