"""What a document's text costs grows linearly with it, whatever the text is."""

from contextlib import suppress

import pytest

from index.formats.markdown import extract_markdown
from index.formats.markdown_html import HtmlBlocks
from index.formats.text import extract_text
from index.text.analyzer import terms
from index.text.encoding import decode
from index.text.sanitize import escape_unsafe, sanitize
from index.text.sentences import first_sentence_end, sentence_spans, settled, trim
from index.text.units import with_units
from tests.support.scaling import TEXTS, Work, superlinear

LIMIT = 100_000


def decode_other(text: str) -> None:
    with suppress(ValueError):  # what no encoding fits
        decode(text.encode("cp1252", "ignore") + b"\xe9")


WORK: dict[str, Work] = {
    "sentence_spans": lambda text: sentence_spans(text, 0, len(text)),
    "first_sentence_end": first_sentence_end,
    "settled": settled,
    "trim": lambda text: trim(text, 0, len(text)),
    "terms": terms,
    "sanitize": sanitize,
    "escape_unsafe": escape_unsafe,
    "decode": lambda text: decode(text.encode()),
    "decode in another encoding": decode_other,
    "units of plain text": lambda text: with_units(extract_text(text.encode())),
    "Markdown": lambda text: with_units(extract_markdown(text.encode())),
    "HTML in Markdown": lambda text: HtmlBlocks().units(text, 0, len(text)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_work_on_a_text_is_linear(name: str) -> None:
    grows = {rule: superlinear(work, TEXTS[name], LIMIT) for rule, work in WORK.items()}
    assert {rule: growth for rule, growth in grows.items() if growth} == {}
