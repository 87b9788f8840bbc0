"""Markers as models write them, and text that only looks like one."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.answering.markers import Marker, SentenceEnd, Text, parse_refs
from rag.answering.sentences import AnswerBuffer

SIGNS = st.lists(
    st.sampled_from(
        [
            *("[", "]", "[1.2]", "[1.2", "(", ")", "`", "``", "```", "~~~", "\n", "  ", ".", "!"),
            *(
                "a",
                "1",
                "1.2",
                ",",
                "-",
                "\\",
                "<",
                ">",
                "http://x",
                '"',
                ":",
                "^",
                "【",
                "】",
                "†",
            ),
            *("(1.2)", "(passage 1", "(see ", "(1.2, 3.4)"),
            *("](", "[[", "]]", "![", "[1]:", "[^1]:", "[a]: http:", "。"),
            *("x" * 70, "y" * 110, "`" * 33),
        ]
    ),
    max_size=14,
).map("".join)


def parse(*parts: str) -> list[Text | Marker]:
    """All pieces but the sentences' ends, neighbouring texts joined."""
    buffer = AnswerBuffer(lambda ref: ref[0] < 9)
    pieces = [piece for part in parts for piece in buffer.feed(part)] + buffer.finish()
    joined: list[Text | Marker] = []
    for piece in pieces:
        if isinstance(piece, SentenceEnd):
            continue
        if isinstance(piece, Text) and joined and isinstance(last := joined[-1], Text):
            joined[-1] = Text(last.text + piece.text)
        else:
            joined.append(piece)
    return joined


def shown(text: str) -> str:
    """The pieces as one line: markers as `{1.2 3}`, with one blank before, as in an answer."""
    line = ""
    for piece in parse(text):
        if isinstance(piece, Text):
            line += piece.text
        else:
            gap = "" if not line or line[-1].isspace() else " "
            refs = " ".join(f"{p}" if s is None else f"{p}.{s}" for p, s in piece.refs)
            line += f"{gap}{{{refs}}}"
    return line


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[1.2]", "1.2"),
        ("[1]", "1"),
        ("[1, 2]", "1 2"),
        ("[1.2, 1.3]", "1.2 1.3"),
        ("[1.2; 3.4 and 5.6]", "1.2 3.4 5.6"),
        ("[1.2 1.3]", "1.2 1.3"),
        ("[1.2、1.3]", "1.2 1.3"),
        ("[1.2, 1.2]", "1.2"),
        ("[[1]]", "1"),
        ("[1:2]", "1.2"),
        ("[*1.2*]", "1.2"),
        ('["1.2"]', "1.2"),
        ("(1.2)", "1.2"),
        ("(1.2, 1.3)", "1.2 1.3"),
        ("(Passage 2)", "2"),
        ("(see source 2, sentence 3)", "2.3"),
        ("[[1.2]]", "1.2"),
        ("【1.2】", "1.2"),
        ("【1.2†source】", "1.2"),
        ("[1.2-1.4]", "1.2 1.3 1.4"),
        ("[1.2–4]", "1.2 1.3 1.4"),
        ("[1-3]", "1 2 3"),
        ("[1.2-2.3]", "1.2 2.3"),
        ("[1.1-1.900]", "1.1 1.900"),
        ("[p1.s2]", "1.2"),
        ("[passage 1]", "1"),
        ("[Passage 1, sentence 2]", "1.2"),
        ("[see 1.2]", "1.2"),
        ("[Source: 1.2]", "1.2"),
        ("[^1]", "1"),
        ("\\[1.2\\]", "1.2"),
        ("`[1.2]`", "1.2"),
        ("``[1.2] ``", "1.2"),
        ("[1.0]", "1.0"),
        ("[1.0, 2.1]", "1.0 2.1"),
        ("[1.2](http://x.example/)", "1.2"),
        ("![1.2](http://x.example/)", "1.2"),
    ],
)
def test_a_marker_is_read_as_models_write_it(written: str, meant: str) -> None:
    assert shown(f"So {written} it").replace(" !", "") == f"So {{{meant}}} it"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[2023]",
            "[1.2.3]",
            "[0]",
            "[0.0]",
            "[1.00]",
            "(1.0)",
            "[sic]",
            "[ ]",
            "[x]",
            "[]",
            "[1914-1918]",
        ),
        *("[1 apple]", "[p. 5]", "[citation needed]", "a ] b", "【注】", "\\[x\\]", "1.2]"),
        *("`a[1]`", "``a[1] ` [2]``", "```\na[1]\n```\n", "~~~ py\n[1]\n~~~", "```\n[1]\n`\n"),
        *("<b>[sic]</b>", "a\\`b", "[" + "1" * 70 + "]", "wow!", "!", "\\", "`"),
    ],
)
def test_what_is_no_marker_stays_as_it_is(text: str) -> None:
    assert shown(text) == text.rstrip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see [the report](http://x.example/(a)) now", "see the report now"),
        ('see [it](<http://x.example/a b> "title") now', "see it now"),
        ("a ![chart](http://x.example/c.png) b", "a chart b"),
        ("[![a](b)](http://x.example/) c", "[a] c"),
        ("[" + "a" * 80 + "](http://x.example/)", "[" + "a" * 80 + "]"),
        ("[the report][1] says", "[the report] {1} says"),
        ("[1]: http://x.example/\nSo.", "So."),
        ("So.\n  [a b]: <//x.example>\nEnd.", "So.\nEnd."),
        ("So [^1].\n[^1]: A note", "So. {1}"),
        ("[1]: the first", "{1}: the first"),
        ("[1.2](and so on)", "{1.2}(and so on)"),
        ("[note] (http)", "[note] (http)"),
    ],
)
def test_a_link_leaves_its_text(text: str, left: str) -> None:
    assert shown(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It is 5 m [1.2].", "It is 5 m. {1.2}"),
        ("It is[1.2][1.3]! Yes", "It is! {1.2} {1.3} Yes"),
        ("Is it [1.2] [1.3]?\n", "Is it? {1.2} {1.3}"),
        ("文[1.2]。文", "文。 {1.2}文"),
        ("Well [1.2]... so", "Well... {1.2} so"),
        ("One [1.2], two [1.3] .", "One {1.2}, two {1.3} ."),
        ("One. [1.2].", "One. {1.2}."),
        ("[1.2]. One", "{1.2}. One"),
    ],
)
def test_a_marker_before_the_full_stop_comes_after_it(text: str, left: str) -> None:
    assert shown(text) == left


