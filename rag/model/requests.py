"""What a model is told to do with its last answer, where the reader asks something of that."""

from collections.abc import Mapping

from ..language.kind.last_answer import AnswerAct

REQUESTS: Mapping[AnswerAct, str] = {
    "evidence": "The reader doubts your last answer, or wants to see its proof. Check it against "
    "the passages: say again what they prove of it, and correct or take back what they do not.",
    "language": "Give your last answer again, whole, in the language that the reader names, "
    "whatever the language of the reader's words.",
    "summary": "Sum up the article that the passages are.",
    "shorter": "Give your last answer again, as short as it can be.",
    "more": "Say what else the passages say about the question before, without repeating your "
    "last answer.",
}
"""Cited like any answer. "Why?" is a question of its own."""
