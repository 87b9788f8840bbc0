import pytest

from rag.retrieval.condense_rules import MAX_SUBJECT_CHARS, condense_by_rules
from rag.types import Turn


def conversation(*questions: str) -> list[Turn]:
    turns = []
    for question in questions:
        turns += [Turn("user", question), Turn("assistant", "An answer.")]
    return turns


@pytest.mark.parametrize(
    "question",
    [
        "Who supplies them?",
        "And how many orders did it get?",
        "Why?",
        "What about Europe?",
    ],
)
def test_a_follow_up_gets_the_subject_of_the_last_question(question: str) -> None:
    standalone = condense_by_rules(
        question, conversation("Does Xiaomi make the batteries of the SU7 itself?")
    )
    assert standalone.startswith(question)
    assert "batteries of the SU7" in standalone


def test_a_standalone_question_is_unchanged() -> None:
    question = "What is the capacity of BAIC Group?"
    assert condense_by_rules(question, conversation("Who makes the SU7?")) == question


def test_without_history_nothing_is_added() -> None:
    assert condense_by_rules("Who supplies them?", []) == "Who supplies them?"


def test_a_subject_is_carried_over_another_follow_up() -> None:
    standalone = condense_by_rules(
        "And who sells it?", conversation("What is the YU7?", "How fast is it?")
    )
    assert "YU7" in standalone


@pytest.mark.parametrize(
    "question",
    [
        "Is there a museum in Paris?",
        "How does Xiaomi build its cars?",
        "Did Lei Jun say that he founded Xiaomi?",
        "Which company is one of the largest battery makers?",
        "Which cars were sold best this year?",
    ],
)
def test_a_question_without_a_reference_to_the_conversation_is_unchanged(question: str) -> None:
    assert condense_by_rules(question, conversation("What is the range of the YU7?")) == question


def test_a_person_is_named_in_full() -> None:
    standalone = condense_by_rules(
        "When did he leave the band?",
        conversation("Who is Frank Zappa?", "Which band did Zappa lead?"),
    )
    assert standalone == "When did he leave the band? (Frank Zappa)"


def test_the_name_that_answered_a_who_question_is_carried_over() -> None:
    history = [
        Turn("user", "Who founded the company?"),
        Turn("assistant", "It was founded by Lei Jun in 2010."),
    ]
    assert "Lei Jun" in condense_by_rules("Where was he born?", history)


def test_a_new_subject_replaces_the_one_before() -> None:
    standalone = condense_by_rules(
        "How fast is it?",
        conversation("Who is Frank Zappa?", "Where was he born?", "What is the YU7?"),
    )
    assert "YU7" in standalone
    assert "Zappa" not in standalone


def test_a_subject_without_a_name_is_carried_over_another_follow_up() -> None:
    standalone = condense_by_rules(
        "And in a pan?",
        conversation("how long does rice have to boil?", "is it the same for beans?"),
    )
    assert "rice" in standalone


def test_a_history_without_questions_changes_nothing() -> None:
    assert (
        condense_by_rules("Who is he?", [Turn("assistant", "Ask me about Xiaomi.")]) == "Who is he?"
    )


def test_a_subject_has_a_maximum_length() -> None:
    question = "Why is that?"
    standalone = condense_by_rules(
        question, conversation("Does the word " + "very " * 500 + "matter?")
    )
    assert len(standalone) <= len(question) + MAX_SUBJECT_CHARS + 3


def test_next_to_the_whole_last_question_the_name_in_its_answer_is_left_out() -> None:
    history = [
        Turn("user", "Does Xiaomi have a chip of its own?"),
        Turn("assistant", "Yes, its coming chip is called Xring O1."),
    ]
    standalone = condense_by_rules("What is it meant to run in?", history)
    assert "Xiaomi have a chip of its own" in standalone
    assert "Xring" not in standalone
