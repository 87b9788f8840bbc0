"""What of a question needs no search for a sentence: a reply, or the summary of one article."""

from dataclasses import dataclass

from index.store.generation import Generation
from index.types import Source

from ..answering.confidence import Evidence
from ..language.kind.intent import NOT_SEARCHED, Kind, plain_kind, recognize
from ..types import Ask
from .catalogue import reply_to
from .summary import summarize


@dataclass(frozen=True, slots=True)
class Prepared:
    """The kind of a question, and its evidence where that is known without a search.

    `reply` is what the service itself says, and the articles that it lists.
    """

    kind: Kind
    evidence: Evidence | None = None
    reply: tuple[str, tuple[Source, ...]] | None = None


def prepare(ask: Ask, generation: Generation, *, has_model: bool) -> Prepared:
    """Returns the kind of the question, with a reply or the evidence of a summary; blocks.

    A model is given the whole article that it is to sum up.
    """
    intent = recognize(ask.question, is_first=not ask.history)
    if intent.kind in NOT_SEARCHED:
        reply = reply_to(intent, generation, ask.filters)
        return Prepared(intent.kind, Evidence(confidence=1.0), reply)
    if intent.kind != "summary":
        return Prepared(intent.kind)
    summary = summarize(intent, generation, ask.filters, max_passages=ask.top_k, is_whole=has_model)
    if summary is None:
        return Prepared(plain_kind(ask.question))
    return Prepared("summary", Evidence(summary.hits, summary.picks, confidence=summary.cover))
