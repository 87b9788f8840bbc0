"""What questions, conversations and a model's text cost grows linearly, whatever they are.

Each rule is tried at the longest text that can reach it.
"""

import pytest

from api.routes.deps import MAX_QUESTION_CHARS
from index.text.chunk import CHARS_PER_TOKEN, MAX_TOKENS
from rag.answering.cite import MAX_SENTENCE_CITATIONS
from rag.answering.conflicts import differ, is_other_version
from rag.answering.extractive import is_fragment
from rag.answering.lexer import MAX_TARGET, MarkerLexer
from rag.answering.markers import parse_refs
from rag.answering.sanitize import sanitize_markup
from rag.answering.sentences import MAX_SENTENCE, SLICE, AnswerBuffer
from rag.language.answer_type import (
    asks_for_list,
    contains_answer_type,
    expected_answer_type,
    is_statement,
)
from rag.language.definition import MAX_SUBJECT_CHARS, asked_subject, defining
from rag.language.kind.comparison import compared
from rag.language.kind.intent import MAX_CHARS as MAX_INTENT_CHARS
from rag.language.kind.intent import plain_kind, recognize
from rag.language.names import missing_name
from rag.language.negation import negation_differs
from rag.language.numbers import missing_number
from rag.language.periods import MAX_CHARS as MAX_PERIOD_CHARS
from rag.language.periods import with_periods
from rag.language.plain_text import plain_text
from rag.language.recency import as_of
from rag.language.word_cover import cover, holds_value, language_of, without_function_words
from rag.model.condense import MAX_QUESTION_CHARS as MAX_CONDENSED_CHARS
from rag.model.prompt import build_condense_messages, parse_verdicts
from rag.model.reasoning import ReasoningFilter
from rag.model.refusals import is_refusal, may_be_refusal, without_label
from rag.model.search_line import SearchLines
from rag.replies.last_answer import Shown
from rag.retrieval.condense_rules import condense_by_rules, without_small_talk
from rag.retrieval.duplicates import content_key
from rag.retrieval.followups.ellipsis import MAX_CHARS as MAX_ELLIPTIC_CHARS
from rag.retrieval.query import MAX_CORRECTED_CHARS, single_edits
from rag.types import Turn
from rag.verify.support import check_support, strip_markup, support_score
from tests.support.scaling import TEXTS, Work, superlinear

ANSWER = 50_000
"""A model's answer, of the million characters that it may have."""
IN_TOKENS = 20_000
"""Several sentences, which are as long as they may be where the text has no end of one."""
SENTENCE = MAX_SENTENCE + SLICE
UNIT = CHARS_PER_TOKEN * MAX_TOKENS
"""A document's sentence is no longer than its chunk."""
TURN = 20_000
CITED = "The lake froze for 142 days in March 1998 near Lake Geneva and did not thaw."
ASKED = "How many days did Lake Geneva freeze in 1998?"


def buffered(step: int, *, whole_sentences: bool = False) -> Work:
    """Passes an answer to the buffer, `step` characters at a time."""

    def work(text: str) -> None:
        buffer = AnswerBuffer(lambda _: True, whole_sentences=whole_sentences)
        for start in range(0, len(text), step):
            buffer.feed(text[start : start + step])
        buffer.finish()

    return work


def filtered(step: int, *, is_unopened: bool) -> Work:
    def work(text: str) -> None:
        reasoning = ReasoningFilter(is_unopened=is_unopened)
        for start in range(0, len(text), step):
            reasoning.feed(text[start : start + step])
        reasoning.finish()

    return work


def without_searches(step: int) -> Work:
    def work(text: str) -> None:
        lines = SearchLines()
        for start in range(0, len(text), step):
            lines.feed(text[start : start + step])
        lines.finish()

    return work


def history(text: str) -> list[Turn]:
    starts = range(0, len(text), TURN)
    return [Turn("user", text[start : start + TURN]) for start in starts]


