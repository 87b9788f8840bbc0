"""A model condenses a follow-up question to one clean line; otherwise the rules do."""

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


def run_condense(script: Script, *, total_s: float = 60.0) -> tuple[str, FakeModel]:
    async def talk(server: FakeModel) -> str:
        chat = chat_client(server, total_s=total_s, between_tokens_s=1.0)
        try:
            return await condense(chat, FOLLOW_UP, HISTORY, history_chars=4_000)
        finally:
            await chat.close()

    with FakeModel(script) as server:
        return asyncio.run(talk(server)), server


def test_a_model_condenses_the_question_with_the_conversation() -> None:
    standalone = "Who supplies the batteries of the SU7?"
    found, server = run_condense(standalone)
    assert found == standalone
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
def test_a_condensed_question_is_one_clean_line(said: str, line: str) -> None:
    assert run_condense(said)[0] == line


@pytest.mark.parametrize(
    "said", ["x" * (MAX_QUESTION_CHARS + 1), "NO_ANSWER", "…", "[1.2]", " \n "]
)
def test_a_reply_that_is_no_question_leaves_it_to_the_rules(said: str) -> None:
    assert run_condense(said)[0] == condense_by_rules(FOLLOW_UP, HISTORY)


@pytest.mark.parametrize("fault", ["http_401", "no_answer", "cut", "slow_tokens", "html_200"])
def test_if_the_model_fails_the_rules_condense(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    found, _ = run_condense(
        Reply("Who supplies the batteries?", fault=fault, pause_s=0.05), total_s=2.0
    )
    assert found == condense_by_rules(FOLLOW_UP, HISTORY)
    assert "condensed by rules" in caplog.text


def test_condensing_leaves_most_of_the_timeout_to_the_answer() -> None:
    assert 0 < CONDENSE_TIMEOUT_SHARE <= 0.25
