"""OpenAI's chat completions ↔ questions and answers, in both directions; no HTTP here.

The last user message is the question and what precedes it the history. System messages are
ignored: a client's instructions must not decide what counts as proved.
"""

import re
import time
from collections.abc import Sequence

from rag import types as inside

from ..errors import ModelUnknown, RequestInvalid
from . import openai_schemas as wire
from . import serializers as present
from .signed_links import Links

MODEL = "footnote"
MAX_TURNS = 100
MAX_TURN_CHARS = 20_000
"""As for `POST /v1/answers`; here older and longer ones are cut, since chats only ever grow."""

_MARKER = re.compile(r"\[(\d+)\]")


def collection_of(model: str) -> str | None:
    """Returns the collection that a model's name means, None: the default; raises ModelUnknown."""
    if model == MODEL:
        return None
    name, _, collection = model.partition("/")
    if name != MODEL or not collection:
        raise ModelUnknown(model)
    return collection


def question_of(messages: Sequence[wire.ChatMessage]) -> tuple[str, tuple[inside.Turn, ...]]:
    """Returns the question and the turns before it, oldest first; raises RequestInvalid."""
    asked = [at for at, message in enumerate(messages) if message.role == "user"]
    if not asked:
        raise RequestInvalid("body.messages", "holds no message of the user, so no question")
    before = (_turn(message) for message in messages[: asked[-1]])
    turns = [turn for turn in before if turn]
    return _text(messages[asked[-1]]), tuple(turns[-MAX_TURNS:])


def _turn(message: wire.ChatMessage) -> inside.Turn | None:
    text = _text(message)[:MAX_TURN_CHARS]
    if not text or message.role not in ("user", "assistant"):
        return None
    return inside.Turn("user" if message.role == "user" else "assistant", text)


def _text(message: wire.ChatMessage) -> str:
    content = message.content or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if part.type == "text" and part.text)


def completion(made: inside.Answer, *, model: str, links: Links) -> wire.ChatCompletion:
    """Returns the whole answer; `links` are absolute."""
    cited = {citation.n: citation for citation in made.citations}
    notes = [note for said in made.sentences for note in annotations(said, cited, links=links)]
    reply = wire.ChatReply(content=made.answer, annotations=notes)
    return wire.ChatCompletion(
        id=made.id,
        created=int(time.time()),
        model=model,
        choices=[wire.ChatChoice(message=reply)],
        usage=usage(made.usage),
    )


def annotations(
    said: inside.AnswerSentence, cited: dict[int, inside.Citation], *, links: Links
) -> list[wire.Annotation]:
    """Returns what stands behind each marker of a sentence, by its place in the whole answer."""
    # a quoted sentence may hold such brackets itself; the marker is set after them
    places = {int(found[1]): found.span() for found in _MARKER.finditer(said.text)}
    known = [(places[n], cited[n]) for n in said.citations if n in places]
    return [
        wire.Annotation(
            url_citation=wire.UrlCitation(
                start_index=said.start + start,
                end_index=said.start + end,
                title=citation.title,
                url=present.citation(citation, links).url,
            )
        )
        for (start, end), citation in known
    ]


def usage(counted: inside.Usage | None) -> wire.TokenUsage | None:
    """Returns the tokens with their sum."""
    if counted is None:
        return None
    return wire.TokenUsage(
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
        total_tokens=counted.prompt_tokens + counted.completion_tokens,
    )


class ChatStream:
    """Tells a stream's events as chunks; one event may be several chunks, or none."""

    def __init__(self, *, model: str, links: Links, include_usage: bool) -> None:
        """`links` are absolute."""
        self._model, self._links, self._include_usage = model, links, include_usage
        self._created, self._id, self._told = int(time.time()), "", 0
        self._cited: dict[int, inside.Citation] = {}

    def chunks(self, event: inside.Event) -> list[wire.ChatChunk]:
        """Returns what an event becomes; Failed, which OpenAI has no chunk for, becomes nothing."""
        match event:
            case inside.PassagesFound():
                self._id = event.id
                return [self._chunk(wire.ChatDelta(role="assistant", content=""))]
            case inside.Delta():
                return [self._chunk(wire.ChatDelta(content=event.text))]
            case inside.CitationMade():
                self._cited[event.citation.n] = event.citation
            case inside.SentenceClosed():
                notes = self._numbered(annotations(event.sentence, self._cited, links=self._links))
                return [self._chunk(wire.ChatDelta(annotations=notes))] if notes else []
            case inside.Done():
                last, counted = self._chunk(wire.ChatDelta(), ended=True), event.answer.usage
                if not (self._include_usage and counted):
                    return [last]
                return [last, self._empty().model_copy(update={"usage": usage(counted)})]
            case _:
                pass
        return []

    def _numbered(self, notes: Sequence[wire.Annotation]) -> list[wire.StreamedAnnotation]:
        first = self._told
        self._told += len(notes)
        return [
            wire.StreamedAnnotation(index=index, url_citation=note.url_citation)
            for index, note in enumerate(notes, first)
        ]

    def _chunk(self, delta: wire.ChatDelta, *, ended: bool = False) -> wire.ChatChunk:
        choice = wire.ChunkChoice(delta=delta, finish_reason="stop" if ended else None)
        return self._empty().model_copy(update={"choices": [choice]})

    def _empty(self) -> wire.ChatChunk:
        return wire.ChatChunk(id=self._id, created=self._created, model=self._model, choices=[])
