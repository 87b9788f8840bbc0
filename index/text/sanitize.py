"""Sanitizes text that was not written here: named classes of unsafe characters, and what to do.

The classes are the insides of regular expression sets. `sanitize` is for what is indexed and sent
to a model, `escape_unsafe` for messages; `api/wire/escape.py` escapes by Unicode category for
display. See Unicode TR 36 and "Trojan Source" (Boucher and Anderson 2021).
"""

import re

CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
"""All controls but tab and newlines."""
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Bidi marks, embeddings, overrides and isolates, which reorder the text around them."""
INVISIBLE = "\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"
"""Zero-width and other format characters; not the joiners, which scripts and emoji need."""
TAGS = "\U000e0000-\U000e007f"
"""Copies of ASCII that no font shows: a way to hide instructions for a model."""
SURROGATES = "\ud800-\udfff"
"""Halves of surrogate pairs, which no encoder accepts."""
LINE_BREAKS = "\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
"""Where `str.splitlines` breaks a line."""
VARIATION_SELECTORS = "\U000e0100-\U000e01ef\ufff0-\ufff8"
"""The supplement and unassigned specials, which can hide data in a text, too."""

IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: not shown, and no border between words."""

SOFT_HYPHEN = "\xad"
"""Stands for characters without a width: it parts no word, and tokenizers drop it."""

_UNSAFE = re.compile(f"([{BIDI}{INVISIBLE}])|([{TAGS}{SURROGATES}])|[{CONTROLS}]")
_IGNORABLE = re.compile(f"[{IGNORABLE}]+")


def sanitize(text: str) -> str:
    """Returns the text with unsafe characters replaced one for one, so that offsets stay valid.

    Controls become a space, bidi and zero-width marks a soft hyphen, tag characters and lone
    surrogates U+FFFD.
    """
    return _UNSAFE.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    return (" ", SOFT_HYPHEN, "\ufffd")[match.lastindex or 0]


def remove_ignorable(text: str) -> str:
    """Returns the text without the characters that are not shown; offsets do not stay valid."""
    return text if text.isascii() else _IGNORABLE.sub("", text)


def escape_unsafe(text: str) -> str:
    r"""Returns the text for display: what `sanitize` replaces is escaped (`\u202e`)."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
