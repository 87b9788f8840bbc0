"""Title, date, url and tags from the block at the top of an article."""

import pytest

from index.formats import FORMATS
from index.formats.markdown import extract_markdown
from index.formats.text import extract_text
from index.types import Document


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


FRONT = (
    "---\ntitle: 'The lamp'\nDate: 2024-05-03\nurl: https://x.test/a?b=c\n"
    'tags: [sea, "old"]\n---\n'
)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["txt", "md"])
def test_front_matter_gives_title_and_metadata_and_is_not_a_paragraph(
    name: str, newline: str
) -> None:
    text = (FRONT + "\n# Lit\n\nIn May.\n").replace("\n", newline)
    document = FORMATS[name].extract(text.encode())
    assert document.text == text
    assert blocks(document) == ["# Lit", "In May."]
    assert document.title == "The lamp"
    assert document.metadata == {
        "date": "2024-05-03",
        "url": "https://x.test/a?b=c",
        "tags": "sea, old",
    }


def test_tags_may_be_a_list_of_lines() -> None:
    text = "---\ntags:\n  - sea\n  - old\nnested:\n  deep: 1\n# said\n---\nText."
    assert extract_markdown(text.encode()).metadata == {"tags": "sea, old"}


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA rule, then text: more.\n\n---\n",
        "---\ntitle: never closed\n",
        "text\n---\ntitle: x\n---\n",
        "---\n---\nText.",
    ],
)
def test_a_block_of_another_grammar_stays_text(text: str) -> None:
    assert extract_markdown(text.encode()).metadata == {}
    assert "title" not in text or "title" in "".join(blocks(extract_text(text.encode())))


def test_front_matter_constructs_and_executes_nothing() -> None:
    text = '---\ntitle: !!python/object/apply:os.system ["x"]\ndate: &a *a\n---\nText.'
    document = extract_markdown(text.encode())
    assert document.title == '!!python/object/apply:os.system ["x"]'
    assert document.metadata == {}


@pytest.mark.parametrize(
    "block",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\ntitle: Lamp",
        "defaults: &d {title: Other}\n<<: *d\ntitle: Lamp",
    ],
)
def test_aliases_of_yaml_multiply_nothing(block: str) -> None:
    document = extract_markdown(f"---\n{block}\n---\nText.".encode())
    assert (document.title, blocks(document)) in (("Lamp", ["Text."]), (None, blocks(document)))


@pytest.mark.parametrize(
    ("block", "title", "metadata"),
    [
        ("title: >-\n  The lamp\n  of the sea\ntags:\n- a\n- b", "The lamp of the sea", "a, b"),
        ("title: |\n  The lamp\nseo:\n  title: Other\ntags: [a, b]", "The lamp", "a, b"),
        ('title: "A \\"big\\" lamp"\ntags: a, b', 'A "big" lamp', "a, b"),
        ("title: The lamp\n  goes on\ncategories: [a]\ntags: [b, a]", "The lamp goes on", "b, a"),
        ("title: Lamps: a guide\ntags:\n  - a\nnested:\n  - b: c", "Lamps: a guide", "a"),
        ("title: >\n  The\n  lamp\nnote: a: b\ntags: [a]", "The lamp", "a"),
        ("title: @lamp & [more]\ntags: [a]", "@lamp & [more]", "a"),
        ("title: No\ntags: [yes, 1.0, 2024-05-03]", "No", "yes, 1.0, 2024-05-03"),
        ("title: ~\ntags: [{name: a}, [b], c]", None, "a, c"),
        ("date created: 2024-05-03\ntitle: Lamp", "Lamp", None),
        ("\ttitle: Lamp\ntitle: Lamp", "Lamp", None),
    ],
)
def test_yaml_is_read_with_folded_nested_and_listed_values(
    block: str, title: str | None, metadata: str | None
) -> None:
    document = extract_markdown(f"---\n{block}\n---\n\nText.\n".encode())
    assert blocks(document) == ["Text."]
    assert document.title == title
    assert document.metadata.get("tags") == metadata


