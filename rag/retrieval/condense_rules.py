"""Condenses history and a follow-up question to a standalone question, by rules.

An elliptic question ("and the YU7?") is the question before with what is new in its place
(`followups/`). Another that depends on the conversation (a pronoun before any name, an "and …",
hardly a word of its own) gets its subject in brackets: the last standalone question, the name that
the questions are about, and the names mentioned last. Measured on CANARD (Elgohary et al. 2019) by
tests/benchmarks/measure/canard.py, and on `tests/data/follow_ups.jsonl`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..language.kind.intent import NOT_SEARCHED, recognize
from ..language.refusals import is_refusal_text
from ..language.word_cover import Language, language_of
from ..types import Ask, Turn
from .followups.ellipsis import parse_ellipsis
from .followups.english import (
    MAX_NAMES,
    content_words,
    is_follow_up,
    is_label,
    names_in,
    new_names,
)
from .followups.english import subjects as english_subjects
from .followups.frame import carry_over
from .followups.reference import asks_for_name, refers, subject_of

_ENGLISH = re.compile(
    r"\b(?:the|is|are|was|were|do|does|did|what|which|who|when|where|why|how|and|of|it|for|to|in)\b",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\s*\[\d{1,3}\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|(?<=[。！？])")
MAX_SUBJECT_CHARS = 300
MAX_HISTORY_CHARS = 20_000
"""Of the newest turns; older ones are not looked at."""


def condense_by_rules(question: str, history: Sequence[Turn]) -> str:
    """Returns the question with what the conversation adds, or unchanged if it needs nothing."""
    history = newest_turns(history, MAX_HISTORY_CHARS)
    asked = [turn.content for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked:
        return question
    questions = _resolved(asked)
    if carried := _carried(question, questions[-1]):
        return carried
    words, added = content_words(question), []
    for subject in _missing(question, questions, history):
        if new := content_words(subject) - words:
            added.append(subject)
            words |= new
    return f"{question.rstrip()} ({'; '.join(added)[:MAX_SUBJECT_CHARS]})" if added else question


def _missing(question: str, questions: Sequence[str], history: Sequence[Turn]) -> Iterator[str]:
    """Yields what the question may leave out, the likeliest first; nothing if it stands alone."""
    language, last = _language(question, questions[-1]), history[-1]
    if language != "en":
        if refers(question, language):
            yield from _foreign_subjects(questions, history, language)
    elif is_follow_up(question):
        yield from english_subjects(question, questions, history)
    elif is_label(question):
        yield from names_in(questions[-1])[:MAX_NAMES]
    is_why = recognize(question, is_first=False).about == "why"
    if is_why and last.role == "assistant" and not is_refusal_text(last.content):
        yield _first_sentence(last.content)


def _resolved(questions: Sequence[str]) -> list[str]:
    """Returns the questions, elliptic ones carried over from the one before."""
    resolved = list[str]()
    for question in questions:
        carried = _carried(question, resolved[-1]) if resolved else None
        resolved.append(carried or question)
    return resolved


def _carried(question: str, frame: str) -> str | None:
    """Returns the frame with what is new in an elliptic question; None if it is none."""
    new = parse_ellipsis(question, [language_of(question), language_of(frame)])
    return carry_over(new, frame, is_whole=not _depends(frame)) if new else None


def _depends(question: str) -> bool:
    language = language_of(question)
    return is_follow_up(question) if language == "en" else refers(question, language)


def _language(question: str, last: str) -> Language:
    """Returns the language of a question; of a short one without known words, that of the last."""
    language = language_of(question)
    return language_of(last) if language == "en" and not _ENGLISH.search(question) else language


def _foreign_subjects(
    questions: Sequence[str], history: Sequence[Turn], language: Language
) -> Iterator[str]:
    """Yields what may be missing of a question that is not English, the likeliest first."""
    standalone = next(
        (one for one in reversed(questions) if not refers(one, language)), questions[0]
    )
    yield subject_of(standalone, language)
    if asks_for_name(questions[-1], language) and history[-1].role == "assistant":
        yield from new_names(history[-1].content, questions[-1])


def _first_sentence(answer: str) -> str:
    """Returns the first sentence of an answer, without its markers."""
    text = _MARKER.sub("", answer[:MAX_SUBJECT_CHARS])
    return " ".join(_SENTENCE_END.split(text, maxsplit=1)[0].split())


def without_small_talk(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """Returns the history without what asks nothing of the articles, and its replies.

    Greetings, questions about the service, and what is asked of the last answer but "why?".
    """
    kept, is_reply, is_first = list[Turn](), False, True
    for turn in history:
        if turn.role == "user":
            intent = recognize(turn.content, is_first=is_first)
            is_reply = intent.kind in NOT_SEARCHED or intent.about not in (None, "why")
            is_first = False
        if not is_reply:
            kept.append(turn)
    return tuple(kept)


def last_question(ask: Ask) -> Ask | None:
    """Returns the question that the last answer is to, other than "why?"; None without one."""
    history = without_small_talk(ask.history)
    for place in range(len(history) - 1, -1, -1):
        turn = history[place]
        is_why = recognize(turn.content, is_first=place == 0).about == "why"
        if turn.role == "user" and turn.content.strip() and not is_why:
            return replace(ask, question=turn.content, history=history[:place])
    return None


def newest_turns(history: Sequence[Turn], max_chars: int) -> list[Turn]:
    """Returns the newest turns that fit, oldest first; the newest is cut rather than left out."""
    remaining, turns = max_chars, list[Turn]()
    for turn in reversed(history):
        if len(turn.content) > remaining:
            if not turns and remaining > 0:
                turns.append(Turn(turn.role, turn.content[:remaining]))
            break
        turns.append(turn)
        remaining -= len(turn.content)
    return turns[::-1]
