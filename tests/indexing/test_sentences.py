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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Long.[3] It was widened.[2]", ["Long.[3]", "It was widened.[2]"]),
        ("Long.[2, 3][^4] It was.", ["Long.[2, 3][^4]", "It was."]),
        ("Long.[2–5] [6] It was.", ["Long.[2–5] [6]", "It was."]),
        ("Long.¹² It was.³", ["Long.¹²", "It was.³"]),
        ('He said "long."[a][note 3] It was.', ['He said "long."[a][note 3]', "It was."]),
        ("Long.[citation needed] It was.", ["Long.[citation needed]", "It was."]),
        ("Long. [1] It was. [2] [3]", ["Long. [1]", "It was. [2] [3]"]),
        ("[1] Apples. [2] Pears.", ["[1] Apples.", "[2] Pears."]),
        ("It was 5 m.[2] long and 3 m[3] wide.", ["It was 5 m.[2] long and 3 m[3] wide."]),
        ("很长。[3]后来。¹", ["很长。[3]", "后来。¹"]),
        ("Dr.[3] Hale came.", ["Dr.[3] Hale came."]),
        ("Call us. [Press] Then wait.", ["Call us.", "[Press] Then wait."]),
    ],
)
def test_reference_marks_of_a_source_belong_to_the_sentence_before(
    text: str, expected: list[str]
) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["गोदाम सुबह खुलता है।", "यह रात में बंद होता है॥", "क्या खुला है?"],
        ["متى يفتح المستودع؟", "يفتح في السابعة.", "گودام بند ہے۔", "پھر کھلتا ہے۔"],
        ["Պահեստը բաց է։", "Այն փակ է։"],
        ["መጋዘኑ ይከፈታል።", "መቼ ነው፧", "ዛሬ ነው።"],
        ["ឃ្លាំងបើក។", "វាបិទ។"],
        ["ဂိုဒေါင်ဖွင့်သည်။", "ပိတ်သည်။"],
        ["བོད་ཡིག།", "ལྷ་ས།"],
        ["Πότε ανοίγει\u037e", "Στις εφτά."],
        ["「開く！」", "いつ？", "今日｡"],
        ["What‽", "Really⁉", "Yes."],
        ["Er sagte „Stopp.“", "Dann ging er."],
        ["« Il est ouvert. »", "Elle entra !", "Bien ?"],
        ["**Never do this.**", "Instead wait."],
        ["It ends.\u200b", "It begins."],
    ],
)
def test_sentences_of_other_scripts_and_quotation_marks_end(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("几点开门?早上七点!好.", ["几点开门?", "早上七点!", "好."]),
        ("高さは３．５メートル。", ["高さは３．５メートル。"]),
        ("仓库七点开门。十点关门。", ["仓库七点开门。", "十点关门。"]),
    ],
)
def test_chinese_and_japanese_sentences_end_without_a_blank(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_every_sentence_terminal_of_unicode_ends_a_sentence() -> None:
    regex = pytest.importorskip("regex")
    terminals = [c for c in map(chr, range(0x110000)) if regex.match(r"\p{STerm}", c)]
    assert len(terminals) > 150
    kept = [c for c in terminals if sentences(f"Word{c} Word") != [f"Word{c}", "Word"]]
    assert kept == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Das gilt z. B. In- und Ausland, d. h. Europa, bzw. Asien.",
        "Es kostet ca. 20 Euro inkl. Mehrwertsteuer, zzgl. Versand, max. 3 Stück.",
        "Siehe Abs. 2, Kap. 4 und Abb. 5 gem. Paragraf 3.",
        "Mo. 9 Uhr, So. 10 Uhr, Hauptstr. 5, Tel. 123.",
        "Die Küche ist im 2. Stock, Frist ist der 15. Werktag.",
        "Hr. Maier und Fr. Schmidt kamen.",
        "Mme. Roux et M. Petit, p. ex. Paris, av. J.-C. et env. 20 km.",
        "Voir chap. III, réf. A et éd. 2, bd. Voltaire, janv. 2025.",
        "El Sr. García y la Dra. López, p. ej. Madrid, pág. 3, núm. 5, aprox. 20.",
        "La Avda. América y el Dpto. Legal, art. 5, EE. UU. y México.",
        "Rev. Hale, approx. 5 miles, Warner Bros. Records, cl. 2 and para. 3.",
    ],
)
def test_no_sentence_ends_with_an_abbreviation(sentence: str) -> None:
    assert sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    "expected",
    [
        ["Wir liefern Stifte, Hefte usw.", "Alle sind da."],
        ["Open the new tab.", "5 minutes later do so.", "3 people came."],
        ["Der Eingang ist in Halle B.", "Der Weg ist kurz."],
        ["I am 30.", "My name is Max.", "He came."],
        ["It is 100 mm.", "The arts.", "South of it."],
    ],
)
def test_words_that_look_like_abbreviations_end_a_sentence(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


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
