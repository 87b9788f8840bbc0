"""What tells the kind of a new thing by its form: a year, a quarter, a name with a digit."""

import re

Span = tuple[int, int]
"""Offsets of a part of a question."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
YEAR = re.compile(r"(?<!\w)(?:19|20)\d\d(?!\w*[^\W\d年])")
QUARTER = re.compile(r"(?<!\w)[QH][1-4](?: (?:19|20)\d\d)?(?!\w)", re.IGNORECASE)
CODE = re.compile(
    r"(?<![A-Za-z0-9-])(?=[A-Za-z0-9-]*\d)(?=[0-9-]*[A-Za-z])[A-Za-z0-9-]+"
    r"(?: (?:Ultra|Pro|Max|Plus|Mini)(?!\w))?(?![A-Za-z0-9-])"
)
