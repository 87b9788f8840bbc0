"""What a Chinese question has in the place of what is new in the next one."""

import re
from collections.abc import Iterator

from .ellipsis import Ellipsis
from .shapes import CODE, HAN, QUARTER, Span

_YEAR = re.compile(r"(?:19|20)\d\d年?")
_AFTER_HAN = "有的是在会能可需要每几哪什怎多呢吗应"
"""A name at the beginning of a question, or after 在, ends before one of these."""


def chinese_place(new: Ellipsis, frame: str) -> Span | None:
    """Returns what a Chinese frame has in the place of what is new."""
    core = new.core.removesuffix("的")
    for shape in (QUARTER, _YEAR, CODE):
        if shape.fullmatch(core):
            places = [match.span() for match in shape.finditer(frame)]
            return places[-1] if places else None
    if alike := max(_alike(core, frame), default=None):
        return alike[1]
    if CODE.search(frame):
        part = re.search(f"的([{HAN}]{{1,8}}?)(?=[{_AFTER_HAN}为])", frame)
        return part.span(1) if part else None
    stop = f"(?=[{_AFTER_HAN}])"
    found = re.search(f"在([{HAN}]{{1,6}}?){stop}", frame)
    found = found or re.match(f"([{HAN}]{{2,6}}?){stop}", frame)
    return found.span(1) if found else None


def _alike(core: str, frame: str) -> Iterator[tuple[int, Span]]:
    """Yields the places of the frame that begin or end as what is new, and how much is equal."""
    size = len(core)
    if size < 2 or not re.fullmatch(f"[{HAN}]{{2,8}}", core):
        return
    for start in range(len(frame) - size + 1):
        part = frame[start : start + size]
        if part != core and (part[-1] == core[-1] or part[:2] == core[:2]):
            equal = sum(a == b for a, b in zip(part, core, strict=True))
            if re.fullmatch(f"[{HAN}]+", part):
                yield equal, (start, start + size)
