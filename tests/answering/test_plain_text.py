"""Quoted text is shown without markup, and never with a mark that reads as one of ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.plain_text import plain_text, row_cells


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Use **AcmeVPN**, *click* [Connect](https://x.y/z(1)).", "Use AcmeVPN, click Connect."),
        ("It opened in 1931[1] and is long.[^2]", "It opened in 1931 and is long."),
        ("As shown [2, 3] before.", "As shown before."),
        ("Set `items[0]`, 2*3*4 in snake_case_name.", "Set items[ 0], 2*3*4 in snake_case_name."),
        ("## Heading", "Heading"),
        ("> [!NOTE] Mind\n> the gap.", "Mind the gap."),
        ("[The page]({% page '/leave' %}), {% channel 'people-ops' %}.", "The page, people-ops."),
        ("a &amp; b<br>c <app> <b>d</b>", "a & b c <app> d"),
        ("**Never *ever* do it**", "Never ever do it"),
        (r"5 \* 3 \[1\]", "5 * 3 [ 1]"),
        ("![a map](map.png) and <https://a.b/c_d_e>", "a map and https://a.b/c_d_e"),
    ],
)  # fmt: skip
def test_markup_is_not_shown(text: str, shown: str) -> None:
    assert plain_text(text) == shown


@pytest.mark.parametrize(
    ("row", "header", "shown"),
    [
        ("| Spain | 26 |", "| Country | Days |", "Country: Spain; Days: 26"),
        ("Spain | 26", "Country | Days", "Country: Spain; Days: 26"),
        ("| Spain | |", "| Country | Days |", "Country: Spain"),
        ("| Spain | 26 |", "| | Days |", "Spain; Days: 26"),
        ("| Spain | 26 | more |", "| Country | Days |", "Spain; 26; more"),
        ("Seats | 40", None, "Seats: 40"),
        ("a | b | c", None, "a; b; c"),
        ("Town: Birch; 2021: 2310", None, "Town: Birch; 2021: 2310"),
        (r"| a \| b | **2** |", "| X | Y |", "X: a | b; Y: 2"),
        (
            '<tr><td class="k"><b>Spain</b></td>\n<td>26<br>days</td></tr>',
            "<tr><th>Country</th><th>Leave</th></tr>",
            "Country: Spain; Leave: 26 days",
        ),
    ],
)
def test_a_row_is_shown_with_the_names_of_its_columns(
    row: str, header: str | None, shown: str
) -> None:
    assert plain_text(row, "row", above=[header] if header else []) == shown


def test_a_column_has_the_names_of_all_header_rows_and_a_row_its_label() -> None:
    above = ["Club | Fee | Fee", "Club | Adult | Child", "Indoors"]
    shown = "Indoors; Club: Chess; Fee Adult: 12 euros; Fee Child: free"
    assert plain_text("Chess | 12 euros | free", "row", above=above) == shown


def test_code_keeps_its_lines_and_loses_its_fence() -> None:
    assert plain_text("```ini\n[pump]\nmode = auto\n\nx = y[1]\n```", "code") == (
        "[pump]\nmode = auto\n\nx = y[ 1]"
    )


@given(st.text('ab [](){}*_`<>|\\^!#1:%"\n', max_size=80))
def test_no_text_reads_as_one_of_our_markers(text: str) -> None:
    for kind in ("sentence", "item", "code", "row"):
        assert not re.search(r"\[\d+\]", plain_text(text, kind))


@given(st.lists(st.text("abc 12", min_size=1, max_size=8), min_size=2, max_size=6))
def test_cells_are_those_between_the_bars(cells: list[str]) -> None:
    shown = [" ".join(cell.split()) for cell in cells]
    assert row_cells(f"| {' | '.join(cells)} |") == shown
