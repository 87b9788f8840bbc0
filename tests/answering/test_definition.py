import pytest

from rag.language.definition import asked_subject, defining


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Who is Lei Jun?", "Lei Jun"),
        ("who's lei jun", "lei jun"),
        ("What is the YU7?", "YU7"),
        ("SU7", "SU7"),
        ("battery", "battery"),
        ("what exactly is a pay zone?", "pay zone"),
        ("What does PTO stand for?", "PTO"),
        ("Wer ist Lei Jun?", "Lei Jun"),
        ("Was ist der SU7?", "SU7"),
        ("Qui est Lei Jun ?", "Lei Jun"),
        ("¿Quién es Lei Jun?", "Lei Jun"),
        ("雷军是谁？", "雷军"),
        ("Who supplies the batteries?", None),
        ("How much does an SU7 cost?", None),
        ("What did Lei Jun say, and when?", None),
        ("", None),
    ],
)
def test_who_or_what_is_asked_for(question: str, subject: str | None) -> None:
    assert asked_subject(question) == subject


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("Lei Jun", "For Lei Jun, the founder and chairman, this is only the start."),
        ("lei jun", "Lei Jun is the founder of Xiaomi."),
        ("Lei Jun", "Lei Jun, who leads Xiaomi, announced his target."),
        ("Lei Jun", "That is what chief executive and founder Lei Jun said."),
        ("YU7", "The range includes the SU7, a sedan, and the YU7, an SUV of medium size."),
        ("YU7", "The next model, an SUV called YU7, was announced for July."),
        ("PTO", "PTO (paid time off) is the sum of all days off."),
        ("pay zone", "Pay zone: the region whose salaries a job follows."),
        ("Lei Jun", "Lei Jun ist der Gründer von Xiaomi."),
        ("雷军", "雷军是小米的创始人。"),
    ],
)
def test_a_sentence_that_says_who_or_what_it_is(subject: str, sentence: str) -> None:
    assert defining(subject).search(sentence)


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("Lei Jun", "During a livestream, viewers pressed Lei Jun again and again."),
        ("YU7", "The arrival of the YU7 in June was a turning point."),
        ("SU7", "The SU7 Ultra is a sporty variant."),
        ("C++ (", "C is a language."),
    ],
)
def test_a_sentence_that_merely_names_it(subject: str, sentence: str) -> None:
    assert not defining(subject).search(sentence)
