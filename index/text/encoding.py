"""Charset detection: bytes → text, and the name of their encoding.

Valid UTF-8 is UTF-8; UTF-16 and UTF-32 are detected by their byte order mark, the rest by
charset-normalizer among the encodings that text files have in practice. Binary files are refused.
"""

import codecs
import re

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r koi8_u "
    "cp932 euc_jp iso2022_jp gb18030 big5 cp949"
).split()
_PREFERRED = "cp1252"
"""The encoding reported where several give the same text."""
_SAMPLE_BYTES = 100_000
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")  # \x1b shifts in ISO-2022-JP


def decode(data: bytes) -> tuple[str, dict[str, str]]:
    """Returns the text without its byte order mark, and `{"encoding": name}` if it is not UTF-8.

    Raises ValueError for a binary file or an encoding that cannot be detected.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decode_as(name, data)
    if b"\0" in data:
        raise ValueError("is a binary file, not text")
    try:
        return data.decode("utf-8-sig"), {}
    except UnicodeDecodeError as error:
        if _CONTROLS.search(data):
            raise ValueError("is a binary file, not text") from error
        return _decode_as(_detect(data, error.start), data)


def _detect(data: bytes, start: int) -> str:
    """Returns the encoding's name, detected around the first byte that is not UTF-8."""
    from charset_normalizer import from_bytes

    begin = data.rfind(b"\n", max(start - _SAMPLE_BYTES // 2, 0), start) + 1
    begin = begin or max(start - _SAMPLE_BYTES // 2, 0)
    sample = data[begin : begin + _SAMPLE_BYTES]
    if begin + _SAMPLE_BYTES < len(data) and b"\n" in sample[start - begin :]:
        sample = sample[: sample.rindex(b"\n") + 1]  # ends between two characters
    best = from_bytes(sample, cp_isolation=_CANDIDATES, enable_fallback=False).best()
    if best is None:
        raise ValueError(
            f"is not UTF-8 (byte {start} is 0x{data[start]:02x}) and its encoding cannot be "
            f"detected: save it as UTF-8"
        )
    return _PREFERRED if _PREFERRED in best.could_be_from_charset else best.encoding


def _decode_as(name: str, data: bytes) -> tuple[str, dict[str, str]]:
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        raise ValueError(f"looks like {name}, but is not valid: {error}") from error
    if "\0" in text:
        raise ValueError("is a binary file, not text")
    return text, {"encoding": name.replace("_", "-")}
