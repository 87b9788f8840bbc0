"""Which encoding a file is in, and that binary files are refused."""

import pytest

from index.formats.html import extract_html
from index.formats.markdown import extract_markdown
from index.formats.text import extract_text
from index.text.encoding import decode, decoding_notes

WORDS = {
    "cp1252": "Die Brücke über den Fluß wurde im März eröffnet, “größer” als je zuvor.",
    "cp1250": "Zażółć gęślą jaźń, to jest polski tekst o latarni morskiej.",
    "cp1251": "Маяк на мысе был зажжён третьего мая и стоит на высоте сорок метров.",
    "cp1253": "Ο φάρος στο ακρωτήρι άναψε τον Μάιο και στέκει ακόμη.",
    "cp932": "灯台は1871年5月3日に点灯され、高さは41.5メートルである。",
    "utf-16": "Die Brücke, 灯台, Маяк.",
    "utf-32": "Die Brücke, 灯台, Маяк.",
}


@pytest.mark.parametrize("name", WORDS)
def test_another_encoding_is_detected_and_reported(name: str) -> None:
    document = extract_text(WORDS[name].encode(name))
    assert (document.text, document.metadata) == (WORDS[name], {"encoding": name})


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_a_utf16_byte_order_mark_is_not_part_of_the_text(name: str) -> None:
    assert decode("\ufeffcafé".encode(name)) == ("café", {"encoding": "utf-16"})


def test_utf8_is_not_reported() -> None:
    assert extract_markdown("# Café".encode()).metadata == {}


def test_one_byte_late_in_a_large_file_is_enough_to_detect_its_encoding() -> None:
    text = "The lamp was lit each night by its keeper.\n" * 20_000 + "In the café it was not.\n"
    assert decode(text.encode("cp1252"))[0] == text


def test_markdown_and_html_report_their_encoding_too() -> None:
    data = "# Größe\n\nDie Brücke über den Fluß.".encode("cp1252")
    assert extract_markdown(data).metadata == {"encoding": "cp1252"}
    page = '<meta charset="iso-8859-1"><p>café</p>'.encode("latin-1")
    assert extract_html(page).metadata == {"encoding": "iso-8859-1"}
    assert extract_html("<p>Die Brücke über den Fluß".encode("utf-16")).text.endswith("Fluß")


@pytest.mark.parametrize(
    "data",
    [
        b"GIF\0\0",
        b"ok\n" * 4000 + b"\0",
        b"\x89PNG\r\n\x1a\n\x01\xff",
        bytes(range(1, 256)),
        "\ufeffa\0b".encode("utf-16-le"),
    ],
)
def test_a_binary_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="is a binary file"):
        decode(data)


BOOKS = "Die Bücherei öffnet um zehn, für Schüler ist sie kostenlos. "


@pytest.mark.parametrize(
    ("bad", "read"),
    [
        (b"Das Caf\xe9 ist zu.", "Das Café ist zu."),
        (b"Gr\xf6\xdfe und Stra\xdfe", "Größe und Straße"),
        (b"\xdcber den Fluss", "Über den Fluss"),
        (b"it\x92s \x93open\x94", "it’s “open”"),
        (b"15 \x80 \x96 heute", "15 € – heute"),
        (b"f\xc3r alle", "f\ufffdr alle"),  # ü without its second byte
        (b"\xbc \xff x\x81y", "\ufffd \ufffd x\ufffdy"),
        (b"\xe2\x82 cut", "\ufffd\ufffd cut"),
    ],
)
def test_utf8_with_bad_bytes_stays_utf8_and_the_bytes_are_counted(bad: bytes, read: str) -> None:
    n_bad = sum(byte > 0x7F for byte in bad)
    text, metadata = decode(BOOKS.encode() + bad)
    assert (text, metadata) == (BOOKS + read, {"repaired_bytes": str(n_bad)})


@pytest.mark.parametrize("name", ["cp1251", "cp1253", "cp932"])
def test_a_bad_byte_in_another_script_is_not_read_as_latin(name: str) -> None:
    words = WORDS[name].encode()
    middle = len(WORDS[name][:20].encode())
    text, _ = decode(words[:middle] + b"\xe9" + words[middle:])
    assert text == WORDS[name][:20] + "\ufffd" + WORDS[name][20:]


@pytest.mark.parametrize("name", ["cp1250", "cp1252", "cp1251", "gb18030", "big5", "euc_jp"])
def test_what_is_mostly_not_utf8_is_not_taken_for_it(name: str) -> None:
    text = "仓库每天早上七点开门，晚上十点关门。" if name in ("gb18030", "big5") else WORDS["cp932"]
    text = WORDS.get(name, text) * 3
    assert decode(text.encode(name, "ignore"))[0] == text.encode(name, "ignore").decode(name)


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "The lift is serviced every second Monday.\n",
        "a;b\r\n",
        WORDS["cp1251"] + "\n",
        "仓库每天早上七点开门，晚上十点关门。\r\n" * 3,
        "Bücher 😀 – 12 €\n",
    ],
)
def test_utf16_and_utf32_are_recognised_without_a_mark(name: str, text: str) -> None:
    assert decode(text.encode(name)) == (text, {"encoding": name})


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_the_last_character_of_cut_utf16_is_replaced_and_reported(mark: str) -> None:
    text, metadata = decode((mark + "The café is open").encode("utf-16-le")[:-1])
    assert (text, metadata["repaired_bytes"]) == ("The café is ope\ufffd", "1")
    text, metadata = decode((mark + "So it is 😀").encode("utf-16-le")[:-2])
    assert (text, metadata["repaired_bytes"]) == ("So it is \ufffd", "2")


def test_repaired_bytes_become_a_note() -> None:
    assert decoding_notes(decode(b"caf\xe9")[1]) == ()
    assert decoding_notes({"repaired_bytes": "1"}) == (
        "1 byte is not valid UTF-8: replaced by the likely character or \ufffd",
    )
    assert decoding_notes({"repaired_bytes": "2", "encoding": "utf-16-le"}) == (
        "2 bytes are not valid UTF-16-LE: replaced by the likely character or \ufffd",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"a/b.txt\0c/d.txt\0e/f.txt\0" * 9,  # a list of files
        bytes(range(256)) * 4,
        b"\x7fELF\x02\x01\x01\0" + b"\0" * 60 + b"libc.so.6\0",
        b"\x08\x03\x10\x01\x22\x08" + b"\0\0\x80?" * 40,
        "\ufeff".encode("utf-16-le") + b"\x00\xd8" * 40,
    ],
)
def test_bytes_with_zeros_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"is a binary file|is not valid"):
        decode(data)
