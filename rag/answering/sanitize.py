"""Sanitizes a model's text: no markdown or HTML renderer makes a link, an image or a tag of it.

`lexer.py` removes links where it recognises them; this rule needs no grammar: a space is inserted
between two characters that begin a link, an image, a definition, a tag or a bare address, in code
too, since a renderer may see code elsewhere. All visible characters stay.
"""

import re
from itertools import pairwise

from index.text.sanitize import SURROGATES

CONTEXT_CHARS = 8
"""Characters before a text that decide what happens at its beginning, at most."""

_JOINT = re.compile(
    r"(?<=\])(?=[(:])"  # [text](target) and [label]: target
    r"|(?<=<)(?=[A-Za-z/!?])"  # <a href=…>, <https://…>, <!-- -->
    r"|(?<=[A-Za-z0-9+.-]:)(?=/)"  # https://…
    r"|(?<=www)(?<![a-z0-9]www)(?=\.)",
    re.IGNORECASE,
)
_LONE = re.compile(f"[{SURROGATES}]")


def sanitize_markup(text: str, *, before: str) -> str:
    """Returns the text sanitized as the continuation of `before`, however the stream was split."""
    context = before[-CONTEXT_CHARS:]
    whole = context + _LONE.sub("\ufffd", text)  # lone surrogates cannot be encoded
    joints = [match.start() for match in _JOINT.finditer(whole, len(context))]
    return " ".join(
        whole[start:end] for start, end in pairwise([len(context), *joints, len(whole)])
    )
