"""Text from anywhere → text that is safe to display: nothing invisible, nothing that reorders it.

Control, bidi and other invisible characters become visible escapes. Joiners (U+200C, U+200D) and
the soft hyphen stay: scripts and emoji need them. See Unicode TR 36 and "Trojan Source" (Boucher
and Anderson 2021). `index/text/sanitize.py` has the same characters for what is indexed.
"""

import unicodedata

_ESCAPED_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_ALLOWED = set("\n\t\u200c\u200d\u00ad")


def escape(text: str) -> str:
    r"""Returns `text` with each control or invisible character as an escape such as `\u202e`."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    escapes = {ord(character): _escape_character(character) for character in set(text)}
    return text.translate(escapes)


def _escape_character(character: str) -> str:
    if character in _ALLOWED or unicodedata.category(character) not in _ESCAPED_CATEGORIES:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def pluralize(number: int, noun: str) -> str:
    """Returns `1 passage`, `0 passages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
