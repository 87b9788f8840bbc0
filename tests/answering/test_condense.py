"""A model's rewrite of a follow-up question: one clean line, or the rule."""

import asyncio

import pytest

from rag.model.condense import CONDENSE_TIMEOUT_SHARE, MAX_QUESTION_CHARS, condense
from rag.retrieval.condense_rules import condense_by_rules
from rag.types import Turn
from tests.support.fakes import FakeModel, Reply, Script, chat_client

FOLLOW_UP = "Who supplies them?"
HISTORY = [
    Turn("user", "Does Xiaomi make the batteries of the SU7 itself?"),
    Turn("assistant", "No."),
]


def rewrite(script: Script, question: str = FOLLOW_UP) -> tuple[str, FakeModel]:
    async def talk(server: FakeModel) -> str:
        chat = chat_client(server, total_s=2.0, between_tokens_s=1.0)
        try:
            return await condense(chat, question, HISTORY, history_chars=4_000)
        finally:
            await chat.close()

    with FakeModel(script) as server:
        return asyncio.run(talk(server)), server


def test_a_model_rewrites_the_question_from_the_conversation() -> None:
    wanted = "Who supplies the batteries of the SU7?"
    found, server = rewrite(wanted)
    assert found == wanted
    assert "user: Does Xiaomi make the batteries" in server.requests[0].last
    assert server.requests[0].last.endswith(f"Question: {FOLLOW_UP}")
    assert server.requests[0].body["max_tokens"] <= 200


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ('Question: "Who supplies the SU7?"\nIt is CATL.', "Who supplies the SU7?"),
        ("\n  **Who supplies  the SU7?** [1.2]", "Who supplies the SU7?"),
        ("Who\u202e supplies the\x1b SU7?", "Who supplies the SU7?"),
        ("<think>Hm.</think>Who supplies the SU7?", "Who supplies the SU7?"),
        ("x" * MAX_QUESTION_CHARS, "x" * MAX_QUESTION_CHARS),
    ],
)
def test_a_rewrite_is_one_clean_line(said: str, line: str) -> None:
    assert rewrite(said)[0] == line


@pytest.mark.parametrize("said", ["x" * (MAX_QUESTION_CHARS + 1), "NO_ANSWER", "…", "[1.2]", " \n "])
def test_what_is_no_question_is_left_to_the_rule(said: str) -> None:
    assert rewrite(said)[0] == condense_by_rules(FOLLOW_UP, HISTORY)


@pytest.mark.parametrize("fault", ["http_401", "no_answer", "cut", "slow_tokens", "html_200"])
def test_where_the_model_fails_the_rule_stays(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    found, _ = rewrite(Reply("Who supplies the batteries?", fault=fault, pause_s=0.05))
    assert found == condense_by_rules(FOLLOW_UP, HISTORY)
    assert "condensed by rules" in caplog.text


def test_a_rewrite_leaves_most_of_the_deadline_to_the_answer() -> None:
    assert 0 < CONDENSE_TIMEOUT_SHARE <= 0.25
