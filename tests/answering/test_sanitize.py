"""What would link is taken apart; what was visible stays visible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.answering.sanitize import sanitize_markup

HOSTILE = st.lists(
    st.sampled_from(
        [
            *(
                "[",
                "]",
                "(",
                ")",
                "<",
                ">",
                "!",
                ":",
                "/",
                "//",
                "www",
                ".",
                "\\",
                "`",
                "```",
                "~~~",
            ),
            *(
                "\n",
                "    ",
                " ",
                "a",
                "http",
                "https:",
                "javascript:",
                "x.example",
                "[a]",
                "](",
                "]:",
            ),
            *("&lt;", "&#91;", "\t", "<https://x.example>", "[a](b)", "![a](b)", "[a]: http://x\n"),
            *(
                "<script>",
                "</a>",
                "<!--",
                "<?",
                "@",
                '"',
                "'",
                "*",
                "_",
                "\u200b",
                "- ",
                "> ",
                "1. ",
            ),
        ]
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("[a](b)", "[a] (b)"),
        ("![a](b)", "![a] (b)"),
        ("[a]: http://x.example", "[a] : http: //x.example"),
        ("<https://x.example>", "< https: //x.example>"),
        ("<script>", "< script>"),
        ("WWW.x.example (www.y.example)", "WWW .x.example (www .y.example)"),
        ("a < b, [a] (b), 10:30, and/or, awww.", "a < b, [a] (b), 10:30, and/or, awww."),
        ("lone \ud800", "lone \ufffd"),
    ],
)
def test_a_space_stands_where_a_link_would_begin(written: str, left: str) -> None:
    assert sanitize_markup(written, before="") == left


@given(HOSTILE | st.text())
def test_nothing_is_a_link_an_image_or_a_tag_afterwards(text: str) -> None:
    for html in (False, True):
        drawn = MarkdownIt("commonmark", {"html": html}).render(sanitize_markup(text, before=""))
        assert "<a" not in drawn
        assert "<img" not in drawn
        assert "<script" not in drawn


@given(HOSTILE)
def test_the_cuts_of_a_stream_change_nothing_and_only_spaces_are_added(text: str) -> None:
    answer = ""
    for character in text:
        answer += sanitize_markup(character, before=answer)
    assert answer == sanitize_markup(text, before="")
    assert answer.replace(" ", "") == text.replace(" ", "")
