"""How well the citations fit: against the gold evidence, and against their own sentences.

Against gold: precision, recall, F1 by span (half of either) and by file. Against the sentences:
citation recall and precision after ALCE (Gao et al. 2023, section 4), with whatever says that a
text supports a sentence in the place of its NLI model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...verify.support import judge
from ..results import Cited, Gold, Response
from .match import overlaps

Supports = Callable[[str, Sequence[str]], bool]
"""Do these quotes together support the sentence?"""


@dataclass(frozen=True, slots=True)
class Fit:
    """Precision and recall of a set, 0 to 1 each; precision is None where nothing was cited."""

    precision: float | None
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 where nothing was cited."""
        both = (self.precision or 0.0) + self.recall
        return 2 * (self.precision or 0.0) * self.recall / both if both else 0.0


def on_gold(cited: Cited, gold: Sequence[Gold]) -> bool:
    """Does the citation share half of either with a gold span?"""
    return any(_meets(cited, item) for item in gold)


def _meets(cited: Cited, item: Gold) -> bool:
    return cited.source == item.source and any(overlaps(cited.span, s) for s in item.spans)


def by_span(citations: Sequence[Cited], gold: Sequence[Gold]) -> Fit:
    """Returns the fit of the citations' spans to the evidence."""
    right = sum(on_gold(cited, gold) for cited in citations)
    found = sum(any(_meets(cited, item) for cited in citations) for item in gold)
    return Fit(right / len(citations) if citations else None, found / len(gold) if gold else 0.0)


def by_file(citations: Sequence[Cited], gold: Sequence[Gold]) -> Fit:
    """Returns the fit of the files cited, each once, to the files of the evidence."""
    cited, wanted = {c.source for c in citations}, {item.source for item in gold}
    both = len(cited & wanted)
    return Fit(both / len(cited) if cited else None, both / len(wanted) if wanted else 0.0)


def alce(statements: Sequence[tuple[str, Sequence[str]]], supports: Supports) -> Fit:
    """Returns ALCE's citation recall and precision of an answer's (sentence, quotes).

    A sentence is recalled when its quotes together support it. A citation is precise when its
    sentence is recalled and it is needed or sufficient: it supports the sentence alone, or the
    others without it do not.
    """
    recalled, precise, citations = 0, 0, 0
    for sentence, quotes in statements:
        citations += len(quotes)
        if not quotes or not supports(sentence, quotes):
            continue
        recalled += 1
        precise += sum(_needed(sentence, quotes, at, supports) for at in range(len(quotes)))
    return Fit(
        precise / citations if citations else None,
        recalled / len(statements) if statements else 0.0,
    )


def _needed(sentence: str, quotes: Sequence[str], at: int, supports: Supports) -> bool:
    if len(quotes) == 1 or supports(sentence, [quotes[at]]):
        return True
    return not supports(sentence, [*quotes[:at], *quotes[at + 1 :]])


def statements(response: Response) -> list[tuple[str, list[str]]]:
    """Returns the answer's sentences, each with the quotes it cites."""
    quotes = {cited.n: cited.quote for cited in response.citations or ()}
    return [
        (said.text, [quotes[n] for n in said.citations if n in quotes])
        for said in response.sentences
    ]


def house_rules(question: str) -> Supports:
    """Returns the service's own support check as the judge; it needs no model."""
    return lambda sentence, quotes: (
        judge(sentence, quotes, context=[question]).status == "supported"
    )
