"""A model's text → the same text that no markdown or HTML renderer makes a link or a tag of.

`markers.py` takes links apart where it recognises them; here is the rule that needs no grammar:
between two characters that begin a link, an image, a definition, a tag or a bare address stands a
space, in code too, since a renderer may see code elsewhere. All that was visible stays visible.
"""

import re
from itertools import pairwise

from index.text.sanitize import SURROGATES

MEMORY = 8
"""How many characters before a text decide what happens at its beginning, at most."""

_JOINT = re.compile(
    r"(?<=\])(?=[(:])"  # [text](target) and [label]: target
    r"|(?<=<)(?=[A-Za-z/!?])"  # <a href=…>, <https://…>, <!-- -->
    r"|(?<=[A-Za-z0-9+.-]:)(?=/)"  # https://…
    r"|(?<=www)(?<![a-z0-9]www)(?=\.)",
    re.IGNORECASE,
)
_LONE = re.compile(f"[{SURROGATES}]")


def defused(text: str, *, before: str) -> str:
    """Returns the text as it may follow `before`, wherever a stream was cut between the two."""
    memory = before[-MEMORY:]
    whole = memory + _LONE.sub("\ufffd", text)  # what is no character breaks every encoder
    joints = [match.start() for match in _JOINT.finditer(whole, len(memory))]
    return " ".join(whole[start:end] for start, end in pairwise([len(memory), *joints, len(whole)]))
