"""Charset detection: bytes → text, the name of their encoding, and how many were repaired.

UTF-8 with a few bad bytes stays UTF-8; UTF-16 and UTF-32 are detected by their byte order mark, or
by their zero bytes where they have none; the rest by charset-normalizer among the encodings that
text files have in practice. Binary files are refused.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNIT_BYTES = {"utf-32": 4, "utf-16": 2}
_UNMARKED = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_CANDIDATES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 koi8_r koi8_u "
    "cp932 euc_jp iso2022_jp gb18030 big5 cp949"
).split()
_PREFERRED = "cp1252"
"""The encoding reported where several give the same text."""
_SAMPLE_BYTES = 100_000
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")  # \x1b shifts in ISO-2022-JP
_NOT_ASCII_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f-\xff]")
_TEXT_CONTROLS = "\t\n\r\f"
_MAX_DAMAGED_SHARE = 0.01
"""Of the characters of UTF-16 or UTF-32, those that no text has."""
_MIN_ASCII = 3
"""Of UTF-16 without a mark: even a Chinese text has that many digits, blanks and line breaks."""
_MIN_OTHER_SHARE = 0.05
"""Of the bytes of another script in UTF-16; ASCII with some zero bytes has none."""
_MIN_SCRIPT_SHARE = 0.9
_CJK_PAGES = {0x30, *range(0x4E, 0xA0), *range(0xAC, 0xD8), 0xFF}
_PUNCTUATION_PAGES = {0x00, 0x20, 0x21, 0x22}
"""Pages of 256 characters."""
_BAD_BYTES = re.compile("[\udc80-\udcff]+")
"""Bytes that are not UTF-8, as `surrogateescape` gives them: one character each."""
_LIKELY = re.compile("[\x80-\u017f\u0800-\ud7ff\ue000-\U0010ffff]+")
_LESS_LIKELY = re.compile("[\u0180-\u07ff]+")
"""Characters whose two bytes a capital and a quotation mark in cp1252 have, too (`Ü”`)."""
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_PLAUSIBLE = re.compile(  # the character before, one or two bad bytes as cp1252, the one after
    rf"(?![a-zß-öø-ÿ][A-ZÀ-ÞŠŒŽŸ])(?:[{_LATIN}][À-ÖØ-öø-ÿŠšŒœŽžŸ]{{1,2}}.?"
    rf"|.?[À-ÖØ-öø-ÿŠšŒœŽžŸ]{{1,2}}[{_LATIN}]|\s?[à-öø-ý]\s?)"
    rf"|[{_LATIN}]’[{_LATIN}]|\s?[“‘„]\w|[\w.,!?][”’]\s?|\s?[–—•]\s|[\d\s]€.?|.?€\d|\d°.?",
    re.DOTALL,
)


def decode(data: bytes) -> tuple[str, dict[str, str]]:
    """Returns the text without its byte order mark, and what is to be said about its decoding.

    That is `encoding` if it is not UTF-8, and `repaired_bytes`, the number of bytes in place of
    which a likely character or U+FFFD stands. Raises ValueError for a binary file or an encoding
    that cannot be detected.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decode_wide(name, data)
    if b"\0" in data:
        return _decode_wide(_detect_wide(data), data)
    try:
        return data.decode("utf-8-sig"), {}
    except UnicodeDecodeError as error:
        if repaired := _repair_utf8(data):
            return repaired
        if _CONTROLS.search(data):
            raise ValueError("is a binary file, not text") from error
        return _decode_as(_detect(data, error.start), data)


