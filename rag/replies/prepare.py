"""What of a question needs no search for a sentence: a reply, or the summary of one article."""

from dataclasses import dataclass

from index.store.opened import OpenGeneration
from index.types import Source

from ..answering.confidence import Evidence
from ..language.kind.intent import NOT_SEARCHED, Intent, Kind, plain_kind, recognize
from ..language.kind.last_answer import AnswerAct
from ..language.word_cover import language_of
from ..types import Ask
from .catalogue import reply_to
from .summary import summarize
from .texts import NO_TRANSLATION


@dataclass(frozen=True, slots=True)
class Prepared:
    """The kind of a question, and its evidence where that is known without a search.

    `reply` is what the service itself says, and the articles that it lists. `about` is what is
    asked of the last answer.
    """

    kind: Kind
    evidence: Evidence | None = None
    reply: tuple[str, tuple[Source, ...]] | None = None
    about: AnswerAct | None = None


def prepare(ask: Ask, generation: OpenGeneration, *, has_model: bool) -> Prepared:
    """Returns the kind of the question, with a reply or the evidence of a summary; blocks.

    A model is given the whole article that it is to sum up.
    """
    intent = recognize(ask.question, is_first=not ask.history)
    if intent.kind in NOT_SEARCHED:
        reply = reply_to(intent, generation, ask.filters)
        return Prepared(intent.kind, Evidence(confidence=1.0), reply)
    if intent.about:
        return _about_last_answer(intent, has_model=has_model)
    if intent.kind != "summary":
        return Prepared(intent.kind)
    summary = summarize(intent, generation, ask.filters, max_passages=ask.top_k, is_whole=has_model)
    if summary is None:
        return Prepared(plain_kind(ask.question))
    return Prepared("summary", Evidence(summary.hits, summary.picks, confidence=summary.cover))


def no_answer_yet(ask: Ask, generation: OpenGeneration) -> Prepared:
    """Returns the reply to what is asked of an answer where none was given."""
    intent = Intent("service", language_of(ask.question))
    reply = reply_to(intent, generation, ask.filters)
    return Prepared("service", Evidence(confidence=1.0), reply)


def _about_last_answer(intent: Intent, *, has_model: bool) -> Prepared:
    if intent.about == "language" and not has_model:
        reply = NO_TRANSLATION[intent.language], ()
        return Prepared("last_answer", Evidence(confidence=1.0), reply)
    return Prepared("last_answer", about=intent.about)