WORK: dict[str, tuple[int, Work]] = {
    # what a caller sends
    "is_statement": (MAX_QUESTION_CHARS, is_statement),
    "expected_answer_type": (MAX_QUESTION_CHARS, expected_answer_type),
    "asked_subject": (2 * MAX_SUBJECT_CHARS, asked_subject),
    "defining": (MAX_SUBJECT_CHARS, lambda text: defining(text).search(CITED * 10)),
    "with_periods": (MAX_PERIOD_CHARS, with_periods),
    "single_edits": (MAX_CORRECTED_CHARS, single_edits),
    "a question to condense": (
        MAX_QUESTION_CHARS,
        lambda text: condense_by_rules(text, [Turn("user", "What did Frank Zappa do? " * 100)]),
    ),
    "an elliptic question to condense": (
        MAX_QUESTION_CHARS,
        lambda text: condense_by_rules(
            f"and {text}"[:MAX_ELLIPTIC_CHARS], [Turn("user", f"How long is it in {text}")]
        ),
    ),
    "a question to condense, in other languages": (
        MAX_QUESTION_CHARS,
        lambda text: [
            condense_by_rules(begin + text, [Turn("user", begin + text)])
            for begin in ("und was ist ", "et qui est ", "y qué es ", "那")
        ],
    ),
    "a history to condense": (
        10 * TURN,
        lambda text: condense_by_rules("And who is he?", history(text)),
    ),
    "a conversation to condense": (
        10 * TURN,
        lambda text: condense_by_rules(text[:MAX_QUESTION_CHARS], history(text)),
    ),
    "a prompt to condense": (
        10 * TURN,
        lambda text: build_condense_messages(
            text[:MAX_QUESTION_CHARS], history(text), fence="0" * 16, history_chars=TURN
        ),
    ),
    # what a model writes
    "AnswerBuffer": (ANSWER, buffered(SLICE)),
    "AnswerBuffer, in tokens": (IN_TOKENS, buffered(16)),
    "AnswerBuffer, whole sentences": (IN_TOKENS, buffered(50, whole_sentences=True)),
    "MarkerLexer": (
        MAX_TARGET + SLICE,
        lambda text: MarkerLexer(lambda _: True).lex(text, is_final=True),
    ),
    "ReasoningFilter": (10 * ANSWER, filtered(10**9, is_unopened=False)),
    "ReasoningFilter, unopened": (ANSWER, filtered(4, is_unopened=True)),
    "SearchLines": (10 * ANSWER, without_searches(SLICE)),
    "SearchLines, in tokens": (ANSWER, without_searches(3)),
    "is_refusal": (10 * ANSWER, is_refusal),
    "may_be_refusal": (10 * ANSWER, may_be_refusal),
    "without_label": (10 * ANSWER, without_label),
    "parse_refs": (ANSWER, parse_refs),
    "parse_verdicts": (ANSWER, lambda text: parse_verdicts(text, 1)),
    "sanitize_markup": (ANSWER, lambda text: sanitize_markup(text, before="")),
    # a sentence of an answer, and what it cites
    "strip_markup": (SENTENCE, strip_markup),
    "missing_name": (SENTENCE, lambda text: missing_name(text, [CITED])),
    "missing_number": (SENTENCE, lambda text: missing_number(text, CITED)),
    "negation_differs": (SENTENCE, lambda text: negation_differs(text, [CITED])),
    "a sentence to verify": (SENTENCE, lambda text: check_support(text, [CITED])),
    "a cited text to verify": (UNIT, lambda text: check_support(CITED, [text], context=[text])),
    "both to verify": (
        SENTENCE,
        lambda text: check_support(text, [f"{text[1:]} x"], context=[text[::-1]]),
    ),
    "many cited texts": (
        SENTENCE // 4,
        lambda text: check_support(
            text, [f"{text[place + 1 :]} x" for place in range(MAX_SENTENCE_CITATIONS)]
        ),
    ),
    "support_score": (SENTENCE, lambda text: support_score(text, [text[1:]])),
    # a document's sentence, and the question
    **{
        f"contains_answer_type: {kind}": (
            MAX_QUESTION_CHARS,
            lambda text, kind=kind: contains_answer_type(kind, text, text[::-1]),
        )
        for kind in ("number", "measure", "date", "person", "place", "reason")
    },
    "differ": (UNIT, lambda text: differ(ASKED, text, CITED)),
    "differ in dates": (UNIT, lambda text: differ("When was it?", text, text[::-1])),
    "differ, by the question": (
        MAX_QUESTION_CHARS,
        lambda text: differ(f"How many {text}?", CITED, "It froze for 130 days."),
    ),
    "is_fragment": (UNIT, is_fragment),
    "content_key": (UNIT, content_key),
    "plain_text": (UNIT, plain_text),
    "plain_text of a row": (UNIT, lambda text: plain_text(text, "row", above=[text, text[1:]])),
    "plain_text of code": (UNIT, lambda text: plain_text(text, "code")),
    "is_other_version": (UNIT, lambda text: is_other_version(ASKED, text, f"{text[1:]} x")),
    "cover": (MAX_QUESTION_CHARS, lambda text: cover(text, text[::-1])),
    "cover of a unit": (UNIT, lambda text: cover("Was kostet die Prüfgebühr?", text)),
    "holds_value": (MAX_QUESTION_CHARS, lambda text: holds_value(text, text[::-1])),
    "as_of": (MAX_QUESTION_CHARS, as_of),
    "asks_for_list": (MAX_QUESTION_CHARS, asks_for_list),
    "language_of": (MAX_QUESTION_CHARS, language_of),
    "without_function_words": (
        MAX_QUESTION_CHARS,
        lambda text: without_function_words(without_function_words(text, "de"), "zh"),
    ),
    "recognize": (MAX_INTENT_CHARS, recognize),
    "recognize, after an answer": (
        MAX_INTENT_CHARS,
        lambda text: recognize(f"tell me more about {text}"[:MAX_INTENT_CHARS], is_first=False),
    ),
    "a conversation to compare with": (
        10 * TURN,
        lambda text: Shown([Turn("assistant", one.content) for one in history(text)]),
    ),
    "recognize, after polite words": (
        MAX_INTENT_CHARS,
        lambda text: recognize(
            f"Hi, could you please list all articles about {text}"[:MAX_INTENT_CHARS]
        ),
    ),
    "compared": (MAX_INTENT_CHARS, lambda text: compared(f"compare {text}"[:MAX_INTENT_CHARS])),
    "plain_kind": (MAX_QUESTION_CHARS, plain_kind),
    "without_small_talk": (10 * TURN, lambda text: without_small_talk(history(text))),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_work_on_a_text_is_linear(name: str) -> None:
    grows = {
        rule: growth
        for rule, (limit, work) in WORK.items()
        if (growth := superlinear(work, TEXTS[name], limit))
    }
    assert grows == {}


def test_a_condensed_question_is_no_longer_than_a_question() -> None:
    assert MAX_CONDENSED_CHARS <= MAX_QUESTION_CHARS
