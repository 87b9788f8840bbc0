"""`footnote ask` at a terminal: colours, links, a conversation; and questions from stdin."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tests.support.processes import COMMAND, RunningService, clean_environment
from tests.support.terminal import run_in_terminal

QUESTION = "Who supplies the batteries of the SU7?"
FOLLOW_UP = "are you sure?"
LINK = re.compile(r"\x1b\]8;;([^\x1b]+)\x1b\\(.*?)\x1b\]8;;\x1b\\", re.DOTALL)
COLOR = re.compile(r"\x1b\[[0-9;]*m")
END = "\x04"
"""Ctrl-D."""


def links(shown: str) -> dict[str, str]:
    """The text of each link, without its colours, and where it leads."""
    return {COLOR.sub("", text): url for url, text in LINK.findall(shown)}


def test_on_a_terminal_an_answer_has_colours_and_links_to_the_files(seeds_data: Path) -> None:
    code, shown = run_in_terminal("ask", QUESTION, "--data-dir", seeds_data, cwd=seeds_data)
    assert code == 0
    found = links(shown)
    assert {"[1]", "the-partners-behind-xiaomis-car.md:13"} <= set(found)
    path = Path(unquote(urlsplit(found["[1]"]).path))
    assert urlsplit(found["[1]"]).scheme == "file"
    assert "CATL" in path.read_text("utf-8")
    assert "\x1b[32mEvery sentence is supported" in shown
    lines = COLOR.sub("", LINK.sub(lambda match: match[2], shown)).splitlines()
    assert max(map(len, lines)) <= 90


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no color", "dumb"])
def test_where_codes_are_not_wanted_there_are_none(seeds_data: Path, env: dict[str, str]) -> None:
    arguments = ("ask", QUESTION, "--data-dir", seeds_data)
    code, shown = run_in_terminal(*arguments, cwd=seeds_data, env=env)
    assert code == 0
    assert "[1] The partners behind" in shown
    assert "\x1b" not in shown


def test_json_on_a_terminal_has_no_codes(seeds_data: Path) -> None:
    arguments = ("ask", QUESTION, "--data-dir", seeds_data, "--json")
    _, shown = run_in_terminal(*arguments, cwd=seeds_data)
    assert shown.startswith("{\n")
    assert "\x1b" not in shown


def test_in_a_pipe_there_are_no_codes_even_if_colour_is_forced(seeds_data: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "ask", QUESTION, "--data-dir", str(seeds_data)],
        env=clean_environment({"FORCE_COLOR": "1", "TERM": "xterm-256color"}),
        cwd=seeds_data,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_link_to_a_service_opens_its_view(
    command: str, service: RunningService, tmp_path: Path
) -> None:
    code, shown = run_in_terminal(command, QUESTION, "--url", service.url, cwd=tmp_path)
    assert code == 0
    found = [url for text, url in links(shown).items() if "partners" in text]
    assert found
    view = httpx.get(found[0])
    assert view.status_code == 200
    assert view.url.host == "127.0.0.1"
    assert "CATL" in view.text


def test_an_article_cannot_bring_codes_of_its_own(lakes: Path) -> None:
    arguments = ("ask", "What is the capital of Examplia?", "--data-dir", lakes / ".data")
    _, shown = run_in_terminal(*arguments, cwd=lakes)
    assert "\\x1b[31m" in shown
    assert "\x1b" not in COLOR.sub("", LINK.sub("", shown))
    assert "\x1b[31m" not in shown


def test_a_conversation_keeps_what_was_said_until_ctrl_d(seeds_data: Path) -> None:
    typed = [f"{QUESTION}\n", "\n", f"{FOLLOW_UP}\n", END]
    code, shown = run_in_terminal("ask", "--data-dir", seeds_data, cwd=seeds_data, typed=typed)
    assert code == 0
    assert "Ask 5 articles of default; Ctrl-D ends." in shown
    _, first, second = re.split(r"> (?=Who|are)", shown)
    assert "BYD" in first
    assert "BYD" in second, "it is about the question before"
    assert "Not answered" not in second


def test_neither_an_error_nor_ctrl_c_ends_a_conversation(
    service: RunningService, tmp_path: Path
) -> None:
    typed = [f"{'x' * 3_000}\n", "half a ques\x03", f"{QUESTION}\n", END]
    env = {"TERM": "dumb"}
    arguments = ("ask", "--url", service.url, "--source", "nowhere/")
    code, shown = run_in_terminal(*arguments, cwd=tmp_path, typed=typed, env=env)
    assert code == 0
    assert shown.count("Not answered: nothing_retrieved.") == 2
    stopped = run_in_terminal(
        *("ask", "--url", "http://127.0.0.1:9"), cwd=tmp_path, typed=["why?\n", END], env=env
    )
    assert stopped[0] == 0
    assert "footnote: cannot reach a service at http://127.0.0.1:9" in stopped[1]


@pytest.mark.parametrize(
    ("arguments", "piped", "code", "message"),
    [
        (["-"], f"{QUESTION}\n".encode(), 0, ""),
        (["-"], b"\xef\xbb\xbf" + QUESTION.encode(), 0, ""),
        (["-"], b" \n", 2, "the question is empty"),
        (["-"], b"\xff\xfe" * 600_000, 2, "more than 1,000,000 bytes"),
        ([], f"{QUESTION}\n".encode(), 2, "or - to read it from stdin"),
        (["--json"], b"", 2, "or - to read it from stdin"),
    ],
    ids=["a line", "with a BOM", "blank", "too much", "no question", "json"],
)
def test_a_question_is_read_from_stdin_by_a_hyphen(
    arguments: list[str], piped: bytes, code: int, message: str, seeds_data: Path
) -> None:
    done = subprocess.run(
        [*COMMAND, "ask", *arguments, "--data-dir", str(seeds_data)],
        input=piped,
        env=clean_environment(),
        cwd=seeds_data,
        capture_output=True,
        check=False,
    )
    assert done.returncode == code
    assert message in done.stderr.decode()
    assert ("BYD" in done.stdout.decode()) == (code == 0)
