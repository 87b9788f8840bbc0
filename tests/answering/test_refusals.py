"""A refusal is recognised, however the model words it, and an answer is not taken for one."""

import pytest

from rag.model.refusals import is_refusal, may_be_refusal, without_label

OWN_WORDS = (
    "I cannot find that in the passages.",
    "I’m sorry, but the provided passages do not contain information about its height.",
    "Unfortunately, the text doesn't say when it was lit.",
    "The passages found do not mention the lighthouse's keeper.",
    "Based on the passages, there is no information about this.",
    "There is no information in the given context about that.",
    "I don't know.",
    "None of the sources mention it.",
    "Answer: The context does not provide this.",
)
ANSWERS = (
    "The passages do not give its height, but it was lit in 1871 [1.1].",
    "No, it was closed in 1920 [1.2].",
    "No bridge was found there.",
    "Nothing is known of its keeper (passage 2).",
    "I found three passages about it 【1.1】 and none is older.",
    "The source of the river is at Tarn [1.1].",
    "The passages say that it was lit in 1871.",
)


@pytest.mark.parametrize(
    "answer",
    ["NO_ANSWER", " `NO_ANSWER`.", "**NO\\_ANSWER**", "NO ANSWER", "NO_ANSWER\n\nThey do not say.",
     "The passages do not say. NO_ANSWER", "Answer: NO_ANSWER", "no_answer", "No answer.",
     *OWN_WORDS],
)  # fmt: skip
def test_a_refusal_is_recognised(answer: str) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "answer", ["No answer was ever found [1.2].", "It is 5 m [1.1]. NO_ANSWER", *ANSWERS]
)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert not is_refusal(answer)


@pytest.mark.parametrize(
    "beginning", ["", " ", "`NO", "NO_ANS", "NO\\_ANSWER", "NO_ANSWER. It", "**Ans", *OWN_WORDS]
)
def test_a_possible_refusal_is_held_back(beginning: str) -> None:
    assert may_be_refusal(beginning)


@pytest.mark.parametrize(
    "beginning", ["It was", "Note", "NOR", "1", "A lamp", "Answers", "The passages do not [1.1]"]
)
def test_an_answer_is_not_held_back(beginning: str) -> None:
    assert not may_be_refusal(beginning)


@pytest.mark.parametrize("answer", OWN_WORDS)
def test_a_refusal_is_held_back_however_far_it_has_come(answer: str) -> None:
    assert all(may_be_refusal(answer[:end]) for end in range(len(answer) + 1))


@pytest.mark.parametrize("label", ["Answer: ", "**Answer:** ", "Final Answer:\n", "### Answer: "])
def test_a_label_before_the_answer_is_left_out(label: str) -> None:
    assert without_label(f"{label}It is 5 m [1.1].") == "It is 5 m [1.1]."
