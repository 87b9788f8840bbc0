"""`--help`, `--version` and completion: what a person who types a command is shown."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main

from api.cli import app, run
from api.cli.help import EXAMPLES
from tests.support.processes import COMMAND, ROOT, clean_environment


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its words, such as `keys create`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", sorted(ALL))
def test_the_help_of_every_command_ends_with_examples(
    name: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*name.split(), flag]) == 0
    shown = capsys.readouterr().out
    lines = shown.partition("  Examples:\n")[2].splitlines()
    assert lines == [f"    {example}" for example in EXAMPLES[name]]
    assert all(len(line) <= 90 for line in lines)


def test_no_example_is_of_a_command_that_is_gone() -> None:
    assert set(EXAMPLES) == set(ALL)


@pytest.mark.parametrize("example", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_understood(example: str) -> None:
    words = shlex.split(example.partition(" < ")[0], comments=True)
    assert words[0] == "footnote"
    name = " ".join(words[1:3]) if " ".join(words[1:3]) in ALL else words[1]
    arguments = words[1 + len(name.split()) :]
    with ALL[name].make_context(name, arguments) as context:
        assert not context.args


def test_commands_stand_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-h"]) == 0
    shown = capsys.readouterr().out
    headings = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == ["Options:", "Ask:", "Articles and index:", "Operation:", "Quality:"]
    assert re.search(r"\nAsk:\n  ask +Answer a question", shown)
    assert "..." not in shown.partition("\nAsk:\n")[2], "no summary is cut"


def test_a_group_without_a_command_shows_its_help_and_is_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["keys"]) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith("Usage: footnote keys ")
    assert shown.err == ""


def test_an_error_names_the_help_of_its_own_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "create", "--nmae", "x"]) == 2
    message = capsys.readouterr().err
    assert "--nmae" in message
    assert message.endswith("see footnote keys create --help\n")


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"footnote {version('footnote')}\n"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("footnote s", {"search", "serve", "sessions", "state", "sync", "status"}),
        ("footnote keys ", {"create", "list", "revoke"}),
        ("footnote state ", {"import"}),
        ("footnote ask --top", {"--top-k"}),
    ],
)
def test_the_shell_completes_commands_and_options(typed: str, expected: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    env = clean_environment({"_FOOTNOTE_COMPLETE": "complete_bash", **words})
    done = subprocess.run(COMMAND, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, set(done.stdout.split())) == (0, expected), done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_shown(shell: str, tmp_path: Path) -> None:
    script = "import sys; from api.cli import main; sys.argv[0] = 'footnote'; main()"
    command = [sys.executable, "-c", script, "--show-completion", shell]
    env = clean_environment({"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    done = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "_FOOTNOTE_COMPLETE=complete_" in done.stdout
