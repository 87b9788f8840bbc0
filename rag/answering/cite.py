"""Pieces of an answer → its text, its citations, and its sentences with their verdicts.

Every citation is built here, from offsets that the server chose, and its quote is compared with
the source's text before anyone sees it (`verify_quote`).
"""

import re
from collections.abc import Sequence
from heapq import nsmallest

from index.store.opened import OpenGeneration
from index.text.analyzer import content_terms, terms

from ..errors import CitationBroken
from ..retrieval.sections import Place, Section
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
    ScoredUnit,
    SentenceClosed,
)
from ..verify.support import MIN_SUPPORT_SCORE, Verdict, Verifier, support_score
from .answer_text import AnswerText
from .markers import Marker, Piece, Ref, Text
from .quotes import Line, with_header
from .sanitize import sanitize_markup

CONTEXT_CHARS = 200
"""Of the source's text before and after a quote, at most."""

MIN_TERMS = 3
"""A sentence with fewer content words (a heading, a "Yes.") is not given a citation."""
MAX_UNCITED = 100
"""Uncited sentences of one answer that are looked up, so that a flood of text stays cheap."""
MAX_UNCITED_CHARS = 1_000
MAX_CANDIDATES = 3
MAX_SCORED = 20
"""Sentences that are scored as candidates: those that share most words."""
MAX_SENTENCE_CITATIONS = 20
"""Citations of one sentence; further markers are dropped, so that its verification stays cheap."""

_NO_STATEMENT = re.compile(
    r"\W*(?:sources?|references?|citations?|cited|passages?|see)?\W*", re.IGNORECASE
)
"""What small models write before a list of markers; it says nothing that could be supported."""


