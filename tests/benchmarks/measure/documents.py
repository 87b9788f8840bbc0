"""Asks the questions of each reported document fault, and prints what came back, case by case.

    python -m tests.benchmarks.measure.documents ../shared/bugs [--case 16] [--show]

A case is a folder with `input/`. What is expected is written here: texts that the answer or its
citations must hold, and texts that they must not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """A question with what its reply must hold (`says`), and what it must not (`never`).

    `is_refused`: an answer is the fault. `source` limits the search.
    """

    text: str
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    is_refused: bool = False
    source: str | None = None
    conflicts: bool = False


CASES: dict[str, tuple[Question, ...]] = {
    "01": (
        Question(
            "When is the waste paper of the depot collected?",
            ("Monday", "Thursday"),
            conflicts=True,
        ),
    ),
    "03": (
        Question("What is the day rate of the tower light?", ("Tower light", "40 euros")),
        Question("What deposit does the floor sander need?", ("Floor sander", "Deposit")),
    ),
    "05": (
        Question("How much does a replacement card cost?", ("4 euros",)),
        Question("How long may I keep audiobooks?", ("Three weeks",)),
        Question("Who may use the study rooms?", ("Everybody over 16",)),
    ),
    "06": (Question("How long may the pump run dry?", ("20 seconds",)),),
    "08": (
        Question("What is the maximum pressure of the pump?", ("12 bar",), ("99",)),
        Question("What is the gate code?", never=("7788",)),
    ),
    "09": (Question("Was kostet die Jahresgebühr?", ("Die Jahresgebühr beträgt 15 Euro",)),),
    "10": (Question("Who services the lift?", ("lift",)),),
    "12": (
        Question("What was the population of Birch in 2022?", ("2022: 2290",)),
        Question("What is the phone number of K. Oder?", ("Phone: ",)),
    ),
    "13": (Question("What is the load of Pallet 33?", ("Load: 53", "Pallet 33")),),
    "15": (
        Question("仓库几点开门", ("七点",)),
        Question("叉车司机需要什么证书？", ("三级证书",)),
        Question("午餐多少钱？", ("十二元",)),
    ),
    "16": (
        Question("Which sites does the company run?", ("Arnhem", "Dresden", "Ghent")),
        Question("List all sites of the company.", ("Arnhem", "Dresden", "Ghent")),
    ),
    "17": (
        Question("What is the stall number assigned to Petra Lindqvist?", ("47",)),
        Question("Which goods does the applicant offer?", ("Sheep cheese and honey",)),
    ),
    "19": (
        Question(
            "Who issues the permit?",
            ("The permit is issued by the office at pier four and lasts for two years.",),
        ),
        Question("What does long-term mooring cost?", ("Long-term mooring",), ("Longterm",)),
    ),
    "20": (Question("What is the fare of the Cedar line?", ("Cedar", "2.10"), ("Birch line",)),),
    "22": (
        Question(
            "Was kostet die Prüfgebühr?", ("18 Euro",), source="Gr\u00f6\u00dfen\u00fcbersicht.md"
        ),
    ),
    "24": (
        Question(
            "What is the current daily meal allowance abroad?",
            ("2023-01-05", "2025-07-01"),
            conflicts=True,
        ),
    ),
    "25": (
        Question("When was the Saltmarsh bridge opened?", ("1931",), ("[3] It", "1931[1]")),
        Question("What is the notice period of the lease?", ("six months",), ("months[1]",)),
    ),
}
"""By the number that the case's folder begins with; 27 is about HTTP (tests/http)."""


def footnote(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in this interpreter and returns what came back."""
    command = [sys.executable, "-c", "from api.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CI": ""})


def faults(question: Question, reply: dict[str, Any]) -> Iterator[str]:
    """Yields what is wrong with a reply."""
    cited = json.dumps([(one["quote"], one.get("date")) for one in reply["citations"]])
    shown = f"{reply['answer']}\n{json.loads(json.dumps(cited, ensure_ascii=False))}"
    if reply["answered"] == question.is_refused and (question.says or question.is_refused):
        yield "answered" if question.is_refused else f"refused ({reply['reason']})"
        return
    yield from (f"lacks {text!r}" for text in question.says if text not in shown)
    yield from (f"says {text!r}" for text in question.never if text in reply["answer"])
    if question.conflicts and not reply.get("conflicts"):
        yield "names no conflict"


def run_case(folder: Path, data: Path, *, show: bool) -> Iterator[tuple[str, list[str]]]:
    """Yields each question of a case with its faults, after a sync of the case's input."""
    where = ("--collection", "case", "--data-dir", str(data))
    synced = footnote("sync", str(folder / "input"), *where)
    if show:
        print(synced.stdout, synced.stderr)
    for question in CASES[folder.name[:2]]:
        source = ("--source", question.source) if question.source else ()
        asked = footnote("ask", question.text, "--json", *source, *where)
        if not asked.stdout.startswith("{"):
            yield question.text, [asked.stderr[-300:]]
            continue
        reply = json.loads(asked.stdout)
        if show:
            print(json.dumps(reply["answer"], ensure_ascii=False), f"{reply['confidence']:.2f}")
        yield question.text, list(faults(question, reply))


def main() -> int:
    """Prints a line a question; exits with 1 where one has a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--case")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    failed = 0
    for folder in sorted(options.folder.iterdir()):
        if folder.name[:2] not in CASES or not folder.name.startswith(options.case or ""):
            continue
        with tempfile.TemporaryDirectory() as data:
            for text, wrong in run_case(folder, Path(data), show=options.show):
                failed += bool(wrong)
                print(f"{'FAIL' if wrong else 'ok':5}{folder.name:34}{text}  {'; '.join(wrong)}")
    print(f"{failed} questions failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