TOML = """+++
title = "The lamp"
date = 2024-05-03T10:00:00Z
categories = ["light"]
[taxonomies]
tags = ["sea", "old"]
[extra]
url = "https://other.test"
+++

Text.
"""
JSON = """{
  "title": "The lamp",
  "date": "2024-05-03",
  "tags": ["sea", "old", "light"],
  "nested": {"title": "Other"}
}

Text.
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["txt", "md", "rst"])
@pytest.mark.parametrize("text", [TOML, JSON])
def test_toml_and_json_are_front_matter_too(text: str, name: str, newline: str) -> None:
    document = FORMATS[name].extract(text.replace("\n", newline).encode())
    assert blocks(document) == ["Text."]
    assert document.title == "The lamp"
    assert document.metadata == {"date": "2024-05-03", "tags": "sea, old, light"}


@pytest.mark.parametrize(
    ("lines", "date"),
    [
        ("date: 2024-05-03T23:00:00+02:00", "2024-05-03"),
        ("Date: 3 May 2024", "2024-05-03"),
        ("published: 03.05.2024", "2024-05-03"),
        ("date: 2025-01-01\nlastmod: 2024-05-03", "2024-05-03"),
        ("date: 2023\nlast_updated: March 2024\nlastUpdated: 2024-05-03", "2024-05-03"),
        ("date: 01/02/2024\npublish_date: 2024-05-03", "2024-05-03"),
        ("last_update:\n  date: 2024-05-03\n  author: x", "2024-05-03"),
        ("date: 05/06/2024", None),
        ("date: soon", None),
        ("date: 2024-05", "2024-05"),
        ("created: 20240503", "2024-05-03"),
    ],
)
def test_the_date_is_that_of_the_last_change_else_of_publication(
    lines: str, date: str | None
) -> None:
    assert extract_text(f"---\n{lines}\n---\nText.".encode()).metadata.get("date") == date


def test_address_and_language_have_several_names() -> None:
    text = "---\npermalink: /lamps/\nlang: de-AT\n---\nText."
    assert extract_text(text.encode()).metadata == {"url": "/lamps/", "language": "de-AT"}


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "a"}\n{"title": "b"}\n',
        '{"title": "a"}\n',
        '{"name": "a"}\n\nText.',
        "{% include x %}\n\nText.",
        "+++\nno toml\n+++\nText.",
        "---\nWe opened: the shop\n---\nText.",
        "---\n- a\n- b\n---\nText.",
        "---\n" + "[" * 19_000 + "\n---\nText.",
        '{"title": ' * 3_000,
        "---\ntitle: x\n" + "k: v\n" * 5_000 + "---\nText.",
    ],
)
def test_what_only_looks_like_front_matter_stays_text(text: str) -> None:
    document = extract_text(text.encode())
    assert (document.title, document.metadata) == (None, {})
    assert document.blocks[0][0] == 0


@pytest.mark.parametrize(
    "block",
    [
        '---\ntitle: Harbour\ndeck: "{}"\n---\n',
        "---\ntitle: Harbour\nsummary: >\n  {}\n---\n",
        '+++\ntitle = "Harbour"\ndescription = "{}"\n+++\n',
        '{{"title": "Harbour", "excerpt": "{}"}}\n\n',
    ],
)
def test_what_front_matter_says_of_the_article_is_text(block: str) -> None:
    said = "The harbour opens a second quay on Monday."
    document = extract_markdown(block.format(said).encode() + b"More will follow.\n")
    assert blocks(document) == [said, "More will follow."]


def test_a_summary_that_is_repeated_or_short_is_no_second_text() -> None:
    said = "The harbour opens a second quay on Monday."
    text = f'---\ntitle: Harbour\ndeck: "{said}"\nsummary: "{said}"\nteaser: A short one\n---\n'
    assert blocks(extract_markdown(text.encode())) == [said]
