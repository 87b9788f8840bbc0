"""Bytes → text, and the name of the encoding they are in.

UTF-8 is taken at its word, UTF-16 and UTF-32 by their byte order mark; what is left is recognised
by charset-normalizer among the encodings that files of articles have. Binary files are refused.
"""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r koi8_u "
    "cp932 euc_jp iso2022_jp gb18030 big5 cp949"
).split()
_USUAL = "cp1252"
"""What is named where several encodings give the same text."""
_SAMPLE = 100_000
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")  # \x1b shifts in ISO-2022-JP


def decode(data: bytes) -> str:
    """Returns the text without a leading byte order mark; a ValueError says what is wrong."""
    return decoded(data)[0]


def decoded(data: bytes) -> tuple[str, dict[str, str]]:
    """Returns the text, and `{"encoding": name}` where that is not UTF-8.

    A ValueError says what is wrong: a binary file, or no encoding that can be recognised.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _strictly(data, name)
    if b"\0" in data:
        raise ValueError("is a binary file, not text")
    try:
        return data.decode("utf-8-sig"), {}
    except UnicodeDecodeError as error:
        if _CONTROLS.search(data):
            raise ValueError("is a binary file, not text") from error
        return _strictly(data, _recognised(data, error.start))


def _recognised(data: bytes, start: int) -> str:
    """Returns the encoding's name, told from the text at its first byte that is not UTF-8."""
    from charset_normalizer import from_bytes

    begin = data.rfind(b"\n", max(start - _SAMPLE // 2, 0), start) + 1
    begin = begin or max(start - _SAMPLE // 2, 0)
    sample = data[begin : begin + _SAMPLE]
    if begin + _SAMPLE < len(data) and b"\n" in sample[start - begin :]:
        sample = sample[: sample.rindex(b"\n") + 1]  # ends between two characters
    best = from_bytes(sample, cp_isolation=_CANDIDATES, enable_fallback=False).best()
    if best is None:
        raise ValueError(
            f"is neither UTF-8 (byte {start} is 0x{data[start]:02x}) nor in an encoding that "
            f"could be recognised: save it as UTF-8"
        )
    return _USUAL if _USUAL in best.could_be_from_charset else best.encoding


def _strictly(data: bytes, name: str) -> tuple[str, dict[str, str]]:
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        raise ValueError(f"looks like {name}, but is not: {error}") from error
    if "\0" in text:
        raise ValueError("is a binary file, not text")
    return text, {"encoding": name.replace("_", "-")}
