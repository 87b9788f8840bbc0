"""Where sentences end, and that their offsets cover the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.text.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One ends. Two begins.", ["One ends.", "Two begins."]),
        ("Is it so? Yes! Good…  Next.", ["Is it so?", "Yes!", "Good…", "Next."]),
        ("Dr. Hale met Mr. Orr. They talked.", ["Dr. Hale met Mr. Orr.", "They talked."]),
        ("It weighs 3.5 kg and costs $4.20. Fine.", ["It weighs 3.5 kg and costs $4.20.", "Fine."]),
        ("The U.S. Senate met. It voted.", ["The U.S. Senate met.", "It voted."]),
        ("J. R. R. Tolkien wrote it. He smoked.", ["J. R. R. Tolkien wrote it.", "He smoked."]),
        ("Fruit, e.g. apples, is sold. We buy.", ["Fruit, e.g. apples, is sold.", "We buy."]),
        ("See Fig. 3 and pp. 4-7. Then go.", ["See Fig. 3 and pp. 4-7.", "Then go."]),
        (
            "Am 3. Mai kam er. Im 19. Jahrhundert nicht. Es kostet 3 Mio. Euro (vgl. Nr. 5). Gut.",
            [
                "Am 3. Mai kam er.",
                "Im 19. Jahrhundert nicht.",
                "Es kostet 3 Mio. Euro (vgl. Nr. 5).",
                "Gut.",
            ],
        ),
        ("They won 33. Mai was there.", ["They won 33.", "Mai was there."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("She asked (why?) and left. So did I.", ["She asked (why?) and left.", "So did I."]),
        ("Acme Inc. The firm grew.", ["Acme Inc.", "The firm grew."]),
        ("Sold by Acme Inc. in May.", ["Sold by Acme Inc. in May."]),
        ("Wait... what happened? Nothing.", ["Wait... what happened?", "Nothing."]),
        ("1. Wash the pan.\n2. Dry it.", ["1. Wash the pan.", "2. Dry it."]),
        ("他来了。她走了！真的吗？", ["他来了。", "她走了！", "真的吗？"]),
        ("「行こう。」彼は言った。", ["「行こう。」", "彼は言った。"]),
        ("A title\n\nThen a sentence.", ["A title", "Then a sentence."]),
        ("- first item\n- second item", ["- first item", "- second item"]),
        ("A line that\ngoes on. It ends.", ["A line that\ngoes on.", "It ends."]),
        ("No mark at the end", ["No mark at the end"]),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.characters() | st.sampled_from(' \n\r\t.!?…。"”)Aa1'), max_size=300))
def test_sentences_cover_every_visible_character_in_order(text: str) -> None:
    spans = sentence_spans(text, 0, len(text))
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    outside = [text[left:right] for left, right in zip(edges[::2], edges[1::2], strict=True)]
    assert "".join(outside).strip() == ""


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_sentences_stay_between_the_given_offsets(before: str, text: str, after: str) -> None:
    start, end = len(before), len(before) + len(text)
    for left, right in sentence_spans(before + text + after, start, end):
        assert start <= left < right <= end
