"""Units: what of a text is quoted whole, what it stands under, and how that is embedded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embed.minilm import count_tokens
from index.formats.markdown import extract_markdown
from index.formats.markup import extract_org
from index.formats.text import extract_text
from index.sync.build import embedding_inputs
from index.sync.changes import ParsedSource
from index.sync.sandbox import chunks_to_json, parse_chunks
from index.text.chunk import chunk
from index.types import Chunk, Document, Source

Found = tuple[str, str, tuple[str, ...]]


def units(document: Document) -> list[Found]:
    """Returns kind, text and what it stands under of each unit of the chunks, in order."""
    text = document.text
    return [
        (unit.kind, text[unit.start : unit.end], tuple(text[a:b] for a, b in unit.under))
        for made in chunk(document, "s", count_tokens=count_tokens)
        for unit in made.units
    ]


def of_markdown(text: str) -> list[Found]:
    return units(extract_markdown(text.encode()))


def test_a_row_stands_under_its_header_however_long_the_table() -> None:
    rows = "\n".join(f"| Pallet {n} | {n + 100} | north hall |" for n in range(400))
    found = of_markdown(f"# Stock\n\n| Pallet | Load | Place |\n|---|---|---|\n{rows}\n")
    header = "| Pallet | Load | Place |"
    assert ("heading", header, ()) in found
    assert [one for one in found if one[0] == "row"] == [
        ("row", f"| Pallet {n} | {n + 100} | north hall |", (header,)) for n in range(400)
    ]


def test_items_stand_under_their_introduction_and_the_items_around_them() -> None:
    found = of_markdown(
        "We run sites. They are these:\n\n- Cork\n  - the yard\n  - the shop\n- Ghent\n\nDone.\n"
    )
    intro = "They are these:"
    assert found == [
        ("sentence", "We run sites.", ()),
        ("sentence", intro, ()),
        ("item", "- Cork", (intro,)),
        ("item", "- the yard", (intro, "- Cork")),
        ("item", "- the shop", (intro, "- Cork")),
        ("item", "- Ghent", (intro,)),
        ("sentence", "Done.", ()),
    ]


def test_code_stands_under_the_sentence_before_it_and_keeps_its_lines() -> None:
    code = "```sh\nmake install\nmake run\n```"
    found = of_markdown(f"Install it first. Then run:\n\n{code}\n\nIt listens.\n")
    assert ("code", code, ("Then run:",)) in found


def test_a_heading_ends_what_a_list_stands_under() -> None:
    found = of_markdown("An introduction:\n\n# Other\n\n- Cork\n")
    assert found[-1] == ("item", "- Cork", ())


def test_the_second_paragraph_of_an_item_stands_under_the_first() -> None:
    found = of_markdown("Do this:\n\n1. Open it.\n\n   It is heavy.\n\n2. Close it.\n")
    assert ("item", "It is heavy.", ("Do this:", "1. Open it.")) in found


@pytest.mark.parametrize(
    "markup",
    [
        "<table>\n<tr><th>Land</th><th>Days</th></tr>\n<tr><td>Spain</td><td>26</td></tr>\n</table>",
        "<table>\n  <thead>\n    <tr>\n      <th>Land</th>\n      <th>Days</th>\n    </tr>\n"
        "  </thead>\n\n    <tr>\n      <td>Spain</td>\n      <td>26</td>\n    </tr>\n</table>",
        "<TABLE><TR><TH>Land<TH>Days<TR><TD>Spain<TD>26</TABLE>",
    ],
)
def test_the_rows_of_html_in_markdown_are_units(markup: str) -> None:
    rows = [one for one in of_markdown(f"# Leave\n\n{markup}\n\nText.\n") if one[0] == "row"]
    assert [("Spain" in text, "Land" in under[0]) for _, text, under in rows] == [(True, True)]


def test_an_admonitions_indented_text_is_no_code() -> None:
    found = of_markdown("!!! warning\n\n    Never run it dry.\n\n    It breaks.\n")
    assert [kind for kind, _, _ in found] == ["sentence"] * 3


def test_lists_in_plain_text_are_found_by_their_lines() -> None:
    text = "Bring these:\n- a pass,\n  with a photo\n- a key\n\nThe desk is open.\n"
    assert units(extract_text(text.encode())) == [
        ("sentence", "Bring these:", ()),
        ("item", "- a pass,\n  with a photo", ("Bring these:",)),
        ("item", "- a key", ("Bring these:",)),
        ("sentence", "The desk is open.", ()),
    ]


def test_tables_drawn_with_bars_are_rows_in_org() -> None:
    text = "* Leave\n\n| Country | Days |\n|---------+------|\n| Spain   | 26   |\n"
    assert units(extract_org(text.encode()))[1:] == [
        ("heading", "| Country | Days |", ()),
        ("heading", "|---------+------|", ()),
        ("row", "| Spain   | 26   |", ("| Country | Days |",)),
    ]


def test_prose_has_sentences_alone() -> None:
    prose = "One ends here. In 2019 - as before - it grew. See p. 3. Then | it stops.\n"
    assert {kind for kind, _, _ in units(extract_text(prose.encode()))} == {"sentence"}


def parsed(document: Document) -> tuple[ParsedSource, tuple[Chunk, ...]]:
    chunks = tuple(chunk(document, "s", count_tokens=count_tokens))
    source = Source("s", "a.md", "A", "0" * 64, 1, 0, len(document.text))
    return ParsedSource(source, "", document.text, chunks), chunks


def test_a_chunk_without_the_header_is_embedded_below_it() -> None:
    rows = "\n".join(f"| Pallet {n} | {n + 100} |" for n in range(60))
    source, chunks = parsed(extract_markdown(f"| Name | Load |\n|---|---|\n{rows}\n".encode()))
    inputs = embedding_inputs([source])
    assert len(chunks) > 1
    for made, given_text in zip(chunks, inputs, strict=True):
        assert given_text.text.count("| Name | Load |") == 1
        assert given_text.text.endswith(source.text[made.start : made.end])
        for unit, spans in zip(made.units, given_text.units, strict=True):
            texts = [given_text.text[a:b] for a, b in spans]
            assert texts[-1] == source.text[unit.start : unit.end]
            assert texts[:-1] == ["| Name | Load |"] * (unit.kind == "row")


@given(
    st.lists(
        st.sampled_from(
            [
                "- item\n",
                "  - inner\n",
                "1. step\n",
                "Intro:\n\n",
                "| a | b |\n|---|---|\n",
                "| 1 | 2 |\n",
                "```\ncode\n\n```\n",
                "    indented\n",
                "<tr><td>x</td></tr>\n",
                "<ul><li>y\n",
                "\n",
                "# H\n",
                "> - quoted\n",
                "text. More text\n",
            ]
        ),
        max_size=25,
    )
)
def test_units_are_in_order_within_their_chunks_and_stored_exactly(pieces: list[str]) -> None:
    document = extract_markdown("".join(pieces).encode())
    chunks = tuple(chunk(document, "s", count_tokens=count_tokens))
    assert parse_chunks(chunks_to_json(chunks), "s") == chunks
    cursor = 0
    for made in chunks:
        for unit in made.units:
            assert cursor <= unit.start < unit.end <= made.end
            assert all(0 <= start < end <= len(document.text) for start, end in unit.under)
            cursor = unit.end