class AnswerBuilder:
    """Writes one answer; every method returns the events that it caused, in their order.

    A model's text is sanitized, and its sentences without a marker get the citation that supports
    them, if one does; quoted text stays as it is.
    """

    def __init__(
        self,
        generation: OpenGeneration,
        passages: Sequence[Section],
        *,
        judge: Verifier,
        writer: Answerer,
        stages: Stages | None = None,
    ) -> None:
        self.sentences: list[AnswerSentence] = []
        self.citations: list[Citation] = []
        self.dropped_markers = 0
        self.format: Format = "markdown" if writer == "model" else "text"
        self._cited_chunks: set[str] = set()
        self._generation, self._passages, self._judge = generation, passages, judge
        self._writer, self._stages = writer, stages or Stages()
        self._text = AnswerText()
        self._by_span: dict[tuple[str, int, int], Citation] = {}
        self._sentence_text = ""
        """The current sentence without its markers."""
        self._shown_sentence = ""
        """The same as it stands in the answer."""
        self._sentence_start: int | None = None
        self._sentence_citations: dict[int, Citation] = {}
        self._uncited = 0
        self._hit_terms: list[tuple[tuple[int, int], str, frozenset[str]]] = []

    @property
    def answer(self) -> str:
        """The answer so far."""
        return str(self._text)

    @property
    def cited_hits(self) -> tuple[Hit, ...]:
        """The chunks of the passages that are cited, in the order of the passages."""
        hits = (hit for section in self._passages for hit in section.hits)
        return tuple(hit for hit in hits if hit.chunk.id in self._cited_chunks)

    def add(self, piece: Piece) -> list[Event]:
        """Adds the next piece."""
        if isinstance(piece, Text):
            return self._add_text(piece.text)
        if isinstance(piece, Marker):
            return self._add_marker(piece.refs)
        return self._close_sentence()

    def preview(self, pieces: Sequence[Piece]) -> tuple[AnswerSentence | None, list[Citation]]:
        """Returns the sentence that these pieces would make, and its citations; adds nothing."""
        trial = AnswerBuilder(
            self._generation,
            self._passages,
            judge=self._judge,
            writer=self._writer,
            stages=self._stages,
        )
        # what stands before decides what is a link, and what is code
        trial._text = self._text.continuation()
        trial._uncited, trial._hit_terms = self._uncited, self._hit_terms
        for piece in pieces:
            trial.add(piece)
        self._uncited, self._hit_terms = trial._uncited, trial._hit_terms
        return (trial.sentences[0] if trial.sentences else None), trial.citations

    def add_sentence(self, pieces: Sequence[Piece]) -> list[Event]:
        """Adds a whole sentence, as one Delta."""
        first = pieces[0].text[:1] if isinstance(pieces[0], Text) else " "
        is_apart = self._ends_blank() or first.isspace()
        gap = [] if is_apart else [Text(" ")]
        events = [event for piece in [*gap, *pieces] for event in self.add(piece)]
        text = "".join(event.text for event in events if isinstance(event, Delta))
        citations = [event for event in events if isinstance(event, CitationMade)]
        closed = [event for event in events if isinstance(event, SentenceClosed)]
        return [*citations, Delta(text, self.format), *closed]

    def replace_sentence(self, index: int, sentence: AnswerSentence) -> SentenceClosed:
        """Replaces a closed sentence by the same with another verdict; `index` counts from 0."""
        self.sentences[index] = sentence
        return SentenceClosed(index, sentence)

    def citations_of(self, sentence: AnswerSentence) -> list[Citation]:
        """Returns what a sentence of this answer cites."""
        return [self.citations[n - 1] for n in sentence.citations]

    def resolves(self, ref: Ref) -> bool:
        """Whether a marker points at a sentence that exists."""
        return self._resolve(ref) is not None

    def _add_text(self, text: str) -> list[Event]:
        if self._writer == "model":
            text = sanitize_markup(text, before=self._text.tail)
        if self._sentence_start is None and text.strip():
            self._sentence_start = self._text.length + len(text) - len(text.lstrip())
        self._sentence_text += text
        return self._write(text)

    def add_quote(self, line: Line) -> list[Event]:
        """Adds a line of quoted text with its citations as a sentence of its own.

        Of the places that agree those are cited that support the line by themselves.
        """
        gap = self._write(line.gap) if line.gap else []
        events = [*gap, *self._add_text(line.text)]
        agreeing = [place for place in line.agreeing if self._supports(line.claim, place)]
        events += self._cite([*line.cited, *agreeing])
        return [*events, *self._close_sentence(line.claim)]

    def add_preface(self, text: str) -> list[Event]:
        """Adds a line of the service's own, a remark."""
        start = self._text.length
        events = self._write(text)
        remark = AnswerSentence(text, start, self._text.length, "remark", None, ())
        self.sentences.append(remark)
        return [*events, SentenceClosed(len(self.sentences) - 1, remark), *self._write("\n")]

    def _supports(self, claim: str, place: tuple[Hit, ScoredUnit]) -> bool:
        citation = verify_quote(self._generation, *place, n=0)
        return self._judge(claim, [citation]).status == "supported"

    def _add_marker(self, refs: Sequence[Ref]) -> list[Event]:
        places = [self._resolve(ref) for ref in refs]
        self.dropped_markers += places.count(None)
        return self._cite([one for place in places if place for one in with_header(place)])

    def _cite(self, places: Sequence[tuple[Hit, ScoredUnit]]) -> list[Event]:
        events: list[Event] = []
        numbers: list[int] = []
        for place in places:
            if len(self._sentence_citations) >= MAX_SENTENCE_CITATIONS:
                self.dropped_markers += 1
                continue
            citation, is_new = self._citation(*place)
            if is_new:
                events.append(CitationMade(citation))
            if citation.n not in self._sentence_citations:
                self._sentence_citations[citation.n] = citation
                numbers.append(citation.n)
        if numbers:
            gap = "" if self._ends_blank() else " "
            events += self._write(gap + "".join(f"[{number}]" for number in numbers))
        return events

    def _close_sentence(self, claim: str | None = None) -> list[Event]:
        """Ends the current sentence, if there is one, with its verdict.

        Of quoted text the `claim` is verified: what it says besides is the service's own.
        """
        events: list[Event] = []
        text, start = self._sentence_text.strip(), self._sentence_start
        if claim is not None:
            text = claim
        if start is not None and not self._sentence_citations and self._writer == "model":
            events = self._cite_uncited(text)
        citations = list(self._sentence_citations.values())
        shown = self._shown_sentence.strip()
        self._sentence_text, self._shown_sentence = "", ""
        self._sentence_start, self._sentence_citations = None, {}
        if start is None or (citations and _NO_STATEMENT.fullmatch(text)):
            return events
        with self._stages.during("support"):
            verdict = self._judge(text, citations) if text else Verdict("supported", None)
        sentence = AnswerSentence(
            text=shown,
            start=start,
            end=self._text.end,
            status=verdict.status,
            why=verdict.why,
            citations=tuple(citation.n for citation in citations),
            is_final=verdict.is_final,
        )
        self.sentences.append(sentence)
        return [*events, SentenceClosed(len(self.sentences) - 1, sentence)]

    def _cite_uncited(self, text: str) -> list[Event]:
        """Cites what supports a sentence without a marker, if something does.

        Small models forget markers. Candidates are found by shared words; the verifier decides.
        """
        refs = self._candidates(text)
        if not refs or self._text.is_in_code:
            return []
        for ref in refs:
            place = self._resolve(ref)
            assert place is not None  # it is one of the hits' own
            with self._stages.during("support"):
                verdict = self._judge(text, [verify_quote(self._generation, *place, n=0)])
            if verdict.status == "supported":
                return self._add_marker([ref])
        return []

    def _candidates(self, text: str) -> list[Ref]:
        """Returns the sentences whose words cover the text enough, best first."""
        sentence_terms = frozenset(content_terms(terms(text[: MAX_UNCITED_CHARS + 1])))
        if len(text) > MAX_UNCITED_CHARS or len(sentence_terms) < MIN_TERMS:
            return []
        self._uncited += 1
        if self._uncited > MAX_UNCITED:
            return []
        if not self._hit_terms:
            self._hit_terms = [
                ((passage, number), sentence.text, frozenset(terms(sentence.text)))
                for passage, section in enumerate(self._passages, start=1)
                for number, (_, sentence) in enumerate(section.places, start=1)
            ]
        sharing = [
            (len(sentence_terms & hit_terms), ref, hit_text)
            for ref, hit_text, hit_terms in self._hit_terms
        ]
        nearest = nsmallest(MAX_SCORED, sharing, key=lambda one: (-one[0], one[1]))
        scores = sorted(
            (-support_score(text, [hit_text]), ref)
            for shared, ref, hit_text in nearest
            if shared >= MIN_SUPPORT_SCORE * len(sentence_terms)
        )
        return [ref for score, ref in scores[:MAX_CANDIDATES] if -score >= MIN_SUPPORT_SCORE]

    def _write(self, text: str) -> list[Event]:
        self._text.append(text)
        if self._sentence_start is not None:
            self._shown_sentence += text
        return [Delta(text, self.format)] if text else []

    def _ends_blank(self) -> bool:
        return not self._text.length or self._text.tail[-1].isspace()

    def _resolve(self, ref: Ref) -> Place | None:
        """Returns the sentence that a marker points at; None if there is none."""
        passage, sentence = ref
        if not 1 <= passage <= len(self._passages):
            return None
        section = self._passages[passage - 1]
        if not sentence:
            places = section.places if sentence is None else section.head
            return self._nearest(places) if places else None
        if not 1 <= sentence <= len(section.places):
            return None
        return section.places[sentence - 1]

    def _nearest(self, places: Sequence[Place]) -> Place:
        """Returns the place that shares most words with the current sentence."""
        words = set(self._sentence_text.lower().split())
        return max(places, key=lambda place: len(words & set(place[1].text.lower().split())))

    def _citation(self, hit: Hit, sentence: ScoredUnit) -> tuple[Citation, bool]:
        key = (hit.source.id, sentence.start, sentence.end)
        if key in self._by_span:
            return self._by_span[key], False
        with self._stages.during("cite"):
            citation = verify_quote(self._generation, hit, sentence, n=len(self.citations) + 1)
        self._cited_chunks.add(hit.chunk.id)
        self._by_span[key] = citation
        self.citations.append(citation)
        return citation, True


def verify_quote(generation: OpenGeneration, hit: Hit, sentence: ScoredUnit, *, n: int) -> Citation:
    """Returns the citation of a sentence; raises CitationBroken unless it equals the source's text.

    The source's text is the catalog's, which is what `…/text` serves.
    """
    text = generation.text(hit.source.id)
    quote = text[sentence.start : sentence.end]
    if not quote or quote != sentence.text:
        raise CitationBroken(
            f"{hit.source.path}: the text at {sentence.start}:{sentence.end} differs from the quote"
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
        date=hit.source.date,
        unit=sentence.kind,
        source_url=hit.source.url,
        before=text[max(sentence.start - CONTEXT_CHARS, 0) : sentence.start],
        after=text[sentence.end : sentence.end + CONTEXT_CHARS],
    )
