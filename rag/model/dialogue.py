"""The messages to a model for one answer, and the passages that they show it.

A search that the model asks for adds passages that it has not seen, numbered on from the last.
"""

from collections.abc import Sequence

from index.store.opened import OpenGeneration

from ..language.kind.last_answer import AnswerAct
from ..retrieval.sections import Section, sections
from ..types import Hit, Turn
from .prompt import build_answer_messages, build_search_messages
from .protocol import Message

SEARCH_SHARE = 0.5
"""Of the budget for passages, what those of a further search may take."""


class Dialogue:
    """Holds the messages and passages of one answer."""

    def __init__(
        self, generation: OpenGeneration, question: str, *, fence: str, passage_chars: int
    ) -> None:
        """`fence` is random and new for each answer."""
        self.messages: list[Message] = []
        self.passages: tuple[Section, ...] = ()
        """Passage n of the messages is the n-th, from 1."""
        self._generation, self._question, self._fence = generation, question, fence
        self._passage_chars = passage_chars

    def begin(
        self,
        hits: Sequence[Hit],
        history: Sequence[Turn],
        *,
        history_chars: int,
        about: AnswerAct | None,
        before: str,
    ) -> None:
        """Asks for an answer from the sections around the hits; blocks for some milliseconds.

        `about` is what is asked of the last answer, which is to the question `before`.
        """
        self.passages = sections(self._generation, hits, chars=self._passage_chars)
        self.messages = build_answer_messages(
            self._question,
            history,
            passages=self.passages,
            fence=self._fence,
            history_chars=history_chars,
            about=about,
            before=before,
        )

    def add_search(self, query: str, hits: Sequence[Hit], *, may_search: bool) -> None:
        """Adds what a search has found besides, and asks again; blocks for some milliseconds.

        `may_search`: is another search possible?
        """
        chars = round(SEARCH_SHARE * self._passage_chars)
        found = sections(self._generation, hits, chars=chars, shown=self.passages)
        self.messages += build_search_messages(
            self._question,
            query,
            passages=found,
            first=len(self.passages) + 1,
            fence=self._fence,
            may_search=may_search,
        )
        self.passages += found
