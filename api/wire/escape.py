"""Text from anywhere → text that shows what it holds: nothing can move, hide or reorder anything.

Control characters, bidi controls and other invisible formats become visible escapes. Joiners
(U+200C, U+200D) and the soft hyphen stay: scripts and emoji need them. See Unicode TR 36 and
"Trojan Source" (Boucher and Anderson 2021).
"""

import unicodedata

_ESCAPED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_KEPT = set("\n\t\u200c\u200d\u00ad")


def screen(text: str) -> str:
    r"""Returns `text` with each invisible or steering character as an escape such as `\u202e`."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _ESCAPED:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