def test_code_ends_where_its_fence_does() -> None:
    assert shown("```py\na[1]\n```\nSo [1].") == "```py\na[1]\n```\nSo. {1}"


def test_a_lone_backtick_does_not_hide_the_markers_after_it() -> None:
    assert shown("one ` two [1.2]\nthree [1.3]") == "one ` two {1.2}\nthree {1.3}"


@pytest.mark.parametrize("cut", ["[", "[1", "[1.", "[1.2", "[1.2,", "[[1", "【1", "[p1"])
def test_a_marker_cut_off_by_the_end_is_dropped(cut: str) -> None:
    assert parse(f"So {cut}") == [Text("So")]


def test_half_a_marker_is_never_let_out() -> None:
    buffer = AnswerBuffer()
    assert [buffer.feed(part) for part in ("So [", "1.", "2")] == [[Text("So")], [], []]
    assert buffer.feed("] it") == [Marker(((1, 2),)), Text(" it")]


def test_text_is_let_out_as_soon_as_it_is_certain() -> None:
    buffer = AnswerBuffer()
    assert buffer.feed("One two") == [Text("One two")]
    assert buffer.feed(" [sic] three") == [Text(" [sic] three")]


def test_a_bracket_that_stays_open_is_let_out() -> None:
    buffer = AnswerBuffer()
    assert buffer.feed("A [" + "a" * 70) == [Text("A [" + "a" * 70)]


@given(SIGNS | st.text(max_size=30), st.data())
@example("```[1.2]```\n[1]: http://x\n", None)
@example("\\[[[a", None)
@settings(max_examples=300, deadline=None)
def test_the_pieces_do_not_depend_on_the_cuts(text: str, data: st.DataObject | None) -> None:
    whole = parse(text)
    assert parse(*text) == whole
    if data is not None:
        at = data.draw(st.integers(0, len(text)))
        assert parse(text[:at], text[at:]) == whole


@given(st.text(alphabet=st.characters(blacklist_characters="[]【】!`\\~")))
@settings(max_examples=100, deadline=None)
def test_text_without_signs_is_left_alone(text: str) -> None:
    assert shown(f"Well: {text}") == f"Well: {text}".rstrip()


@given(st.lists(st.tuples(st.integers(1, 999), st.none() | st.integers(1, 9999)), min_size=1))
@settings(max_examples=100, deadline=None)
def test_what_is_written_plainly_is_read_back(wanted: list[tuple[int, int | None]]) -> None:
    written = ", ".join(f"{p}" if s is None else f"{p}.{s}" for p, s in wanted)
    assert parse_refs(written) == tuple(dict.fromkeys(wanted))


@pytest.mark.parametrize("part", ["[", "`", "` `` ", "[a](", "![", " ", "```\n", "~", "[b]"])
def test_a_flood_of_signs_is_parsed(part: str) -> None:
    flood = part * (100_000 // len(part))
    kept = "".join(piece.text for piece in parse(flood) if isinstance(piece, Text))
    assert flood.startswith(kept)  # a bracket open at the end is dropped


def test_a_flood_of_markers_is_parsed() -> None:
    assert parse("[1.2]" * 20_000) == [Marker(((1, 2),))] * 20_000


@pytest.mark.parametrize(
    "text",
    [
        "It grew (1.2 %).",
        "It grew (9.2).",
        "first (1) and then (2)",
        "(1.2) is said [1.3], and 7 (1.2).",
        "f(1.2)x",
        "(Passages of time)",
        "(1.2",
    ],
)
def test_other_round_brackets_are_text(text: str) -> None:
    after_a_square_one = shown(f"[1.1] {text}")
    assert after_a_square_one == f"{{1.1}} {text}".replace("[1.3]", "{1.3}")
    if "[" not in text:
        assert shown(text) == text
