"""Chunks: in order, exact, never over the model's limit, and under their headings."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from index.embed.minilm import count_tokens
from index.formats.markdown import extract_markdown
from index.formats.text import extract_text
from index.text.chunk import CHARS_PER_TOKEN, MAX_TOKENS, TARGET_TOKENS, chunk, heading_paths
from index.text.limits import MAX_HEADING_PATH_CHARS
from index.text.sanitize import sanitize
from index.types import Chunk, Document, Heading

PARAGRAPH = (
    "The lighthouse at Cape Orrin was lit on the third of May and stands forty metres high "
    "above the reef that took so many ships."
)
SCRAPS = [
    *(
        "word ",
        "Dr. Hale. ",
        "A sentence of some length ends here. ",
        "\n",
        "\n\n",
        "\r\n",
        "# H\n",
    ),
    *("- item\n", "| a | b |\n", "漢字仮名。", "naïve café ", "3.14 ", "\t", "a" * 120, "x" * 40),
    *("👩\u200d👧 ", "\u200b", "\u202e", "e\u0301", "…", "!!! ", "“Quoted.” ", "```\n"),
    "http://example.org/a?b=c ",
]


def chunks_of(document: Document) -> list[Chunk]:
    return chunk(document, "source", count_tokens=count_tokens)


def sizes(texts: Sequence[str]) -> list[int]:
    """Wordpieces as the model will see them."""
    return count_tokens([sanitize(text) for text in texts])


def check(document: Document) -> None:
    chunks, text, cursor = chunks_of(document), sanitize(document.text), 0
    for made in chunks:
        assert text[cursor : made.start].strip() == ""
        inner = made.start
        for start, end in ((unit.start, unit.end) for unit in made.units):
            assert text[inner:start].strip() == ""
            assert made.start <= start < end <= made.end
            inner = end
        assert text[inner : made.end].strip() == ""
        cursor = made.end
    assert text[cursor:].strip() == ""
    counts = sizes([document.text[made.start : made.end] for made in chunks])
    assert max(counts, default=0) <= MAX_TOKENS


pieces = st.lists(st.sampled_from(SCRAPS) | st.text(max_size=30), max_size=120).map("".join)


@given(pieces)
def test_chunks_and_sentences_cover_a_text_in_order_and_under_the_limit(text: str) -> None:
    check(extract_text(text.replace("\0", "").encode(errors="replace")))


def test_a_paragraph_far_over_the_limit_is_split_at_sentences() -> None:
    text = " ".join(f"Sentence {number} says a little about the harbour." for number in range(90))
    document = extract_text(text.encode())
    check(document)
    chunks = chunks_of(document)
    assert len(chunks) > 3
    assert all(text[made.start : made.end].endswith(".") for made in chunks)


def test_text_without_spaces_is_split_as_well() -> None:
    check(extract_text(("漢字仮名交じり文" * 200).encode()))


def test_an_unbroken_word_of_many_characters_is_not_one_chunk() -> None:
    document = extract_text(("word " + "QUJD" * 20_000).encode())
    check(document)
    assert (
        max(made.end - made.start for made in chunks_of(document)) <= CHARS_PER_TOKEN * MAX_TOKENS
    )


def test_a_long_run_of_blanks_is_not_part_of_a_chunk() -> None:
    document = extract_text(("a" + " " * 50_000 + "b").encode())
    check(document)
    assert [made.end - made.start for made in chunks_of(document)] == [1, 1]


def test_zero_width_characters_do_not_hide_words_from_the_limit() -> None:
    check(extract_text(("a\u200b" * 2_000).encode()))


def test_a_chunk_does_not_cross_a_paragraph_of_its_own_size() -> None:
    text = f"{PARAGRAPH}\n\n{PARAGRAPH}\n"
    chunks = chunks_of(extract_text(text.encode()))
    assert [text[made.start : made.end] for made in chunks] == [PARAGRAPH, PARAGRAPH]


def test_a_small_paragraph_joins_the_one_before_it() -> None:
    text = f"{PARAGRAPH}\n\nIt was dark.\n"
    assert len(chunks_of(extract_text(text.encode()))) == 1


def test_a_heading_stays_with_the_text_under_it() -> None:
    text = f"# Capes\n\n{PARAGRAPH}\n\n## Orrin\n\n{PARAGRAPH}\n"
    document = extract_markdown(text.encode())
    chunks = chunks_of(document)
    assert [text[made.start : made.end].split("\n")[0] for made in chunks] == [
        "# Capes",
        "## Orrin",
    ]
    assert [made.heading for made in chunks] == [None, "Orrin"]  # the title is the source's


def test_an_id_stays_when_the_text_before_stays_and_changes_with_the_text() -> None:
    first, second = (
        chunks_of(extract_text(f"{PARAGRAPH}\n\n{PARAGRAPH} {tail}\n".encode()))
        for tail in ("Once.", "Twice.")
    )
    assert first[0].id == second[0].id
    assert first[1].id != second[1].id


def test_a_chunk_knows_the_page_it_begins_on() -> None:
    text = f"{PARAGRAPH}\n\n{PARAGRAPH}"
    middle = len(PARAGRAPH) + 2
    document = Document(text, ((0, len(PARAGRAPH)), (middle, len(text))), pages=(0, middle))
    assert [made.page for made in chunks_of(document)] == [1, 2]


def test_small_paragraphs_of_two_pages_stay_apart() -> None:
    text = "One.\n\nTwo.\n\nThree."
    document = Document(text, ((0, 4), (6, 10), (12, 18)), pages=(0, 12))
    chunks = chunks_of(document)
    assert [(text[made.start : made.end], made.page) for made in chunks] == [
        ("One.\n\nTwo.", 1),
        ("Three.", 2),
    ]


def test_a_heading_of_the_same_level_replaces_the_one_before_in_the_path() -> None:
    headings = (Heading(0, 1, 1, "A"), Heading(10, 11, 2, "B"), Heading(20, 21, 2, "C"))
    document = Document("", (), headings=headings)
    assert list(heading_paths(document, (0, 15, 25))) == ["A", "A › B", "A › C"]


def test_a_heading_path_is_bounded_by_leaving_out_the_outermost() -> None:
    headings = tuple(Heading(n, n + 1, n, f"{n} " + "x" * 250) for n in range(1, 9))
    (path,) = heading_paths(Document("", (), headings=headings), (100,))
    assert path is not None
    assert len(path) <= MAX_HEADING_PATH_CHARS
    assert path.split(" › ")[-1] == headings[-1].text
    assert headings[0].text not in path


def test_a_paragraph_of_megabytes_is_split_like_a_short_one() -> None:
    text = "The lamp was lit at dusk. " * 4_000 + "word " * 10_000 + "x" * 30_000 + " end."
    document = extract_text(text.encode())
    check(document)
    chunks = chunks_of(document)
    assert all(
        text[made.start : made.end].endswith(".") for made in chunks if made.end < 4_000 * 26
    )


def test_many_headings_keep_their_paths() -> None:
    text = "".join(f"# Part {n}\n\n{PARAGRAPH}\n\n" for n in range(2_000))
    chunks = chunks_of(extract_markdown(text.encode()))
    assert [made.heading for made in chunks] == [None, *(f"Part {n}" for n in range(1, 2_000))]


def test_the_limit_leaves_room_for_the_models_own_tokens() -> None:
    assert TARGET_TOKENS <= MAX_TOKENS <= 256 - 2
