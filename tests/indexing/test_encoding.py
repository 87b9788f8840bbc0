"""Which encoding a file is in, and that binary files are refused."""

import pytest

from index.formats.html import extract_html
from index.formats.markdown import extract_markdown
from index.formats.text import extract_text
from index.text.encoding import decode

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


def test_truncated_utf16_is_refused() -> None:
    with pytest.raises(ValueError, match="looks like utf-16, but is not valid"):
        decode("\ufeffcafé".encode("utf-16-le")[:-1])
