"""What a document may hold: bounded titles, headings and metadata, storable text, valid offsets."""

import pytest

from index.text.limits import (
    MAX_HEADING_CHARS,
    MAX_HEADING_LEVEL,
    MAX_METADATA_ENTRIES,
    MAX_METADATA_VALUE_CHARS,
    MAX_TEXT_BYTES,
    MAX_TITLE_CHARS,
    limit_document,
    shorten,
)
from index.types import Document, Heading


def test_a_long_title_is_cut_at_a_word_with_an_ellipsis() -> None:
    title = limit_document(Document("x", ((0, 1),), "lamp " * 60_000)).title
    assert title == ("lamp " * 59).strip() + "…"
    assert len(title) <= MAX_TITLE_CHARS


def test_an_ordinary_title_stays() -> None:
    title = "The lighthouse at Cape Orrin".ljust(MAX_TITLE_CHARS, ".")
    assert limit_document(Document("x", ((0, 1),), title)).title == title


def test_a_title_without_spaces_is_cut_too() -> None:
    assert shorten("漢" * 1_000, 300) == "漢" * 299 + "…"


def test_a_long_heading_is_a_paragraph() -> None:
    long = Heading(0, 400, 1, "x" * (MAX_HEADING_CHARS + 1))
    short = Heading(402, 403, 1, "y")
    document = Document("x" * 400 + "\n\ny", ((0, 400), (402, 403)), headings=(long, short))
    limited = limit_document(document)
    assert limited.headings == (short,)
    assert limited.blocks == document.blocks


def test_the_level_of_a_heading_is_bounded() -> None:
    headings = (Heading(0, 1, 9_000, "a"),)
    (heading,) = limit_document(Document("a", ((0, 1),), headings=headings)).headings
    assert heading.level == MAX_HEADING_LEVEL


def test_metadata_is_bounded_in_number_keys_and_values() -> None:
    entries = {"k" * 200: "v", **{f"key {n}": "v" * 5_000 for n in range(100)}}
    metadata = limit_document(Document("x", ((0, 1),), metadata=entries)).metadata
    assert 0 < len(metadata) <= MAX_METADATA_ENTRIES
    assert max(map(len, metadata)) <= 100
    assert max(map(len, metadata.values())) <= MAX_METADATA_VALUE_CHARS


def test_text_above_the_limit_is_refused_by_its_bytes() -> None:
    text = "漢" * (MAX_TEXT_BYTES // 3 + 1)
    with pytest.raises(ValueError, match="more than 64 MB of text"):
        limit_document(Document(text, ((0, 1),)))


def test_lone_surrogates_and_nul_are_replaced_one_for_one() -> None:
    document = Document(
        "a\ud800\0b", ((0, 4),), "\udfff", (Heading(0, 4, 1, "\0"),), (), {"k": "\0"}
    )
    clean = limit_document(document)
    assert clean.text == "a\ufffd\ufffdb"
    assert (clean.title, clean.headings[0].text, clean.metadata) == (
        "\ufffd",
        "\ufffd",
        {"k": "\ufffd"},
    )
