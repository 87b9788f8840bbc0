"""Number formats of a workbook: 0.256 as `25.6%`, 89 as `€89`, 12 as `12 kg`.

After ECMA-376 part 1, section 18.8.31; only what stands beside the figure, and the decimals of
such a figure. Thousands separators depend on the reader's language and are left out.
"""

import re
from collections.abc import Callable
from functools import partial

_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|(\[[^\]]*\])|[_*](.)|([#0?][#0?.,]*|\.[#0?]+)|(.)',
    re.DOTALL,
)
_DATE_LETTERS = frozenset("dmyhsDMYHSgGeEaA@/")
_MAX_CODE_CHARS = 255
_MAX_DIGITS = 15


def number_formatter(code: str) -> Callable[[float], str] | None:
    """Returns the function that shows a number by a format, None where it shows just the number."""
    if len(code) > _MAX_CODE_CHARS:
        return None
    before, digits, after = "", "", ""
    for quoted, escaped, currency, _, padding, placeholders, other in _TOKEN.findall(code):
        if placeholders:
            if digits:
                return None  # a fraction or a phone number
            digits = placeholders
            continue
        if other == ";":
            break
        if other and other in _DATE_LETTERS:
            return None
        text = quoted or escaped or currency or other or (" " if padding else "")
        before, after = (before, after + text) if digits else (before + text, after)
    before, after = before.lstrip(), after.rstrip()
    if not digits or digits.endswith(",") or not re.search(r"[^\s()+-]", before + after):
        return None
    decimals = len(digits.partition(".")[2])
    optional = digits.partition(".")[2].count("#")
    return partial(_show, before=before, after=after, decimals=decimals, optional=optional)


def _show(value: float, *, before: str, after: str, decimals: int, optional: int) -> str:
    shown = abs(value) * (100 if "%" in before + after else 1)
    figure = f"{shown:.{decimals}f}"
    for _ in range(optional):
        figure = figure.removesuffix("0")
    sign = "-" if value < 0 and figure.strip("0.") else ""
    return f"{sign}{before}{figure.removesuffix('.')}{after}"


def plain_number(value: float) -> str:
    """Returns a number as people write it: 12 for 12.0, 0.3 for 0.30000000000000004."""
    if value == int(value) and abs(value) < 10**_MAX_DIGITS:
        return str(int(value))
    return f"{value:.{_MAX_DIGITS}g}"
