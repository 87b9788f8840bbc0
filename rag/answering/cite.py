"""Pieces of an answer → its text, its citations and its closed sentences with their verdicts.

Whatever made the pieces, a model or the extractive answerer, every citation is built here: from
offsets that the server chose, with a quote that is compared with the source's text before anyone
sees it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.store.generation import Generation

from ..errors import CitationBroken
from ..timing import Stages
from ..types import (
    Answerer,
    AnswerSentence,
    Citation,
    CitationMade,
    Delta,
    Event,
    Format,
    Hit,
    ScoredSentence,
    SentenceClosed,
)
from ..verify.support import Judge
from .attribute import Attribution
from .pieces import Mark, Text
from .refs import Ref
from .sanitize import defused

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)

_NO_STATEMENT = re.compile(
    r"\W*(?:sources?|references?|citations?|cited|passages?|see)?\W*", re.IGNORECASE
)
"""What small models write before a list of markers; it says nothing that could be supported."""

CONTEXT_CHARS = 200
"""Of the source's text shown before and after a quote, at most."""


@dataclass(frozen=True, slots=True)
class End:
    """The sentence that the pieces before it make is complete."""


Piece = Text | Mark | End


class Composer:
    """Writes one answer; every method returns the events that it caused, in their order.

    What a model wrote is defused, and its sentences without a marker get the citation that
    supports them, if one does; quoted text stays as it is.
    """

    def __init__(
        self,
        generation: Generation,
        hits: Sequence[Hit],
        *,
        judge: Judge,
        writer: Answerer,
        stages: Stages | None = None,
    ) -> None:
        self.answer = ""
        self.sentences: list[AnswerSentence] = []
        self.citations: list[Citation] = []
        self.dropped = 0
        self._generation, self._hits, self._judge = generation, hits, judge
        self._writer, self._stages = writer, stages or Stages()
        self._format: Format = "markdown" if writer == "model" else "text"
        self._attribution = Attribution(hits)
        self._known: dict[tuple[str, int, int], Citation] = {}
        self._words = ""
        self._start: int | None = None
        self._cited: dict[int, Citation] = {}

    def take(self, piece: Piece) -> list[Event]:
        """Adds the next piece."""
        if isinstance(piece, Text):
            return self._text(piece.text)
        if isinstance(piece, Mark):
            return self._mark(piece.refs)
        return self.close()

    def tried(self, pieces: Sequence[Piece]) -> tuple[AnswerSentence | None, list[Citation]]:
        """Returns what a whole sentence would be, and what it would cite; adds nothing."""
        trial = Composer(
            self._generation,
            self._hits,
            judge=self._judge,
            writer=self._writer,
            stages=self._stages,
        )
        trial.answer = self.answer  # what stands before decides what is a link, and what is code
        for piece in pieces:
            trial.take(piece)
        return (trial.sentences[0] if trial.sentences else None), trial.citations

    def take_whole(self, pieces: Sequence[Piece]) -> list[Event]:
        """Adds a whole sentence, as one Delta."""
        first = pieces[0].text[:1] if isinstance(pieces[0], Text) else " "
        apart = not self.answer or self.answer[-1].isspace() or first.isspace()
        gap = [] if apart else [Text(" ")]
        events = [event for piece in [*gap, *pieces] for event in self.take(piece)]
        words = "".join(event.text for event in events if isinstance(event, Delta))
        made = [event for event in events if isinstance(event, CitationMade)]
        closed = [event for event in events if isinstance(event, SentenceClosed)]
        return [*made, Delta(words, self._format), *closed]

    def revise(self, index: int, sentence: AnswerSentence) -> SentenceClosed:
        """Exchanges a closed sentence for the same with another verdict; `index` counts from 0."""
        self.sentences[index] = sentence
        return SentenceClosed(index, sentence)

    def cited_by(self, sentence: AnswerSentence) -> list[Citation]:
        """Returns what a sentence of this answer cites."""
        return [self.citations[n - 1] for n in sentence.citations]

    def _text(self, text: str) -> list[Event]:
        if self._writer == "model":
            text = defused(text, before=self.answer)
        if self._start is None:
            blank = len(text) - len(text.lstrip())
            if blank < len(text):
                self._start = len(self.answer) + blank
        self._words += text
        return self._write(text)

    def _mark(self, refs: Sequence[Ref]) -> list[Event]:
        events: list[Event] = []
        numbers: list[int] = []
        for ref in refs:
            found = self._resolve(ref)
            if found is None:
                self.dropped += 1
                continue
            citation, is_new = self._citation(*found)
            if is_new:
                events.append(CitationMade(citation))
            if citation.n not in self._cited:
                self._cited[citation.n] = citation
                numbers.append(citation.n)
        if numbers:
            gap = "" if not self.answer or self.answer[-1:].isspace() else " "
            events += self._write(gap + "".join(f"[{number}]" for number in numbers))
        return events

    def close(self) -> list[Event]:
        """Ends the sentence in hand, if there is one, with its verdict."""
        events: list[Event] = []
        if self._start is not None and not self._cited and self._writer == "model":
            events = self._attribute(self._words.strip())
        words, start, cited = self._words.strip(), self._start, list(self._cited.values())
        self._words, self._start, self._cited = "", None, {}
        if start is None or (cited and _NO_STATEMENT.fullmatch(words)):
            return events
        with self._stages.during("support"):
            verdict = self._judge(words, cited)
        sentence = AnswerSentence(
            text=self.answer[start:].rstrip(),
            start=start,
            end=len(self.answer.rstrip()),
            status=verdict.status,
            why=verdict.why,
            citations=tuple(citation.n for citation in cited),
            settled=verdict.settled,
        )
        self.sentences.append(sentence)
        return [*events, SentenceClosed(len(self.sentences) - 1, sentence)]

    def _attribute(self, words: str) -> list[Event]:
        """Cites what supports a sentence that cites nothing, where something does."""
        places = self._attribution.candidates(words)
        if not places or in_code(self.answer):
            return []
        for place in places:
            found = self._resolve(place)
            assert found is not None  # it is one of the hits' own
            with self._stages.during("support"):
                verdict = self._judge(words, [prove(self._generation, *found, n=0)])
            if verdict.status == "supported":
                return self._mark([place])
        return []

    def _write(self, text: str) -> list[Event]:
        self.answer += text
        return [Delta(text, self._format)] if text else []

    def has(self, ref: Ref) -> bool:
        """Returns whether a marker points at something."""
        return self._resolve(ref) is not None

    def _resolve(self, ref: Ref) -> tuple[Hit, ScoredSentence] | None:
        """Returns the sentence that a marker points at; None where there is none."""
        passage, sentence = ref
        if not 1 <= passage <= len(self._hits):
            return None
        hit = self._hits[passage - 1]
        if sentence is None:
            return hit, self._best(hit)
        if not 1 <= sentence <= len(hit.sentences):
            return None
        return hit, hit.sentences[sentence - 1]

    def _best(self, hit: Hit) -> ScoredSentence:
        """Returns the passage's sentence that shares most words with the sentence in hand."""
        words = set(self._words.lower().split())
        return max(hit.sentences, key=lambda s: len(words & set(s.text.lower().split())))

    def _citation(self, hit: Hit, sentence: ScoredSentence) -> tuple[Citation, bool]:
        key = (hit.source.id, sentence.start, sentence.end)
        if key in self._known:
            return self._known[key], False
        with self._stages.during("cite"):
            citation = prove(self._generation, hit, sentence, n=len(self.citations) + 1)
        self._known[key] = citation
        self.citations.append(citation)
        return citation, True


def in_code(answer: str) -> bool:
    """Whether an answer that ends here ends in a code block, where a marker would be code."""
    return len(_FENCE.findall(answer)) % 2 == 1


def prove(generation: Generation, hit: Hit, sentence: ScoredSentence, *, n: int) -> Citation:
    """Returns the citation of a sentence; raises CitationBroken unless the source says just that.

    The text compared with is the catalog's, which is what `…/text` serves.
    """
    text = generation.text(hit.source.id)
    quote = text[sentence.start : sentence.end]
    if not quote or quote != sentence.text:
        raise CitationBroken(
            f"{hit.source.path} at {sentence.start}:{sentence.end} is not what was quoted"
        )
    return Citation(
        n=n,
        source_id=hit.source.id,
        source=hit.source.path,
        title=hit.source.title,
        heading=hit.chunk.heading,
        page=hit.chunk.page,
        line=text.count("\n", 0, sentence.start) + 1,
        sha256=hit.source.sha256,
        start=sentence.start,
        end=sentence.end,
        quote=quote,
        before=text[max(sentence.start - CONTEXT_CHARS, 0) : sentence.start],
        after=text[sentence.end : sentence.end + CONTEXT_CHARS],
    )
