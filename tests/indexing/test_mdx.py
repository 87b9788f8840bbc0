"""MDX: prose, lists and code stay, imports, exports, tags and expressions are no text."""

import pytest

from index.formats.mdx import extract_mdx
from index.types import Document


def shown(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def test_statements_tags_and_expressions_are_no_blocks() -> None:
    text = (
        "---\ntitle: Guide\n---\nimport Tabs from '@theme/Tabs';\nimport {\n  A\n} from \"./x\"\n"
        "import './style.css'\n\nexport const meta = {\n  a: 1,\n\n  b: [2]\n}\n\n"
        "# Setup {#setup}\n\n{/* a comment */}\n\nRead this.\n\n"
        "<Card title=\"A > B\" onClick={() => go('>')} />\n\nEnd.\n"
    )
    document = extract_mdx(text.encode())
    assert document.text == text
    assert shown(document) == ["# Setup", "Read this.", "End."]
    assert (document.title, document.headings[0].text) == ("Guide", "Setup")


def test_prose_lists_and_code_within_tags_stay_at_any_indent() -> None:
    text = (
        "<Tabs>\n  <Tab value='a'>\n\n    Press the key.\n\n    - one\n    - two\n\n"
        "    ```sh\n    run\n    ```\n\n  </Tab>\n</Tabs>\n\n<Note>\nHeld in a note.\n</Note>\n"
    )
    document = extract_mdx(text.encode())
    lines = [" ".join(block.split()) for block in shown(document)]
    assert lines == ["Press the key.", "- one", "- two", "```sh run ```", "Held in a note."]
    assert all(document.text[u.start : u.end].strip() for u in document.units)


@pytest.mark.parametrize(
    "prose",
    [
        "Import duties rose.",
        "import duties rose again in May.",
        "export prices fell, and 3 < 4.",
        "Write `{x}` and `<Tag>` for these.",
        "A brace { that never ends.",
        "An <unended tag in prose.",
    ],
)
def test_prose_that_looks_like_code_is_text(prose: str) -> None:
    assert shown(extract_mdx(f"{prose}\n".encode())) == [prose]


def test_a_string_in_braces_is_text() -> None:
    assert shown(extract_mdx(b'{"Mind the gap."}\n')) == ["Mind the gap."]


def test_code_keeps_what_is_written_in_it() -> None:
    code = "```jsx\nimport X from 'x'\n<Tag>{code}</Tag>\n```"
    assert shown(extract_mdx(f"Text.\n\n{code}\n".encode())) == ["Text.", code]


@pytest.mark.parametrize(
    "text", ["<a " * 50_000, "{" * 100_000, "import {\n" * 10_000, "export default (\n\n" * 5_000]
)
def test_what_never_ends_is_read_as_it_stands(text: str) -> None:
    assert extract_mdx(text.encode()).text == text
