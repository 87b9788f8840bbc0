"""The line with which a model asks for a search: found wherever it stands, never shown."""

import pytest

from rag.model.search_line import MAX_QUERY_CHARS, SearchLines


def read(text: str, *, piece: int) -> tuple[str, str | None]:
    """Returns what is left of the text, and what is to be searched for."""
    lines = SearchLines()
    parts = [text[at : at + piece] for at in range(0, len(text), piece)]
    return "".join(map(lines.feed, parts)) + lines.finish(), lines.query


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("SEARCH: lunch break rules", ""),
        ("SEARCH: lunch break rules\n", ""),
        ("\n\n  SEARCH:lunch break rules\nMore.", "\n\nMore."),
        ("```\nSEARCH: lunch break rules\n```", "```\n```"),
        ("`SEARCH: lunch break rules`", ""),
        ("- **SEARCH**: “lunch break rules”", ""),
        ("1. SEARCH： lunch break rules", ""),
        ("Let me look.\r\nSEARCH: lunch break rules\r\n", "Let me look.\r\n\n"),
        ("SEARCH: lunch break rules\nSEARCH: something else\n", ""),
    ],
)
def test_the_line_is_taken_out(text: str, left: str, piece: int) -> None:
    assert read(text, piece=piece) == (left, "lunch break rules")


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "Lunch is unpaid [1.2].\n\n- SEARCHING takes long\n- SEA",
        "Write IMAP SEARCH: it finds mail.",
        "The SEARCH",
        "SEARCH",
        "SEARCH     : no",
        "12. 34. 56. 78. 90. SEARCH: no",
        "Search: is a heading.\n",
    ],
)
def test_any_other_text_stays_as_it_is(text: str, piece: int) -> None:
    assert read(text, piece=piece) == (text, None)


def test_the_words_are_one_short_line_without_hidden_characters() -> None:
    _, query = read("SEARCH: a\u202eb\u200b\tc " + "word " * 500, piece=7)
    assert query is not None
    assert query.startswith("ab c word word")
    assert len(query) <= MAX_QUERY_CHARS


@pytest.mark.parametrize("text", ["SEARCH:", "SEARCH: `...`\n", "SEARCH:\n"])
def test_a_line_without_words_asks_for_nothing(text: str) -> None:
    assert read(text, piece=2) == ("", "")