def decoding_notes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the notes for the operator that `decode` gave reason for; may be empty."""
    count, name = metadata.get("repaired_bytes"), metadata.get("encoding", "utf-8")
    if not count:
        return ()
    verb = "byte is" if count == "1" else "bytes are"
    return (f"{count} {verb} not valid {name.upper()}: replaced by the likely character or \ufffd",)


def _repair_utf8(data: bytes) -> tuple[str, dict[str, str]] | None:
    """Returns the text of UTF-8 with some bad bytes, None where most of it is not UTF-8."""
    text = data.decode("utf-8-sig", "surrogateescape")
    n_bad = _count(_BAD_BYTES, text)
    evidence = _count(_LIKELY, text) + _count(_LESS_LIKELY, text) // 4
    if evidence < n_bad and not data.startswith(codecs.BOM_UTF8):
        return None
    return _BAD_BYTES.sub(_repair, text), {"repaired_bytes": str(n_bad)}


def _count(characters: re.Pattern[str], text: str) -> int:
    return sum(match.end() - match.start() for match in characters.finditer(text))


def _repair(match: re.Match[str]) -> str:
    """Returns a run of bad bytes as cp1252 where that makes a word, else U+FFFD for each."""
    start, end = match.span()
    size = end - start
    if size <= 2:
        text = match.group().encode("utf-8", "surrogateescape").decode("cp1252", "replace")
        before, after = match.string[max(start - 1, 0) : start], match.string[end : end + 1]
        if _PLAUSIBLE.fullmatch(before + text + after):
            return text
    return "\ufffd" * size


def _detect_wide(data: bytes) -> str:
    """Returns which UTF-16 or UTF-32 a file without a mark is in; ValueError: a binary file."""
    sample = data[:_SAMPLE_BYTES]
    n_ascii, best = max((_count_ascii(sample, name), name) for name in _UNMARKED)
    if n_ascii < _MIN_ASCII:
        raise ValueError("is a binary file, not text")
    return best


def _count_ascii(sample: bytes, name: str) -> int:
    """Returns how many characters of the sample are ASCII; 0 where it is no text in that name."""
    unit = _UNIT_BYTES[name[:6]]
    try:
        text = sample[: len(sample) // unit * unit].decode(name, "surrogatepass")
    except UnicodeDecodeError:
        return 0
    text = text[:-1] if "\ud800" <= text[-1:] <= "\udbff" else text  # half a pair, cut
    n_ascii = sum(character.isascii() for character in text)
    if _count_damaged(text):
        return 0
    if 2 * n_ascii < len(text):
        n_other_bytes = len(_NOT_ASCII_TEXT.findall(sample))
        if n_other_bytes < _MIN_OTHER_SHARE * len(sample) or not _is_of_one_script(text):
            return 0
    return n_ascii


def _is_of_one_script(text: str) -> bool:
    """Returns whether nearly all letters are CJK or of two pages: noise is of many."""
    pages = Counter(ord(character) >> 8 for character in text)
    for page in _PUNCTUATION_PAGES:
        del pages[page]
    n_cjk = sum(pages.pop(page, 0) for page in _CJK_PAGES)
    n_letters = n_cjk + pages.total()
    n_script = max(n_cjk, sum(n for _, n in pages.most_common(2)))
    return n_script >= _MIN_SCRIPT_SHARE * n_letters


def _count_damaged(text: str) -> int:
    """Returns how many characters no text has, 0 for a tolerable share of a long one."""
    damaged = sum(
        unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
        for character in text
        if character not in _TEXT_CONTROLS
    )
    return damaged if "\0" in text or damaged > _MAX_DAMAGED_SHARE * len(text) else 0


def _decode_wide(name: str, data: bytes) -> tuple[str, dict[str, str]]:
    """Returns UTF-16 or UTF-32; U+FFFD stands for half a pair and for a last unit that is cut."""
    unit = _UNIT_BYTES[name[:6]]
    n_cut = len(data) % unit
    text, metadata = _decode_as(name, data[: len(data) - n_cut], errors="surrogatepass")
    text, n_halves = re.subn("[\ud800-\udfff]", "\ufffd", text)
    n_damaged = n_halves + (n_cut > 0)
    if n_damaged > (1 + _MAX_DAMAGED_SHARE * len(text) if text else 0):
        raise ValueError(f"looks like {name}, but is not valid: {n_damaged:,} half characters")
    if n_damaged:
        metadata["repaired_bytes"] = str(n_cut + n_halves * unit)
    return text + "\ufffd" * (n_cut > 0), metadata


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


def _decode_as(name: str, data: bytes, errors: str = "strict") -> tuple[str, dict[str, str]]:
    try:
        text = data.decode(name, errors)
    except UnicodeDecodeError as error:
        raise ValueError(f"looks like {name}, but is not valid: {error}") from error
    if "\0" in text:
        raise ValueError("is a binary file, not text")
    return text, {"encoding": name.replace("_", "-")}
