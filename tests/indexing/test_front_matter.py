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
    assert document.metadata == {"date": "&a *a"}
