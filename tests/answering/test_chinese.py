"""Questions in Chinese characters are judged by their words."""

import pytest

from rag.language.chinese import cover, holds_value, is_chinese

STORE = "仓库每天早上七点开门，晚上十点关门。"
LUNCH = "食堂的午餐价格是十二元。"


@pytest.mark.parametrize("text", ["仓库几点开门", "FastAPI 是什么？", "怎么用 pip 安装？"])
def test_a_question_in_chinese(text: str) -> None:
    assert is_chinese(text)


@pytest.mark.parametrize("text", ["When does it open?", "Was heißt 门?", "", "123"])
def test_a_question_in_another_script(text: str) -> None:
    assert not is_chinese(text)


def test_all_words_of_a_question_are_in_its_answer() -> None:
    assert cover("仓库几点开门", STORE) == 1
    assert cover("午餐多少钱？", LUNCH) == 1


def test_few_words_are_in_a_sentence_about_something_else() -> None:
    assert cover("停车场几点开门", STORE) < 0.5
    assert cover("晚餐多少钱？", LUNCH) == 0


def test_a_price_or_a_time_must_be_there() -> None:
    assert holds_value("午餐多少钱？", LUNCH)
    assert not holds_value("仓库多少钱？", STORE)
    assert holds_value("仓库几点开门", STORE)
    assert not holds_value("食堂几点开门", LUNCH)
    assert holds_value("谁负责仓库？", STORE)
