"""Which text of a page nobody sees, by what stands on its elements: attributes and inline style.

Style sheets are not evaluated. A collapsed panel is content when a visible button opens it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

SEEN, COLLAPSED, NEVER_SEEN = 0, 1, 2

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LENGTH = re.compile(r"(-?\d*\.?\d+)(px|pt|em|rem|ex|ch|%|vw|vh|cm|mm|in|pc)?")
_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*(?:[,/]\s*([\d.]+)(%?))?\s*\)")
_HEX = re.compile(r"#([0-9a-f]{3,8})\b")
_EMPTY_CLIP = re.compile(
    r"rect\(\s*(-?[\d.]+)(?:px|em)?[\s,]+\1(?:px|em)?[\s,]+\1(?:px|em)?[\s,]+\1(?:px|em)?\s*\)"
    r"|inset\(\s*(?:50|[6-9]\d|100)%\s*\)|circle\(\s*0(?:px|%)?\s*(?:at[^)]*)?\)"
)
_NAMED = {"white": "ffffff", "black": "000000", "red": "ff0000", "green": "008000"}
_NAMED |= {"blue": "0000ff", "yellow": "ffff00", "gray": "808080", "grey": "808080"}
_NAMED |= {"silver": "c0c0c0", "navy": "000080", "transparent": "transparent"}
_NAMED |= {"whitesmoke": "f5f5f5", "snow": "fffafa", "ivory": "fffff0", "orange": "ffa500"}
_POSITIONED = ("absolute", "fixed")
_PER_EM = {"em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "cm": 37.8, "mm": 3.78, "in": 96.0}
_PER_EM |= {"pt": 1.33, "pc": 16.0, "vw": 10.0, "vh": 8.0, "%": 10.0}
_FAR_PX = -500.0
"""A place this far left of or above the page is off screen."""
_TINY_PX = 1.5


@dataclass(frozen=True, slots=True)
class Style:
    """What an element's text inherits of the inline style around it."""

    color: str | None = None
    background: str | None = None
    is_invisible: bool = False
    is_tiny: bool = False

    @property
    def hides_text(self) -> bool:
        """Whether text right in the element cannot be seen."""
        return (
            self.is_invisible
            or self.is_tiny
            or self.color == "transparent"
            or (self.color is not None and self.color == self.background)
        )


VISIBLE = Style()


def inherit(attributes: Mapping[str, str], style: Style) -> Style:
    """Returns the style of an element in one of this style."""
    if not attributes or not {"style", "color", "bgcolor"} & attributes.keys():
        return style
    declared = declarations(attributes.get("style", ""))
    color = _color(declared.get("color") or attributes.get("color", ""))
    shorthand = declared.get("background-color") or declared.get("background")
    background = _color(shorthand or attributes.get("bgcolor", ""))
    if shorthand and background is None:
        style = replace(style, background=None)  # an image, or a colour that is not understood
    if color:
        style = replace(style, color=color)
    if background and background != "transparent":
        style = replace(style, background=background)
    if "visibility" in declared:
        style = replace(style, is_invisible=declared["visibility"] in ("hidden", "collapse"))
    if (size := _pixels(declared.get("font-size", ""))) is not None:
        is_relative = declared["font-size"].endswith(("em", "%"))
        if not (is_relative and size and style.is_tiny):
            style = replace(style, is_tiny=size < _TINY_PX)
    elif "font-size" in declared and declared["font-size"] not in ("inherit", "unset"):
        style = replace(style, is_tiny=False)
    return style


def hides_subtree(attributes: Mapping[str, str]) -> int:
    """Returns whether the element hides all in it: SEEN, COLLAPSED or NEVER_SEEN."""
    if not attributes:
        return SEEN
    if attributes.get("hidden", "until-found").lower() != "until-found":
        return COLLAPSED
    if attributes.get("aria-hidden", "").lower() == "true":
        return COLLAPSED
    if "style" not in attributes:
        return SEEN
    declared = declarations(attributes["style"])
    if declared.get("display") == "none" or _is_zero_high(declared):
        return COLLAPSED
    return NEVER_SEEN if _is_out_of_sight(declared) else SEEN


def _is_zero_high(declared: Mapping[str, str]) -> bool:
    if declared.get("overflow", declared.get("overflow-y")) not in ("hidden", "clip"):
        return False
    sizes = (_pixels(declared.get(name, "")) for name in ("height", "max-height", "width"))
    return any(size is not None and size < _TINY_PX for size in sizes)


def _is_out_of_sight(declared: Mapping[str, str]) -> bool:
    opacity = _LENGTH.match(declared.get("opacity", ""))
    if opacity and float(opacity.group(1)) * (0.01 if opacity.group(2) == "%" else 1) < 0.05:
        return True
    moved = ["text-indent", "margin-left", "margin-top"]
    if declared.get("position") in _POSITIONED:
        moved += ["left", "top", "right", "bottom"]
        if _EMPTY_CLIP.search(declared.get("clip", "")):
            return True
    if any((_pixels(declared.get(name, "")) or 0) <= _FAR_PX for name in moved):
        return True
    if _EMPTY_CLIP.search(declared.get("clip-path", "")):
        return True
    transform = declared.get("transform", "")
    if re.match(r"scale[xy]?\(\s*0\s*[,)]", transform):
        return True
    shift = re.match(r"translate(?:x|y|3d)?\(\s*([^,)]*)", transform)
    return bool(shift and (_pixels(shift.group(1)) or 0) <= _FAR_PX)


def declarations(style: str) -> dict[str, str]:
    """Returns the properties of an inline style, lower-case, the last of each name."""
    if "/*" in style:
        style = _COMMENT.sub("", style)
    found: dict[str, str] = {}
    for part in style.lower().split(";"):
        name, _, value = part.partition(":")
        found[name.strip()] = value.replace("!important", "").strip()
    return found


def _pixels(value: str) -> float | None:
    match = _LENGTH.match(value)
    return float(match.group(1)) * _PER_EM.get(match.group(2) or "px", 1.0) if match else None


def _color(value: str) -> str | None:
    """Returns a colour as six hexadecimal digits, "transparent", or None."""
    value = value.strip().lower()
    if match := _RGB.search(value):
        if match.group(4) and float(match.group(4)) < 0.05:
            return "transparent"
        return "".join(f"{min(int(part[:4]), 255):02x}" for part in match.group(1, 2, 3))
    if match := _HEX.search(value):
        digits = match.group(1)
        if len(digits) in (3, 4):
            digits = "".join(digit * 2 for digit in digits)
        return "transparent" if digits[6:8] == "00" else digits[:6]
    return next((_NAMED[word] for word in value.split() if word in _NAMED), None)
