"""Answers without a model quote units: rows with their header, lists whole, versions apart."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.embed.factory import EmbedSpec, open_embedder
from rag.answer import Limits, Pipeline
from rag.answering.quotes import MAX_LIST_UNITS
from rag.types import Answer, Ask
from tests.support.corpus_builder import open_generation, sync_in_process, sync_request, write_files

PALLETS = "\n".join(f"| Pallet {n} | {n + 150} | {n + 20} | hall {n % 3} |" for n in range(1, 90))
FILES = {
    "leave.md": "# Leave\n\nEvery employee has 28 days of leave, with these exceptions.\n\n"
    "| Country | Days | Notice |\n|---|---|---|\n| Spain | 26 | two weeks |\n"
    "| Norway | 25 | a month |\n| **Chile** | 15 | [by form](https://x.example/f) |\n",
    "stock.md": "# Pallet stock\n\nThe table shows height and load of each pallet.\n\n"
    f"| Pallet | Height | Load | Place |\n|---|---|---|---|\n{PALLETS}\n",
    "sites.md": "# Sites\n\nThe firm was founded in 1961. The firm runs four plants:\n\n"
    "- Arnhem, with the foundry\n- Bruges, with the paint shop\n"
    "  - the shop opens at seven\n- Cork, with the call centre\n- Dresden, with the tool shop\n\n"
    "All of them are heated by district heat.\n",
    "vpn.md": "# Remote access\n\nHow to connect to the network from home:\n\n"
    "1. Install **AcmeVPN** from the [portal](https://x.example/p).\n"
    "2. Choose the profile *Home*.\n3. Type the code on your token.\n",
    "build.md": "# Building\n\nThe mill is built and started with these commands:\n\n"
    "```sh\nmake mill\n./mill --port 80[1]\n```\n",
    "tools.md": "# Tools\n\nThe tool shed holds these tools:\n\n"
    + "\n".join(f"- tool number {n} of the shed" for n in range(1, 31)),
    "paper-2022.md": "---\ndate: 2022-03-01\n---\n# Depot rules\n\n"
    "The waste paper of the depot is collected every Monday morning from the yard.\n",
    "paper-2025.md": "---\ndate: 2025-05-01\n---\n# Depot rules\n\n"
    "The waste paper of the depot is collected every Thursday morning from the yard.\n",
    "meals-a.md": "---\ndate: 2021-01-05\n---\n# Travel\n\n"
    "The daily meal allowance on journeys abroad is 38 euros.\n",
    "meals-b.md": "---\ndate: 2024-07-01\n---\n# Travel\n\n"
    "The daily meal allowance on journeys abroad is 46 euros.\n",
    "copy-a.md": "# Keys\n\nThe spare key of the boathouse hangs behind the green door.\n",
    "copy-b.md": "# Keys again\n\n- The spare key of the boathouse hangs behind the green door.\n",
    "bridge.md": "# Bridge\n\nThe Saltmarsh bridge was opened in 1931[1] and is 412 metres long.[3]"
    " It was widened in 1967.[2]\n",
    "dictionary.md": "# Terms\n\nThe yards are these:\n",
    "club.html": "<main><h1>Club</h1><dl><dt>Quorum</dt><dd>At least five members present.</dd>"
    "<dt>Proxy</dt><dd>A member who votes for another.</dd></dl><h2>Dues</h2><table><tr>"
    "<th rowspan=2>Section<th colspan=2>Dues<tr><th>Adult<th>Child<tr><td>Rowing<td>40 euros"
    "<td>10 euros<tr><td>Chess<td>12 euros<td>free</table></main>",
    "limits.md": "# Limits\n\n| Builder | memory | swap | gpu |\n|---|---|---|---|\n"
    "| lambda | no | no | none |\n| docker | yes | no | never |\n",
    "agent.md": "# Agent\n\nTo install the agent:\n\n1. Fetch the package.\n2. Unpack it.\n"
    "3. Start the service, which listens on port 9100.\n",
}


@pytest.fixture(scope="module")
def ask(
    minilm_spec: EmbedSpec, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Answer]]:
    folder: Path = tmp_path_factory.mktemp("quotes")
    request = sync_request(write_files(folder / "corpus", FILES), folder / "data", minilm_spec)
    sync_in_process(request)
    embedder = open_embedder(minilm_spec)
    pipeline = Pipeline(embedder=embedder, chat=None, support_mode="flag", limits=Limits())
    with open_generation(request) as generation:
        yield lambda question: asyncio.run(pipeline.answer(generation, Ask(question)))
    embedder.close()


def lines(answer: Answer) -> list[str]:
    return answer.answer.split("\n")


def check(answer: Answer) -> None:
    """Whatever is quoted stands in its file, and every line has its verdict."""
    for citation in answer.citations:
        text = FILES[citation.source]
        if citation.source.endswith(".html"):
            continue  # its offsets are those of the extracted text
        assert text[citation.start : citation.end] == citation.quote
    for sentence in answer.sentences:
        assert answer.answer[sentence.start : sentence.end].strip() == sentence.text
        assert sentence.status == "supported"
        assert sentence.citations


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("How many days of leave has Spain?", "Country: Spain; Days: 26; Notice: two weeks"),
        ("How many days of leave are in Chile?", "Country: Chile; Days: 15; Notice: by form"),
        ("Builder lambda memory", "Builder: lambda; memory: no; swap: no; gpu: none"),
        ("Load of Pallet 77?", "Pallet: Pallet 77; Height: 227; Load: 97; Place: hall 2"),
    ],
)  # fmt: skip
def test_a_row_is_shown_with_its_header_and_cites_both(
    ask: Callable[[str], Answer], question: str, row: str
) -> None:
    answer = ask(question)
    check(answer)
    assert answer.answer.startswith(f"{row} [1][2]")
    assert [citation.unit for citation in answer.citations[:2]] == ["row", "heading"]


def test_a_definition_follows_its_term(ask: Callable[[str], Answer]) -> None:
    answer = ask("What is a quorum?")
    check(answer)
    assert answer.answer == "Quorum: At least five members present. [1][2]"


def test_a_column_has_the_names_of_both_header_rows(ask: Callable[[str], Answer]) -> None:
    answer = ask("What are the dues of Rowing for a child?")
    check(answer)
    row = "Section: Rowing; Dues Adult: 40 euros; Dues Child: 10 euros"
    assert answer.answer == f"{row} [1][2][3]"


def test_an_item_that_alone_has_the_words_is_quoted_alone(ask: Callable[[str], Answer]) -> None:
    answer = ask("On which port does the agent's service listen?")
    check(answer)
    assert lines(answer) == [
        "To install the agent: [1]",
        "3. Start the service, which listens on port 9100. [2]",
    ]


@pytest.mark.parametrize(
    "question", ["Which plants does the firm run?", "List all plants of the firm."]
)
def test_a_list_is_quoted_whole_under_its_introduction(
    ask: Callable[[str], Answer], question: str
) -> None:
    answer = ask(question)
    check(answer)
    assert lines(answer) == [
        "The firm runs four plants: [1]",
        "- Arnhem, with the foundry [2]",
        "- Bruges, with the paint shop [3]",
        "  - the shop opens at seven [4]",
        "- Cork, with the call centre [5]",
        "- Dresden, with the tool shop [6]",
    ]


def test_steps_stand_on_lines_of_their_own_without_markup(ask: Callable[[str], Answer]) -> None:
    answer = ask("How do I connect to the network from home?")
    check(answer)
    assert lines(answer)[1:] == [
        "1. Install AcmeVPN from the portal. [2]",
        "2. Choose the profile Home. [3]",
        "3. Type the code on your token. [4]",
    ]


def test_code_keeps_its_lines_and_has_no_marker_of_its_own(ask: Callable[[str], Answer]) -> None:
    answer = ask("How do I build and start the mill?")
    check(answer)
    assert "\nmake mill\n./mill --port 80[ 1] [2]" in answer.answer
    assert [citation.unit for citation in answer.citations] == ["sentence", "code"]


def test_of_a_long_list_the_rest_is_counted_and_cited(ask: Callable[[str], Answer]) -> None:
    answer = ask("Which tools does the tool shed hold?")
    check(answer)
    assert len(lines(answer)) == MAX_LIST_UNITS + 2
    assert lines(answer)[-1].startswith("… and 10 more [")
    assert "tool number 30" in answer.citations[-1].quote


def test_versions_that_disagree_both_stand_newest_first(ask: Callable[[str], Answer]) -> None:
    answer = ask("When is the waste paper of the depot collected?")
    check(answer)
    assert answer.answer.index("Thursday") < answer.answer.index("Monday")
    assert [citation.date for citation in answer.citations] == ["2025-05-01", "2022-03-01"]
    assert [conflict.citations for conflict in answer.conflicts] == [(1, 2)]


def test_a_year_asks_for_the_version_of_that_time(ask: Callable[[str], Answer]) -> None:
    answer = ask("What was the daily meal allowance abroad in 2022?")
    assert "38 euros" in answer.answer
    assert "46 euros" not in answer.answer
    assert answer.conflicts == ()


def test_what_says_the_same_is_cited_with_it(ask: Callable[[str], Answer]) -> None:
    answer = ask("Where does the spare key of the boathouse hang?")
    check(answer)
    assert answer.answer == ("The spare key of the boathouse hangs behind the green door. [1][2]")
    assert {citation.source for citation in answer.citations} == {"copy-a.md", "copy-b.md"}
    assert answer.conflicts == ()


def test_a_sources_own_marks_are_not_shown(ask: Callable[[str], Answer]) -> None:
    answer = ask("When was the Saltmarsh bridge opened?")
    check(answer)
    assert answer.answer.startswith("The Saltmarsh bridge was opened in 1931 and is 412 metres")
    assert "1931[1]" in answer.citations[0].quote


def test_an_introduction_of_nothing_is_no_answer(ask: Callable[[str], Answer]) -> None:
    answer = ask("The yards are these")
    assert "The yards are these" not in answer.answer
