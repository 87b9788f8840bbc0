"""A sentence without a marker → the sentence of the hits that supports it best, if one may.

Small models forget markers. What comes back here is a proposal by shared words; whether it
supports the sentence is for the judge to say.
"""

from collections.abc import Sequence

from index.text.analyzer import content_terms, terms

from ..types import Hit
from ..verify.support import MIN_SCORE, support_score

MIN_TERMS = 3
"""A sentence with fewer words of its own (a heading, a "Yes.") is not about anything."""

MAX_SENTENCES = 100
"""In one answer, so that a flood of text stays cheap."""

MAX_CHARS = 1_000
"""A longer one is no sentence."""

TRIED = 3

Place = tuple[int, int]
"""(passage, sentence), both from 1."""


class Attribution:
    """Proposes what the sentences of one answer come from."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = hits
        self._left = MAX_SENTENCES
        self._known: list[tuple[Place, str, frozenset[str]]] = []

    def candidates(self, sentence: str) -> list[Place]:
        """Returns up to TRIED places whose words cover the sentence enough, best first."""
        if len(sentence) > MAX_CHARS or self._left <= 0:
            return []
        wanted = frozenset(content_terms(terms(sentence)))
        if len(wanted) < MIN_TERMS:
            return []
        self._left -= 1
        scored = [
            (support_score(sentence, [text]), place)
            for place, text, held in self._sentences()
            if len(wanted & held) >= MIN_SCORE * len(wanted)
        ]
        enough = sorted((-score, place) for score, place in scored if score >= MIN_SCORE)
        return [place for _, place in enough[:TRIED]]

    def _sentences(self) -> list[tuple[Place, str, frozenset[str]]]:
        if not self._known:
            self._known = [
                ((passage, number), said.text, frozenset(terms(said.text)))
                for passage, hit in enumerate(self._hits, start=1)
                for number, said in enumerate(hit.sentences, start=1)
            ]
        return self._known
